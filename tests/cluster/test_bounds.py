"""What is read of an API server that is not trusted, and where reading ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import Cluster, User

from gatekeeper_py.cluster.bounds import FOREIGN, UNBOUNDED, Bounds, Exceeded, Readers, Room, bounded
from gatekeeper_py.cluster.connection import BAD_TOKEN, Connection, Refused, _Parameters, lines, now
from gatekeeper_py.cluster.follower import Picture
from gatekeeper_py.cluster.live import LiveCluster
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
FOUND = Kinds.builtin().served(CONFIG_MAP)
assert FOUND is not None
SERVED = FOUND
TOKEN = "token-of-the-engine"
SMALL = Bounds(page=2, answer=1 << 20, under_way=2 << 20, values=50_000, listing=2 << 20, kept=1 << 20)


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


@pytest.mark.parametrize("readers", [1, 2, 4, 5, 16, 64])
def test_however_many_read_at_a_time_they_take_no_more_together_than_a_few(readers: int) -> None:
    spent = 0.01
    share = spent / (spent + FOREIGN.pause(spent, readers))
    assert share * readers <= FOREIGN.together + 1e-9
    assert share <= FOREIGN.share + 1e-9


def test_who_rests_is_counted_once_and_only_while_he_does() -> None:
    readers = Readers()
    with readers.resting("one"), readers.resting("one") as twice, readers.resting("two") as two:
        assert (twice, two) == (1, 2)
    with readers.resting("three") as alone:
        assert alone == 1


def burn(seconds: float) -> None:
    """Work for so long."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_connections_of_different_api_servers_rest_together() -> None:
    first, second = (Connection(config_of("http://127.0.0.1:9"), FOREIGN) for _ in range(2))
    counted: list[int] = []

    async def rest() -> None:
        for each in (first, second):
            await each._rest()
        burn(0.01)
        resting = [asyncio.create_task(each._rest()) for each in (first, second)]
        await asyncio.sleep(0)
        with FOREIGN.readers.resting("third") as number:
            counted.append(number)
        await asyncio.gather(*resting, first.close(), second.close())

    asyncio.run(rest())
    assert counted == [3]


def test_everything_that_the_thread_does_is_paid_for_and_all_of_one_connection_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def pause(self: Connection, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(Connection, "_pause", pause)
    connection = Connection(config_of("http://127.0.0.1:9"), FOREIGN)

    async def work() -> None:
        await connection._rest()
        burn(0.05)
        await connection._rest()
        await connection._rest()
        connection._busy_until = now() + 60
        await connection._rest()
        await connection.close()

    asyncio.run(work())
    worked, waited = pauses
    assert worked > 0.05 * 8
    assert waited == 0.0


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


def config_of(server: str) -> SingleConfig:
    config = KubeConfig.from_one(cluster=Cluster(server=server), user=User(token=TOKEN)).get()
    assert config is not None
    return config


@contextmanager
def hostile(answer: Callable[[BaseHTTPRequestHandler], None], bounds: Bounds = SMALL) -> Iterator[Connection]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # whoever asked has had enough
                answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield Connection(config_of(f"http://127.0.0.1:{server.server_port}"), bounds)
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


def redirect(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b"", 307, Location="http://127.0.0.1:1/elsewhere")


def deep(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b'{"items": [], "metadata": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")


def dense(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b'{"metadata": {}, "items": [' + b"{}," * 100_000 + b"{}]}")


def long_number(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b'{"items": [], "metadata": {"resourceVersion": 7' + b"0" * 5000 + b"}}")


def names_that_are_none(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b'{"items": [{"metadata": [1]}, 7]}')


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def endless_preliminaries(handler: BaseHTTPRequestHandler) -> None:
    while True:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 10)
        time.sleep(0.01)


def tiny_chunks(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"1\r\n \r\n" * 1000)


def endless_head(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X: y\r\n" * 1000)


def too_soon(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b'{"message": "later"}', 429, Retry_After="1000000000")


LIES = (
    *(
        endless_list,
        endless_answer,
        bomb,
        no_json,
        no_list,
        no_objects,
        endless_refusal,
        redirect,
        deep,
        dense,
    ),
    *(long_number, names_that_are_none, drip, endless_preliminaries, tiny_chunks, endless_head, too_soon),
)


@pytest.mark.parametrize("answer", LIES)
def test_whatever_it_answers_reading_ends_with_an_error(
    answer: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    async def read(connection: Connection) -> None:
        try:
            await connection.list(SERVED)
        finally:
            await connection.close()

    hasty = replace(SMALL, seconds=0.5)
    with hostile(answer, hasty) as connection, pytest.raises(Exception, match=r".*") as raised:
        asyncio.run(read(connection))
    assert len(str(raised.value)) < 1000
    assert TOKEN not in str(raised.value)


def long_refusal(handler: BaseHTTPRequestHandler) -> None:
    say(handler, json.dumps({"message": "no" * 20_000}).encode(), 403)


def long_error(handler: BaseHTTPRequestHandler) -> None:
    say(
        handler,
        json.dumps({"type": "ERROR", "object": {"code": 403, "message": "no" * 20_000}}).encode() + b"\n",
    )


@pytest.mark.parametrize("answer", [long_refusal, long_error])
def test_what_it_says_for_itself_is_told_on_in_a_few_words(
    answer: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    async def watch(connection: Connection) -> None:
        async with connection.watch(SERVED, "1") as events:
            async for _ in events:
                pass
        await connection.close()

    with hostile(answer) as connection, pytest.raises(Refused) as refused:
        asyncio.run(watch(connection))
    assert (refused.value.code, len(refused.value.message)) == (403, 500)


def watch_without_end(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"x" * 900_000)
    handler.wfile.flush()
    time.sleep(5)


def test_what_arrives_in_parts_has_one_room_for_all_that_one_api_server_sends() -> None:
    """Three watches, each with most of an event that may be so long, where two have room."""

    async def watch(connection: Connection) -> None:
        async with connection.watch(SERVED, "1") as events:
            async for _ in events:
                pass

    async def main(connection: Connection) -> None:
        try:
            await asyncio.gather(*(watch(connection) for _ in range(3)))
        finally:
            await connection.close()

    with hostile(watch_without_end) as connection, pytest.raises(Exceeded, match="more than 2 MiB at once"):
        asyncio.run(main(connection))


def test_room_is_given_back_however_reading_ends() -> None:
    room = Room(10)

    async def read() -> None:
        await bounded(chunks(b"abc", b"def"), 0, room)
        with pytest.raises(Exceeded):
            await bounded(chunks(b"abcdef", b"ghijkl"), 0, room)
        assert [each async for each in lines(chunks(b"ab", b"cd\ne", b"f\n\n", b"g"), 0, room)] == [
            [b"abcd"],
            [b"ef"],
        ]

    asyncio.run(read())
    room.take(10)
    with pytest.raises(Exceeded, match="more than 0 MiB at once"):
        room.take(1)


def ends_at_once(handler: BaseHTTPRequestHandler) -> None:
    say(handler, b"", Set_Cookie="kept=no")


def test_watches_that_end_at_once_are_begun_anew_in_its_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rested = 0.0

    async def pause(_self: Connection, seconds: float) -> None:
        nonlocal rested
        rested += seconds

    monkeypatch.setattr(Connection, "_pause", pause)

    async def watch(connection: Connection) -> float:
        connection._bounds = replace(SMALL, share=0.1, together=0.4)
        await connection._rest()
        begun = time.thread_time()
        for _ in range(100):
            async with connection.watch(SERVED, "1") as events:
                async for _ in events:
                    pass
        worked = time.thread_time() - begun
        assert list(connection._client.cookies.jar) == []
        await connection.close()
        return worked

    with hostile(ends_at_once) as connection:
        worked = asyncio.run(watch(connection))
    assert rested > 5 * worked


@pytest.mark.parametrize("token", ["secret\n", "secret\r\nX-Evil: 1", "secret ", "se\x00cret", "secreté"])
def test_a_token_that_no_header_carries_is_not_sent_and_not_quoted(token: str) -> None:
    config = KubeConfig.from_one(cluster=Cluster(server="http://127.0.0.1:9"), user=User(token=token)).get()
    assert config is not None
    with pytest.raises(ClusterError) as told:
        Connection(config)
    assert str(told.value) == BAD_TOKEN
    assert "secret" not in str(told.value)


def test_whom_we_call_may_not_have_us_shake_hands_again() -> None:
    config = config_of("https://127.0.0.1:9")
    context = _Parameters().httpx_params(config)["verify"]
    assert isinstance(context, ssl.SSLContext)
    assert context.options & ssl.OP_NO_RENEGOTIATION


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
