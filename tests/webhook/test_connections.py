"""How many connections there may be, and who makes room for new ones."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
import uvicorn
from uvicorn.server import ServerState

from gatekeeper_py.pki.development import make_certificates
from gatekeeper_py.webhook import connections as module
from gatekeeper_py.webhook.connections import Connections, most_connections
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.protocol import BoundedProtocol
from tests.webhook.test_protocol import REQUEST, ok

LONG = 20.0
Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Connect(Protocol):
    """Opens a connection, from an address of this machine."""

    def __call__(self, source: str = "127.0.0.1", tls: ssl.SSLContext | None = None, /) -> Awaitable[Opened]:
        raise NotImplementedError


Scene = Callable[[Connect, Metrics], Awaitable[None]]


def play(scene: Scene, most: int, tls: ssl.SSLContext | None = None) -> None:
    """A server of so many connections, and a client who opens them."""

    async def main() -> None:
        config = uvicorn.Config(ok, lifespan="off", log_config=None)
        config.load()
        state, metrics = ServerState(), Metrics()
        established: Any = state.connections

        def protocol() -> BoundedProtocol:
            return BoundedProtocol(config=config, server_state=state, app_state={})

        connections = Connections(tls, protocol, established, metrics, most)
        opened: list[asyncio.StreamWriter] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            accepting = asyncio.create_task(connections.accept(listener))

            async def connect(source: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Opened:
                name = None if tls is None else "localhost"
                reader, writer = await asyncio.open_connection(
                    *listener.getsockname()[:2], local_addr=(source, 0), ssl=tls, server_hostname=name
                )
                opened.append(writer)
                return reader, writer

            try:
                await scene(connect, metrics)
            finally:
                accepting.cancel()
                connections.close()
                for writer in opened:
                    writer.transport.abort()
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), LONG))


async def answered(opened: Opened) -> bool:
    opened[1].write(REQUEST)
    return (await opened[0].read(12)).startswith(b"HTTP/1.1 200")


def dropped(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("gatekeeper_webhook_dropped_connections_total") or 0


async def closed(opened: Opened) -> bool:
    """Once the connection is at its end."""
    with suppress(ConnectionError):
        await opened[0].read()
    return True


def test_the_longest_idle_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", 1)

    async def scene(connect: Connect, metrics: Metrics) -> None:
        first, second = await connect(), await connect()
        assert await answered(first)
        assert await answered(second)
        assert await answered(await connect())
        assert await closed(first)
        assert dropped(metrics) == 1
        second[1].write(REQUEST)
        await second[0].readuntil(b"HTTP/1.1 200 OK")

    play(scene, most=2)


def test_who_has_the_most_makes_room_before_who_has_been_idle_the_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ROOM", 1)

    async def scene(connect: Connect, metrics: Metrics) -> None:
        patient = await connect("127.0.0.2")
        assert await answered(patient)
        greedy = [await connect("127.0.0.3") for _ in range(3)]
        for each in greedy:
            assert await answered(each)
        assert await answered(await connect("127.0.0.4"))
        assert await closed(greedy[0])
        assert dropped(metrics) == 1
        patient[1].write(REQUEST)
        await patient[0].readuntil(b"HTTP/1.1 200 OK")

    play(scene, most=4)


def test_whoever_only_begins_handshakes_makes_room_for_those_who_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOM", 1)
    made = make_certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.certificate, made.key)
    trust = ssl.create_default_context(cafile=str(made.authority))

    async def scene(connect: Connect, metrics: Metrics) -> None:
        caller = await connect("127.0.0.2", trust)
        assert await answered(caller)
        greedy = [await connect("127.0.0.3") for _ in range(3)]
        await connect("127.0.0.4")
        assert await closed(greedy[0])
        caller[1].write(REQUEST)
        await caller[0].readuntil(b"HTTP/1.1 200 OK")

    play(scene, most=4, tls=tls)


def test_who_does_not_shake_hands_makes_room_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", 1)
    made = make_certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.certificate, made.key)

    async def scene(connect: Connect, metrics: Metrics) -> None:
        first, second, third = [await connect() for _ in range(3)]
        assert await closed(first)
        assert dropped(metrics) == 1
        assert not second[0].at_eof()
        assert not third[0].at_eof()

    play(scene, most=2, tls=tls)


def test_a_handshake_has_so_much_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 0.1)
    made = make_certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.certificate, made.key)

    async def scene(connect: Connect, metrics: Metrics) -> None:
        assert await closed(await connect())
        assert metrics.registry.get_sample_value("gatekeeper_webhook_failed_handshakes_total") == 1

    play(scene, most=2, tls=tls)


def test_descriptors_are_left_for_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for descriptors, most in ((64, 32), (1 << 20, module.MOST)):
        monkeypatch.setattr(resource, "getrlimit", lambda _which, n=descriptors: (n, n))
        assert most_connections() == most
