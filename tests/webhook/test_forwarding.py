"""Whichever process a control plane's API server reaches, the server answers, once, and knows who has called."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.webhook.channel import ChannelClosed
from gatekeeper_py.webhook.exchange import CALLER, Callers
from gatekeeper_py.webhook.forwarding import Forwarding, answered
from gatekeeper_py.webhook.limits import LONG_BODY, MAX_BODY
from gatekeeper_py.webhook.orders import Forward, Forwarded
from gatekeeper_py.webhook.revision import Loaded
from gatekeeper_py.webhook.turns import SharedTurns
from tests.tenancy.test_control_planes import plane
from tests.webhook.support import Harness, Running, pod_review, running
from tests.webhook.test_planes import Board
from tests.webhook.test_server import eventually
from tests.webhook.test_supervisor import answering, callers_of, said, speakers

ANSWER = Forwarded(200, [(b"content-type", b"application/json"), (b"content-length", b"2")], b"{}")


def asked(
    forwarding: Forwarding, *parts: bytes, query: bytes = b"timeout=5s", shown: frozenset[str] = frozenset()
) -> tuple[int, bytes]:
    """What is answered to a request whose body comes in parts; the last is followed by nothing when it is empty."""
    sent: list[Any] = []
    coming = iter(parts)

    async def receive() -> Any:
        try:
            return {"type": "http.request", "body": next(coming), "more_body": True}
        except StopIteration:
            if parts and parts[-1] == b"":
                await asyncio.sleep(60)
            return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {
        "type": "http",
        "method": "POST",
        "path": "/t/one/validate",
        "query_string": query,
        "headers": [],
        CALLER: shown,
    }
    asyncio.run(forwarding(whole, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_the_request_goes_on_whole_with_the_names_of_the_caller_and_the_time_that_is_left() -> None:
    heard: list[tuple[Forward, float]] = []

    async def ask(question: Forward, seconds: float) -> Forwarded:
        heard.append((question, seconds))
        return ANSWER

    forwarding = Forwarding(ask, Callers(), 2 * MAX_BODY)
    names = frozenset({"one.api"})
    assert asked(forwarding, b"ab", b"c", shown=names) == (200, b"{}")
    ((question, seconds),) = heard
    assert question == Forward("POST", "/t/one/validate", b"timeout=5s", names, b"abc")
    assert 4 < seconds <= 4.5


async def never(_question: Forward, seconds: float) -> Forwarded:
    async with asyncio.timeout(seconds):
        await asyncio.sleep(60)
    raise AssertionError


async def nobody(_question: Forward, _seconds: float) -> Forwarded:
    raise ChannelClosed


@pytest.mark.parametrize(
    ("ask", "parts", "code", "told"),
    [
        (nobody, (b"a",), 503, b"the server does not answer its workers\n"),
        (never, (b"a",), 408, b"the review took longer than its caller waits\n"),
        (never, (b"a", b""), 408, b"the review took longer than its caller waits\n"),
        (nobody, (b"x" * MAX_BODY, b"x"), 413, b"the review is longer than 7340032 bytes\n"),
    ],
)
def test_what_has_no_answer_of_the_servers_is_refused_in_words(
    ask: Any, parts: tuple[bytes, ...], code: int, told: bytes
) -> None:
    assert asked(Forwarding(ask, Callers(), 2 * MAX_BODY), *parts, query=b"timeout=300ms") == (code, told)


def test_long_bodies_of_one_control_plane_leave_room_for_anothers() -> None:
    entered: list[str] = []

    async def hold(question: Forward, _seconds: float) -> Forwarded:
        entered.append(question.path)
        await asyncio.sleep(0.2)
        return ANSWER

    forwarding = Forwarding(hold, Callers(), 8 * LONG_BODY * 2)

    async def ask(name: str) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"x" * (2 * LONG_BODY), "more_body": False}

        async def send(_message: Any) -> None:
            pass

        length = [(b"content-length", b"%d" % (2 * LONG_BODY))]
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"/t/{name}/validate",
            "query_string": b"",
            "headers": length,
        }
        await forwarding(scope, receive, send)

    async def main() -> None:
        many = [asyncio.create_task(ask("one")) for _ in range(6)]
        await asyncio.sleep(0)
        other = asyncio.create_task(ask("two"))
        await asyncio.sleep(0.1)
        assert entered.count("/t/one/validate") == 2
        assert "/t/two/validate" in entered
        await asyncio.gather(*many, other)

    asyncio.run(main())


def test_the_host_s_doors_are_kept_as_in_the_server() -> None:
    forwarding = Forwarding(nobody, Callers(frozenset({"host.api"}), {"one.api": "one"}), 0)
    found = {name: forwarding.is_foreign(frozenset({name})) for name in ("host.api", "one.api", "stranger")}
    assert found == {"host.api": False, "one.api": True, "stranger": True}
    assert Forwarding(nobody, Callers(), 0).is_foreign(frozenset({"anybody"})) is False


def test_the_server_answers_as_if_it_had_been_reached_itself() -> None:
    board = Board(plane("one", clientNames=["one.api"]))
    board.open()
    body = orjson.dumps(pod_review(namespace="foo"))

    def answer(path: str, method: str = "POST", *shown: str) -> Forwarded:
        return asyncio.run(answered(board.planes, Forward(method, path, b"", frozenset(shown), body)))

    assert orjson.loads(answer("/t/one/validate", "POST", "one.api").body)["response"]["allowed"] is True
    codes = [
        answer("/t/one/validate").status,
        answer("/t/nobody/validate").status,
        answer("/t/one/validate", "GET", "one.api").status,
    ]
    assert codes == [403, 404, 405]


@contextmanager
def several(folder: Path) -> Iterator[tuple[Running, Board]]:
    """Two processes, which refuse at the host's doors by their ids, and an open control plane."""
    board = Board(plane("one"))
    board.open()

    def review(*_: object) -> Decision:
        return Decision(False, Status(403, "Forbidden", f"host {os.getpid()}"))

    harness = Harness(load=lambda: Loaded(review, 1), options={"long": SharedTurns()})
    with running(harness, folder, workers=2, planes=board.planes) as server:
        eventually(lambda: answering(server) == 2)
        yield server, board


def test_each_process_has_it_answered_by_the_server_which_alone_records_it(tmp_path: Path) -> None:
    with several(tmp_path) as (server, board):
        assert len(speakers(server)) == 2
        with callers_of(server) as callers:
            assert len({said(http)[1] for http in callers}) == 2
            answers = [_ask(http, "/t/one/validate") for http in callers]
            missing = [http.post("/t/nobody/validate", json=pod_review()).status_code for http in callers]
    assert [each["allowed"] for each in answers] == [True] * len(answers)
    assert missing == [404] * len(answers)
    decisions = [line for line in board.lines if line["event"] == "decision"]
    assert [line["control_plane"] for line in decisions] == ["one"] * len(answers)


def _ask(http: httpx.Client, path: str) -> Any:
    return http.post(path, json=pod_review(namespace="foo")).json()["response"]


def test_each_process_hears_whose_certificates_are_whose(tmp_path: Path) -> None:
    """Here nobody shows one: who shows none is no host's as soon as hosts are told by theirs."""
    with several(tmp_path) as (server, board), callers_of(server) as callers:
        assert {http.post("/validate", json=pod_review()).status_code for http in callers} == {200}
        board.planes.callers = Callers(frozenset({"host.api"}))
        eventually(lambda: {_code(http) for http in callers} == {403})


def _code(http: httpx.Client) -> int:
    return http.post("/validate", json=pod_review()).status_code
