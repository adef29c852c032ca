"""What is opened towards an API server is closed again. What is said over it: `test_live.py`."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cluster.connection import Connection, Connections, configuration, lines
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.resource import GroupVersionKind, Served

SECONDS = 5.0
CLIENT_HELLO = b"\x16\x03\x01"
"""How a TLS handshake begins: record type, and the version that all send first."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """An API server that takes connections and says nothing, as one that is overloaded."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(SECONDS)
        yield made


@pytest.fixture
def kubeconfig(listener: socket.socket, tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    cluster = {"server": f"https://127.0.0.1:{listener.getsockname()[1]}", "insecure-skip-tls-verify": True}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "all",
        "contexts": [{"name": "all", "context": {"cluster": "all", "user": "all"}}],
        "clusters": [{"name": "all", "cluster": cluster}],
        "users": [{"name": "all", "user": {}}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def namespaces() -> Served:
    served = Snapshot().served(GroupVersionKind("", "v1", "Namespace"))
    assert served is not None
    return served


async def get(connection: Connection) -> None:
    await connection.get(namespaces(), "", "foo")


async def list_all(connection: Connection) -> None:
    await connection.list(namespaces())


async def watch(connection: Connection) -> None:
    async with connection.watch(namespaces(), "7"):
        pass


async def merge_status(connection: Connection) -> None:
    await connection.merge_status(namespaces(), "foo", {})


@pytest.mark.parametrize("ask", [get, list_all, watch, merge_status])
def test_a_handshake_that_nobody_waits_for_any_more_is_closed(
    kubeconfig: Path, listener: socket.socket, ask: Callable[[Connection], Awaitable[None]]
) -> None:
    async def scene() -> bytes:
        connection = Connection(configuration(kubeconfig))
        asking = asyncio.ensure_future(ask(connection))
        near, _ = await asyncio.to_thread(listener.accept)
        with near:
            near.settimeout(SECONDS)
            assert (await asyncio.to_thread(near.recv, 65536)).startswith(CLIENT_HELLO)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            await connection.close()
            return await asyncio.to_thread(near.recv, 1)

    assert asyncio.run(scene()) == b""


def test_closing_closes_connections_that_were_just_replaced(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper_py.cluster.connection.RENEWAL_SECONDS", 0.0)
    closed: list[Connection] = []

    async def close(connection: Connection) -> None:
        closed.append(connection)

    monkeypatch.setattr(Connection, "close", close)

    async def scene() -> list[Connection]:
        connections = Connections(configuration(kubeconfig))
        replaced = connections.current
        connections.failed(OSError("reset"))
        await connections.close()
        return [replaced, connections.current]

    assert asyncio.run(scene()) == closed


@given(st.lists(st.binary(min_size=1, max_size=5).filter(lambda line: b"\n" not in line)), st.data())
def test_lines_are_the_same_however_they_are_cut_into_chunks(said: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in said)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))) | {0, len(stream)})

    async def chunks() -> AsyncIterator[bytes]:
        for begin, end in pairwise(cuts):
            yield stream[begin:end]

    async def read() -> list[bytes]:
        return [line async for ended in lines(chunks()) for line in ended]

    assert asyncio.run(read()) == said
