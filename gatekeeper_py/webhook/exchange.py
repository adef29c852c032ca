"""One HTTP request to a door and the reply to it, as ASGI has them: as little of HTTP as a review needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

__all__ = [
    "ARRIVED",
    "CALLER",
    "Answering",
    "AtOnce",
    "Callers",
    "Decline",
    "Exchange",
    "Reply",
    "timeout_in",
]

CALLER: Final = "gatekeeper.caller"
"""In the scope of a request: the names in the certificate that the caller has shown (protocol.py)."""

ARRIVED: Final = "gatekeeper.arrived"
"""When it arrived, by `time.monotonic()`, if that was before the application is asked (protocol.py)."""

Answering: TypeAlias = Callable[[bytes | None], None]
"""Takes the JSON that answers, or None when the application has to be asked as every application is."""

Decline: TypeAlias = Callable[[], None]
"""Has what waits answered now, with None."""

AtOnce: TypeAlias = Callable[[bytes, bytes, frozenset[str], Answering], Decline | None]
"""What an application may offer as `at_once`: to answer what is posted to a URL, with this body, by whose
certificate has these names. It does so before it returns, or else it gives the way not to wait for it."""


@dataclass(frozen=True, slots=True)
class Callers:
    """By the names in their certificates, who may call at which door."""

    host: frozenset[str] = frozenset()
    """The host's API servers; none: whoever is no control plane's."""
    planes: Mapping[str, str] = field(default_factory=dict)
    """Of which control plane an API server with this name is."""

    def planes_of(self, shown: frozenset[str]) -> frozenset[str]:
        """Of which control planes who shows these is; of none, as a rule of one."""
        return frozenset(self.planes[each] for each in shown if each in self.planes)

    def are_foreign_to_host(self, shown: frozenset[str]) -> bool:
        """Whether who shows these has no business at the host's door.

        Where neither a document nor an option names certificates, anybody may call who came in.
        """
        if not self.planes and not self.host:
            return False
        return bool(self.planes_of(shown)) or (bool(self.host) and self.host.isdisjoint(shown))


class Reply(NamedTuple):
    """What is sent back."""

    code: HTTPStatus
    body: bytes
    is_verdict: bool
    """A review; otherwise it is a line of text, and the end of the connection."""


VERDICT_HEADERS = [(b"content-type", b"application/json")]
REFUSAL_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]


class Exchange:
    """A request whose head is there, and whose body may be on its way."""

    __slots__ = ("_receive", "_scope", "_send")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send

    @property
    def timeout(self) -> str | None:
        """`timeout` of the query, as it was sent."""
        return timeout_in(self._scope["query_string"])

    @property
    def arrived(self) -> float:
        """When the request arrived, by `time.monotonic()`."""
        moment: float | None = self._scope.get(ARRIVED)
        return time.monotonic() if moment is None else moment

    @property
    def length(self) -> int | None:
        """Content-Length, or None when it says nothing: what is really sent is counted anyway."""
        for name, value in self._scope["headers"]:
            if name == b"content-length":
                return int(value) if value.isdigit() and len(value) < 20 else None
        return None

    async def read(self) -> tuple[bytes, bool]:
        """The next part of the body, and whether there is more; raises `ClientDisconnect`."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)

    async def reply(self, reply: Reply) -> None:
        """Send the reply."""
        headers = VERDICT_HEADERS if reply.is_verdict else REFUSAL_HEADERS
        length = (b"content-length", b"%d" % len(reply.body))
        start = {"type": "http.response.start", "status": int(reply.code), "headers": [*headers, length]}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": reply.body})


@lru_cache(maxsize=64)  # the API server sends the timeouts of the registration, and nothing else
def timeout_in(query: bytes) -> str | None:
    """`timeout` of a query."""
    return QueryParams(query).get("timeout")
