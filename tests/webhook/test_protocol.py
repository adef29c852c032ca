"""How much of a connection one client may hold: bytes of a request's head, and time to send them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gatekeeper_py.webhook.exchange import WHOLE
from gatekeeper_py.webhook.limits import MAX_HEAD
from gatekeeper_py.webhook.protocol import BoundedProtocol, SecureProtocol

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LONG = 20.0
"""Seconds no test should take; what is dropped is dropped long before."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper_py.webhook.protocol.HEAD_SECONDS", 0.4)


async def ok(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/whole":
        assert scope[WHOLE] is True
    elif scope["path"] == "/in-parts":
        assert WHOLE not in scope
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def connected(
    kind: type[BoundedProtocol] = BoundedProtocol,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's side of a connection to a server that answers `ok`."""
    config = uvicorn.Config(ok, lifespan="off", log_config=None, timeout_keep_alive=1)
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


@pytest.mark.parametrize(("path", "pause"), [(b"/whole", 0), (b"/in-parts", 0.1)])
def test_a_request_that_arrives_whole_says_so(path: bytes, pause: float) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for _ in range(2):
            request = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            first = len(request) - (1 if pause else 0)
            writer.write(request[:first])
            await asyncio.sleep(pause)
            writer.write(request[first:])
            assert await reader.readexactly(len(ANSWER)) == ANSWER
        return b"both"

    assert run(client) == b"both"


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
