"""Requests at the doors of control planes that reach a worker: the server answers them.

The server alone follows control planes. Were each worker told what happens in each, a hostile one could fill
and busy all of them. A worker does for such a request what its own connection costs: TLS, HTTP, the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatekeeper_py.webhook.body import BodyTooLarge, Memory, MemoryExhausted, read_body
from gatekeeper_py.webhook.channel import ChannelClosed
from gatekeeper_py.webhook.exchange import CALLER, Answering, Callers, Exchange, Reply
from gatekeeper_py.webhook.limits import MAX_BODY, time_allowed
from gatekeeper_py.webhook.orders import Forward, Forwarded
from gatekeeper_py.webhook.planes import PREFIX

__all__ = ["Forwarding", "answered"]

LATE: Final = "the review took longer than its caller waits"
GONE: Final = "the server does not answer its workers"

REFUSALS: Final[Mapping[type[Exception], HTTPStatus]] = {
    ClientDisconnect: HTTPStatus.BAD_REQUEST,
    TimeoutError: HTTPStatus.REQUEST_TIMEOUT,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    MemoryExhausted: HTTPStatus.SERVICE_UNAVAILABLE,
    ChannelClosed: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What ends a request without an answer of the server's."""

WORDS: Final[Mapping[type[Exception], str]] = {TimeoutError: LATE, ChannelClosed: GONE}

Ask = Callable[[Forward, float], Awaitable[Forwarded]]
"""Asks the server, for so many seconds; raises `ChannelClosed`, and `TimeoutError`."""


class Forwarding:
    """In a worker. Belongs to its event loop."""

    def __init__(self, ask: Ask, callers: Callers, memory: int) -> None:
        """`memory` bytes there are for long bodies."""
        self._ask = ask
        self.callers = callers
        self._memory = Memory(memory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have one request answered (ASGI)."""
        exchange = Exchange(scope, receive, send)
        try:
            answer = await self._answered(scope, exchange)
        except tuple(REFUSALS) as error:
            text = WORDS.get(type(error)) or str(error)
            await exchange.reply(Reply(REFUSALS[type(error)], f"{text}\n".encode(), is_verdict=False))
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    def at_once(self, _url: bytes, _body: bytes, _caller: frozenset[str], answer: Answering) -> None:
        """Nothing is answered here."""
        answer(None)

    def is_foreign(self, shown: frozenset[str]) -> bool:
        """Whether who shows these has no business at the host's door."""
        return self.callers.are_foreign_to_host(shown)

    async def _answered(self, scope: Scope, exchange: Exchange) -> Forwarded:
        seconds = time_allowed(exchange.timeout)
        end = asyncio.get_running_loop().time() + seconds
        with ExitStack() as held:
            async with asyncio.timeout_at(end):
                body = await read_body(exchange, MAX_BODY, partial(self._reserve, scope["path"], held))
                left = end - asyncio.get_running_loop().time()
                shown = scope.get(CALLER, frozenset())
                return await self._ask(
                    Forward(scope["method"], scope["path"], scope["query_string"], shown, body), left
                )

    async def _reserve(self, path: str, held: ExitStack, _beginning: bytes, size: int) -> None:
        """Wait for room: in chunks, in one piece, and on the way."""
        owner, needed = path.removeprefix(PREFIX).partition("/")[0], 2 * size
        await self._memory.take(owner, needed)
        held.callback(self._memory.give_back, owner, needed)


async def answered(doors: ASGIApp, asked: Forward) -> Forwarded:
    """In the server: what the doors of control planes answer."""
    scope = {
        "type": "http",
        "method": asked.method,
        "path": asked.path,
        "query_string": asked.query,
        "headers": [(b"content-length", b"%d" % len(asked.body))],
        CALLER: asked.caller,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": asked.body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await doors(scope, receive, send)
    start: Any = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Forwarded(start["status"], list(start["headers"]), body)
