"""The HTTP application: two doors for reviews, and what operators ask for.

`POST /mutate`, `POST /validate`: a review in, a verdict out with status 200. Otherwise one line says why not:
400 malformed, 408 the body did not arrive in time, 413 too large, 503 no capacity. The API server takes each
of these as a failed call, and with failurePolicy Fail refuses the request. What follows in the path are the
versions in which the API server asks about the same request besides (registration.py). `POST /t/NAME/mutate`
is the same for a tenant's own control plane (planes.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final, Protocol, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.webhook.exchange import CALLER, Answering, Decline, Exchange, timeout_in
from gatekeeper_py.webhook.health import Informant, Topic
from gatekeeper_py.webhook.planes import PREFIX
from gatekeeper_py.webhook.registration import conversions_of
from gatekeeper_py.webhook.revision import Webhook
from gatekeeper_py.webhook.service import Service

__all__ = ["NOBODY", "REACHED", "Application", "application", "health_application"]

REACHED = "the engine is reached"
"""Sent with 403, whose text client-go hands on (apimachinery/pkg/api/errors, NewGenericServerResponse)."""

PLANES: Final = PREFIX.encode("ascii")

DOORS: Final[Mapping[str, Webhook]] = {"mutate": "mutate", "validate": "validate"}

Door: TypeAlias = tuple[Webhook, frozenset[GroupVersion]]
"""Which it is, and the versions of which its path tells."""

Endpoint = Callable[[Request], Awaitable[Response]]


NOBODY: Final[frozenset[str]] = frozenset()
"""The names of a caller that shows no certificate."""


class PlaneDoors(Protocol):
    """The doors of control planes (`planes`), or the way to them (`forwarding`)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""

    def at_once(
        self, url: bytes, body: bytes, caller: frozenset[str], answer: Answering, /
    ) -> Decline | None:
        """As `Application.at_once`."""

    def is_foreign(self, shown: frozenset[str], /) -> bool:
        """Whether who shows these has no business at the host's doors."""
        raise NotImplementedError


class Application:
    """The two doors, and behind them everything that is asked seldom (ASGI)."""

    def __init__(self, service: Service, rest: ASGIApp, planes: PlaneDoors | None = None) -> None:
        self._service, self._rest, self._planes = service, rest, planes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live as long as the server (`lifespan`)."""
        if self._planes is not None and scope["type"] == "http":
            if scope["path"].startswith(PREFIX):
                await self._planes(scope, receive, send)
                return
            if self._planes.is_foreign(scope.get(CALLER, NOBODY)):
                await PlainTextResponse("the caller's certificate is no host's\n", 403)(scope, receive, send)
                return
        door = _door(scope["path"]) if scope["type"] == "http" else None
        if door is None:
            await self._rest(scope, receive, send)
        elif scope["method"] != "POST":
            await PlainTextResponse("reviews are posted\n", 405, {"Allow": "POST"})(scope, receive, send)
        else:
            exchange = Exchange(scope, receive, send)
            await exchange.reply(await self._service.review(exchange, *door))

    def at_once(self, url: bytes, body: bytes, caller: frozenset[str], answer: Answering) -> Decline | None:
        """Answer a review that has arrived whole, with None what is none, or no short one (see `AtOnce`)."""
        if self._planes is not None and url.startswith(PLANES):
            return self._planes.at_once(url, body, caller, answer)
        is_foreign = self._planes is not None and self._planes.is_foreign(caller)
        door, timeout = (None, None) if is_foreign else _called(url)
        if door is None:
            answer(None)
            return None
        return self._service.review_at_once(body, *door, timeout, answer)


def application(
    service: Service,
    informant: Informant,
    lifespan: Lifespan[Starlette] | None = None,
    planes: PlaneDoors | None = None,
) -> Application:
    """The doors of a service and of control planes, what operators ask for, and what goes on beside them."""
    routes = [Route("/reach", _reach, methods=["POST"]), *_routes(informant)]
    return Application(service, Starlette(lifespan=lifespan, routes=routes), planes)


@lru_cache(maxsize=64)  # the API server sends the paths of the registration, and nothing else
def _door(path: str) -> Door | None:
    """Which door a path leads to, and the versions that it tells of; None when it leads elsewhere."""
    name, _, versions = path.removeprefix("/").partition("/")
    webhook = DOORS.get(name)
    return None if webhook is None else (webhook, conversions_of(versions))


@lru_cache(maxsize=64)  # these, too
def _called(url: bytes) -> tuple[Door | None, str | None]:
    """Which door a URL leads to, if it need not be decoded for that, and the time that it allows."""
    path, _, query = url.partition(b"?")
    plain = path.isascii() and b"%" not in path
    return _door(path.decode("ascii")) if plain else None, timeout_in(query)


async def _reach(_request: Request) -> Response:
    """Refuses unread, in words that the API server passes on to whoever had it call."""
    return PlainTextResponse(REACHED, HTTPStatus.FORBIDDEN, {"Connection": "close"})


def health_application(informant: Informant) -> Starlette:
    """What probes and monitoring ask, and no reviews: for a port without client certificates."""
    return Starlette(routes=_routes(informant))


def _routes(informant: Informant) -> list[Route]:
    def telling(topic: Topic, verbose: Topic | None = None) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            asked = verbose if verbose is not None and "verbose" in request.query_params else topic
            told = await informant.about(asked)
            return Response(told.body, told.code, media_type=told.media_type)

        return endpoint

    return [
        Route("/healthz", telling("health")),
        Route("/readyz", telling("readiness", "readiness in detail")),
        Route("/metrics", telling("metrics")),
        Route("/statusz", _near(telling("status"))),
    ]


def _near(endpoint: Endpoint) -> Endpoint:
    """For callers on this machine only, or in this pod: what is told names tenants and their objects."""

    async def answer(request: Request) -> Response:
        if request.client is None or not _is_loopback(request.client.host):
            return PlainTextResponse("asked from another machine: use kubectl port-forward\n", 403)
        return await endpoint(request)

    return answer


def _is_loopback(host: str) -> bool:
    address = ip_address(host)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
