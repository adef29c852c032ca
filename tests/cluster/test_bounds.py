"""What is read of an API server that is not trusted, and where reading ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User

from gatekeeper_py.cluster.bounds import FOREIGN, UNBOUNDED, Bounds, Exceeded, bounded
from gatekeeper_py.cluster.connection import Connection, lines
from gatekeeper_py.cluster.follower import Picture
from gatekeeper_py.cluster.live import LiveCluster
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
SMALL = Bounds(page=2, answer=1 << 20, listing=2 << 20, kept=1 << 20, share=1.0)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_a_body_is_read_to_its_end_or_to_the_bound() -> None:
    assert asyncio.run(bounded(chunks(b"a", b"b"), 2)) == b"ab"
    assert asyncio.run(bounded(chunks(b"a" * 10), 0)) == b"a" * 10
    with pytest.raises(Exceeded, match="an answer of more than 0 MiB"):
        asyncio.run(bounded(chunks(b"a", b"b", b"c"), 2))


def test_an_event_that_never_ends_is_not_waited_for() -> None:
    async def read() -> list[Any]:
        return [each async for each in lines(chunks(b"ab", b"cd\ne", b"fghij"), 4)]

    with pytest.raises(Exceeded, match="an event of more than 0 MiB"):
        asyncio.run(read())


def test_of_the_hosts_own_api_server_everything_is_read() -> None:
    UNBOUNDED.check_listing(1 << 40, 1 << 20)
    UNBOUNDED.check_kept(1 << 40)
    assert (UNBOUNDED.limited, UNBOUNDED.pause(5.0)) == (False, 0.0)


def test_who_is_limited_rests_for_most_of_the_time() -> None:
    assert FOREIGN.limited
    assert FOREIGN.pause(0.1) == pytest.approx(0.9)


@pytest.mark.parametrize(("size", "pages"), [(FOREIGN.listing + 1, 1), (1, 10_001)])
def test_a_list_without_end_ends(size: int, pages: int) -> None:
    with pytest.raises(Exceeded, match="lists more than 256 MiB of one kind"):
        FOREIGN.check_listing(size, pages)


def test_what_is_kept_is_weighed_as_json_where_there_is_a_limit() -> None:
    assert SMALL.weight([{"a": 1}, {"b": [2]}]) == len('{"a":1}{"b":[2]}')
    assert UNBOUNDED.weight([{"a": 1}]) == 0


def config_map(name: str, size: int = 0) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "a", "resourceVersion": "1"},
        "data": {"d": "x" * size},
    }


def test_no_more_is_kept_than_may_be_and_a_list_counts_anew() -> None:
    picture = Picture(SMALL)
    picture.replace(CONFIG_MAP, [config_map("one", 600_000)])
    with pytest.raises(Exceeded, match="holds more than 1 MiB"):
        picture.change(CONFIG_MAP, [config_map("two", 600_000)], [])
    assert len(list(picture.snapshot.list(CONFIG_MAP))) == 1
    picture.replace(CONFIG_MAP, [config_map("two", 600_000)])
    assert [each["metadata"]["name"] for each in picture.snapshot.list(CONFIG_MAP)] == ["two"]


# --- an API server that means harm


@contextmanager
def hostile(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Connection]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # whoever asked has had enough
                answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    cluster = Cluster(server=f"http://127.0.0.1:{server.server_port}")
    config = KubeConfig.from_one(cluster=cluster, user=User(token="t")).get()
    assert config is not None
    try:
        yield Connection(config, SMALL)
    finally:
        server.shutdown()
        server.server_close()


def say(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def endless_list(handler: BaseHTTPRequestHandler) -> None:
    items = [config_map("x", 100_000)] * 2
    say(handler, json.dumps({"metadata": {"continue": "more"}, "items": items}).encode())


def endless_answer(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 65536)


def bomb(handler: BaseHTTPRequestHandler) -> None:
    say(handler, gzip.compress(b" " * (64 << 20)), Content_Encoding="gzip")


def no_json(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b"<html>")


def no_list(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b"[1, 2]")


def no_objects(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b'{"items": [1, "a", null]}')


def endless_refusal(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(403)
    handler.end_headers()
    while True:
        handler.wfile.write(b"no" * 32768)


@pytest.mark.parametrize(
    "answer", [endless_list, endless_answer, bomb, no_json, no_list, no_objects, endless_refusal]
)
def test_whatever_it_answers_reading_ends_with_an_error(
    answer: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    served = Kinds.builtin().served(CONFIG_MAP)
    assert served is not None

    async def read(connection: Connection) -> None:
        try:
            await connection.list(served)
        finally:
            await connection.close()

    with hostile(answer) as connection, pytest.raises(Exception, match=r".*"):
        asyncio.run(read(connection))


def test_a_connection_that_fails_is_made_anew_as_it_is_told_and_never_as_the_host_is() -> None:
    cluster = Cluster(server="http://127.0.0.1:9")
    config = KubeConfig.from_one(cluster=cluster, user=User(token="t")).get()
    assert config is not None
    renewed: list[float] = []

    def renew() -> Any:
        renewed.append(time.monotonic())
        return config

    live = LiveCluster(config, bounds=SMALL, renew=renew)
    live._connections._made = 0.0

    async def fail() -> None:
        live._connections.failed(OSError("gone"))
        await live._connections.close()

    asyncio.run(fail())
    assert len(renewed) == 1
