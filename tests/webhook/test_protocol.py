"""How much of a connection one client may hold: bytes of a request's head, and time to send them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gatekeeper_py.webhook.exchange import ARRIVED, Answering, Decline
from gatekeeper_py.webhook.limits import MAX_HEAD
from gatekeeper_py.webhook.protocol import PATIENCE, BoundedProtocol, PromptProtocol, SecureProtocol
from gatekeeper_py.webhook.purse import SHORT_BODY

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LONG = 20.0
"""Seconds no test should take; what is dropped is dropped long before."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper_py.webhook.protocol.HEAD_SECONDS", 0.4)


async def ok(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def connected(
    kind: type[BoundedProtocol] = BoundedProtocol, app: Any = ok
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's side of a connection to a server that answers `ok`, or as another application."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, proxy_headers=False, timeout_keep_alive=1)
    config.load()

    def protocol() -> BoundedProtocol:
        return kind(config=config, server_state=ServerState(), app_state={})

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        server.close()


def run(client: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]) -> bytes:
    """What a client reads in the end."""

    async def main() -> bytes:
        async with connected() as (reader, writer):
            return await asyncio.wait_for(client(reader, writer), LONG)

    return asyncio.run(main())


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the server ends the connection."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def drip(writer: asyncio.StreamWriter, part: bytes) -> None:
    """Send a part again and again, often enough to look alive."""
    while not writer.is_closing():
        writer.write(part)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b""),
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
        (b"GET /", b"a"),
        (REQUEST[:-2], b""),
    ],
    ids=[
        "silence",
        "empty lines",
        "half a head",
        "headers without end",
        "a path without end",
        "no last line",
    ],
)
@pytest.mark.parametrize("before", [0, 1], ids=["at first", "after a request"])
def test_a_head_has_to_come_in_time(whole: bytes, part: bytes, before: int) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for _ in range(before):
            writer.write(REQUEST)
            assert await reader.readexactly(len(ANSWER)) == ANSWER
        writer.write(whole)
        sending = asyncio.ensure_future(drip(writer, part))
        try:
            return await rest(reader)
        finally:
            sending.cancel()

    assert run(client) == b""


@pytest.mark.parametrize(
    ("path", "header", "answered"),
    [(1, 1, True), (MAX_HEAD - 1000, 1, True), (1, MAX_HEAD - 1000, True), (MAX_HEAD + 1, 1, False),
     (1, MAX_HEAD + 1, False), (MAX_HEAD // 2, MAX_HEAD // 2, False)],
)  # fmt: skip
def test_a_head_has_a_longest_length(path: int, header: int, answered: bool) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET /" + b"a" * path + b" HTTP/1.1\r\nX: " + b"b" * header + b"\r\n")
        writer.write(b"Connection: close\r\n\r\n")
        return await rest(reader)

    assert run(client).startswith(b"HTTP/1.1 200 ") is answered


def test_many_small_headers_count_together() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * MAX_HEAD + b"\r\n")
        return await rest(reader)

    assert run(client) == b""


def test_each_request_of_a_connection_has_time_and_room_of_its_own() -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"b" * (MAX_HEAD // 2) + b"\r\n\r\n"

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for _ in range(5):
            writer.write(head)
            assert await reader.readexactly(len(ANSWER)) == ANSWER
            await asyncio.sleep(0.15)
        writer.write(head + head)
        return await reader.readexactly(2 * len(ANSWER))

    assert run(client) == ANSWER * 2


class Prompt:
    """Answers at once what is posted to one place, and everything else as every application does."""

    def __init__(self, answer: bytes | None = b"{}") -> None:
        self.asked: list[tuple[bytes, bytes]] = []
        self.called = 0
        self._answer = answer

    def at_once(self, url: bytes, body: bytes, _caller: frozenset[str], answer: Answering) -> Decline | None:
        self.asked.append((url, body))
        answer(self._answer)
        return None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.called += 1
        await ok(scope, receive, send)


class Waiting(Prompt):
    """Answers at once what it has let wait for a while, unless it is told not to."""

    def __init__(self, answer: bytes | None = b"{}", seconds: float = 0.05) -> None:
        super().__init__(answer)
        self._seconds = seconds
        self.declined = 0
        self.arrived: list[float] = []

    def at_once(self, url: bytes, body: bytes, _caller: frozenset[str], answer: Answering) -> Decline | None:
        self.asked.append((url, body))
        timer = asyncio.get_running_loop().call_later(self._seconds, answer, self._answer)

        def decline() -> None:
            timer.cancel()
            self.declined += 1
            answer(None)

        return decline

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.arrived += [scope[ARRIVED]] if ARRIVED in scope else []
        await super().__call__(scope, receive, send)


POSTED = b"POST /x?y HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
AT_ONCE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def converse(app: Prompt, *parts: bytes, expected: int) -> bytes:
    """What a client reads in answer to parts that it sends one after the other."""

    async def main() -> bytes:
        async with connected(PromptProtocol, app) as (reader, writer), asyncio.timeout(LONG):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.1 if len(parts) > 1 else 0)
            return await reader.readexactly(expected)

    return asyncio.run(main())


def test_what_arrives_whole_is_answered_at_once_again_and_again() -> None:
    app = Prompt()
    assert converse(app, *[POSTED] * 3, expected=3 * len(AT_ONCE)) == AT_ONCE * 3
    assert (app.asked, app.called) == ([(b"/x?y", b"abc")] * 3, 0)


@pytest.mark.parametrize("cut", [10, 60, len(POSTED) - 1])
def test_what_arrives_in_pieces_is_so_too_when_the_pieces_follow_each_other(
    cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper_py.webhook.protocol.PATIENCE", LONG)
    app = Prompt()
    assert converse(app, POSTED[:cut], POSTED[cut:], expected=len(AT_ONCE)) == AT_ONCE
    assert (app.asked, app.called) == ([(b"/x?y", b"abc")], 0)


def test_a_piece_that_does_not_come_keeps_nothing_when_the_client_goes() -> None:
    async def main() -> bool:
        async with connected(PromptProtocol, Prompt()) as (_, writer):
            writer.write(POSTED[:-1])
            await asyncio.sleep(0)
            writer.transport.abort()
            await asyncio.sleep(3 * PATIENCE)
        return True

    assert asyncio.run(main())


def test_requests_that_arrive_together_are_answered_in_their_order() -> None:
    app = Prompt()
    together = POSTED + REQUEST + POSTED
    assert converse(app, together, expected=len(AT_ONCE) + 2 * len(ANSWER)) == AT_ONCE + ANSWER * 2
    assert (len(app.asked), app.called) == (1, 2)


def test_what_waits_for_its_answer_gets_it() -> None:
    app = Waiting()
    assert converse(app, *[POSTED] * 3, expected=3 * len(AT_ONCE)) == AT_ONCE * 3
    assert (len(app.asked), app.declined, app.called) == (3, 0, 0)


def test_what_has_waited_in_vain_is_answered_as_by_every_application_and_has_come_when_it_came() -> None:
    app = Waiting(None)
    began = time.monotonic()
    assert b"HTTP/1.1 200 OK" in converse(app, POSTED, expected=len(ANSWER))
    assert (len(app.asked), app.declined, app.called) == (1, 0, 1)
    (arrived,) = app.arrived
    assert began <= arrived < time.monotonic() - app._seconds


@pytest.mark.parametrize("parts", [(POSTED + REQUEST,), (POSTED, REQUEST)], ids=["together", "meanwhile"])
def test_who_asks_for_more_while_he_waits_is_answered_in_order(parts: tuple[bytes, ...]) -> None:
    app = Waiting(seconds=LONG)
    assert converse(app, *parts, expected=2 * len(ANSWER)) == ANSWER * 2
    assert (len(app.asked), app.declined, app.called) == (1, 1, 2)


@pytest.mark.parametrize("end", [PromptProtocol.shutdown, PromptProtocol.answer_and_close])
def test_what_waits_when_its_connection_shall_end_is_answered_as_the_last(
    end: Callable[[PromptProtocol], None],
) -> None:
    app, made = Waiting(seconds=LONG), list[PromptProtocol]()

    class Noted(PromptProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            made.append(self)

    async def main() -> tuple[bool, bytes]:
        async with connected(Noted, app) as (reader, writer), asyncio.timeout(LONG):
            writer.write(POSTED)
            while not app.asked:
                await asyncio.sleep(0.01)
            was_idle = made[0].idle
            end(made[0])
            return was_idle, await rest(reader)

    was_idle, answer = asyncio.run(main())
    assert not was_idle
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in answer
    assert (app.declined, app.called) == (1, 1)


def test_an_answer_that_nobody_waits_for_any_more_is_dropped() -> None:
    async def main() -> int:
        app = Waiting(seconds=0.1)
        async with connected(PromptProtocol, app) as (_, writer):
            writer.write(POSTED)
            while not app.asked:
                await asyncio.sleep(0.01)
            writer.transport.abort()
            await asyncio.sleep(0.2)
        return app.called

    assert asyncio.run(main()) == 0


@pytest.mark.parametrize(
    ("parts", "asked"),
    [
        ((POSTED[:-1], POSTED[-1:]), 0),
        ((POSTED[:20], POSTED[20:-3], POSTED[-3:]), 0),
        ((POSTED.replace(b"POST", b"PUT"),), 0),
        ((POSTED.replace(b"/1.1", b"/1.0").replace(b"Host: x", b"Connection: keep-alive"),), 0),
        ((POSTED.replace(b"Host: x", b"Connection: close"),), 0),
        ((POSTED.replace(b"Host: x", b"Expect: 100-continue"),), 0),
        ((POSTED.replace(b": 3", b": %d" % (SHORT_BODY + 3)) + b"x" * SHORT_BODY,), 0),
        ((POSTED,), 1),
    ],
    ids=[
        "a late body",
        "a late head",
        "another method",
        "an old version",
        "a last request",
        "a question",
        "a long body",
        "declined",
    ],
)
def test_what_cannot_be_answered_at_once_is_answered_as_by_every_application(
    parts: tuple[bytes, ...], asked: int
) -> None:
    app = Prompt(None)
    assert b"HTTP/1.1 200 OK" in converse(app, *parts, expected=len(ANSWER))
    assert (len(app.asked), app.called) == (asked, 1)


def test_the_head_of_what_is_answered_at_once_has_a_longest_length() -> None:
    app = Prompt()
    long = POSTED.replace(b"Host: x", b"X: " + b"b" * MAX_HEAD)

    async def main() -> bytes:
        async with connected(PromptProtocol, app) as (reader, writer):
            writer.write(long)
            return await asyncio.wait_for(rest(reader), LONG)

    assert asyncio.run(main()) == b""
    assert app.asked == []


def test_who_was_answered_at_once_may_be_silent_longer_than_a_head_may_take() -> None:
    async def main() -> bytes:
        async with connected(PromptProtocol, Prompt()) as (reader, writer):
            for _ in range(2):
                writer.write(POSTED)
                answered = await asyncio.wait_for(reader.readexactly(len(AT_ONCE)), LONG)
                await asyncio.sleep(0.6)
        return answered

    assert asyncio.run(main()) == AT_ONCE


def test_a_body_may_take_longer_than_a_head() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n")
        for _ in range(12):
            await asyncio.sleep(0.06)
            writer.write(b"x")
        return await reader.readexactly(len(ANSWER))

    assert run(client) == ANSWER


def test_plain_http_is_never_answered_where_there_has_to_be_tls(caplog: pytest.LogCaptureFixture) -> None:
    """Even when the port was opened without TLS, and the request comes at once."""

    async def main() -> bytes:
        async with connected(SecureProtocol) as (reader, writer):
            writer.write(REQUEST)
            try:
                return await asyncio.wait_for(reader.read(), LONG)
            except ConnectionResetError:
                return b""

    assert asyncio.run(main()) == b""
    assert "a connection that TLS does not cover was dropped" in caplog.text
