"""A background audit over HTTP, read-only: the page, the report, health and metrics.

A browser that reaches it also runs the pages of strangers. One whose name is made to lead here (DNS
rebinding) sends a Host that no address and no name of a cluster is, and is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final, Generic, TypeVar

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import html, json
from gatekeeper_py.browser.sealing import Sealed
from gatekeeper_py.cluster.connection import now

__all__ = ["Shown", "make_pages"]

KEPT_SECONDS: Final = 2.0
"""For which an answer is given again: however many ask, one is made at a time."""

STRANGE: Final = "this is reached by an address, or by a name of the cluster\n"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is asked; called in threads."""

    outcome: Callable[[], Outcome]
    exposition: Callable[[], bytes]
    readiness: Callable[[], tuple[bool, Mapping[str, object]]]
    alive: Callable[[], bool]


def make_pages(shown: Shown, kept_seconds: float = KEPT_SECONDS) -> Starlette:
    """The application."""
    page = _Kept(lambda: html.report(shown.outcome()), kept_seconds)
    report = _Kept(lambda: json.report(shown.outcome()), kept_seconds)
    metrics = _Kept(shown.exposition, kept_seconds)

    async def healthz(_request: Request) -> Response:
        alive = shown.alive()
        return PlainTextResponse("ok" if alive else "the audit has ended", 200 if alive else 503)

    async def readyz(_request: Request) -> Response:
        ready, details = await run_in_threadpool(shown.readiness)
        code = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(orjson.dumps(details), int(code), media_type="application/json")

    async def index(_request: Request) -> Response:
        policy = {"Content-Security-Policy": html.content_security_policy()}
        return HTMLResponse(await run_in_threadpool(page.get), headers=policy)

    async def whole(_request: Request) -> Response:
        return Response(await run_in_threadpool(report.get), media_type="application/json")

    async def exposed(_request: Request) -> Response:
        return Response(await run_in_threadpool(metrics.get), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/", index),
            Route("/report.json", whole),
            Route("/metrics", exposed),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
        middleware=[Middleware(Sealed), Middleware(_OwnHosts)],
    )


Made = TypeVar("Made", str, bytes)


class _Kept(Generic[Made]):
    """An answer that is made at most so often."""

    def __init__(self, make: Callable[[], Made], seconds: float) -> None:
        self._make: Callable[[], Made] = make
        self._seconds = seconds
        self._making = threading.Lock()
        self._made: tuple[float, Made] | None = None

    def get(self) -> Made:
        """The answer."""
        with self._making:
            if self._made is None or now() - self._made[0] > self._seconds:
                self._made = now(), self._make()
            return self._made[1]


class _OwnHosts:
    """Refuses strange hosts."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_strange = scope["type"] == "http" and not _is_own(Headers(scope=scope).get("host", ""))
        answer = PlainTextResponse(STRANGE, HTTPStatus.MISDIRECTED_REQUEST) if is_strange else self.app
        await answer(scope, receive, send)


def _is_own(host: str) -> bool:
    """Whether a Host is an address, or a name that nobody outside a cluster can have lead here."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return "." not in name or name.endswith((".svc", ".local"))
    return True
