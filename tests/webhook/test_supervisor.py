"""Several processes answer as one: every review once, by one set of policies, whoever of them ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook import supervisor as module
from gatekeeper_py.webhook.generation import Generation, NotStarted
from gatekeeper_py.webhook.purse import Deadline
from gatekeeper_py.webhook.revision import BadPolicies, Loaded, Webhook
from gatekeeper_py.webhook.turns import SharedTurns
from tests.webhook.support import Harness, Running, pod_review, running
from tests.webhook.test_server import client, eventually

WORKERS = 2


def verdict_of(file: Path) -> Callable[[], Loaded]:
    """Policies that are one word in a file: they refuse everything, by that word and the process that says so."""

    def load() -> Loaded:
        word = file.read_text().strip()
        if word == "bad":
            raise BadPolicies((f"{file}:1:1: bad",))

        def review(request: AdmissionRequest, _webhook: Webhook, deadline: float) -> Decision:
            if request.name == "slow":
                if isinstance(deadline, Deadline):
                    raise DeadlineExceeded("too long for the event loop")
                time.sleep(0.2)
            if request.name == "deadly":
                os._exit(1)
            return Decision(False, Status(403, "Forbidden", f"{word} {os.getpid()}"))

        return Loaded(review, 1, owner=lambda namespace: namespace)

    return load


@contextmanager
def several(folder: Path, word: str = "first", workers: int = WORKERS) -> Iterator[tuple[Running, Path]]:
    """A server with workers, and the file that its policies are."""
    policies = folder / "policies"
    policies.mkdir()
    file = policies / "word"
    file.write_text(word)
    harness = Harness(load=verdict_of(file), options={"long": SharedTurns()})
    with running(harness, folder / "certs", [policies], workers=workers) as server:
        eventually(lambda: answering(server) == workers)
        yield server, file


def problems(server: Running) -> list[str]:
    with client(server) as http:
        found: list[str] = http.get("/readyz").json()["problems"]
        return found


def answering(server: Running) -> int:
    with client(server) as http:
        return int(http.get("/readyz?verbose").json()["workers"]["answering"])


def children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # the thread has just ended
            found += map(int, (task / "children").read_text().split())
    return found


def said(http: httpx.Client, **fields: Any) -> tuple[str, int]:
    """The word, and who said it."""
    response = http.post("/validate", json=pod_review(**fields)).json()["response"]
    word, pid, *_ = response["status"]["message"].split()  # and how to ask about the decision
    return word, int(pid)


def speakers(server: Running, connections: int = 6) -> set[int]:
    """Who answers, through connections that are open at the same time."""
    with callers_of(server, connections) as callers:
        return {said(http)[1] for http in callers}


@contextmanager
def callers_of(server: Running, number: int = 6) -> Iterator[list[httpx.Client]]:
    """Callers, each of whom keeps its connection."""
    with ExitStack() as opened:
        yield [opened.enter_context(client(server)) for _ in range(number)]


class Said(NamedTuple):
    """One answer, as the caller saw it."""

    asked: float
    answered: float
    word: str
    pid: int
    """Of who said it."""


@dataclass
class Load:
    """Callers that ask and ask, over connections that they keep, as an API server does."""

    server: Running
    answers: list[Said] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def _ask(self) -> None:
        with client(self.server) as http:
            while not self.stopping.is_set():
                asked = time.monotonic()
                try:
                    word, pid = said(http)
                    self.answers.append(Said(asked, time.monotonic(), word, pid))
                except httpx.TransportError as error:
                    self.failures.append(error)

    @contextmanager
    def running(self, callers: int = 4) -> Iterator[Load]:
        threads = [threading.Thread(target=self._ask) for _ in range(callers)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            for thread in threads:
                thread.join()


def test_all_answer_and_what_they_count_is_one_sum(tmp_path: Path) -> None:
    with several(tmp_path, workers=3) as (server, _):
        assert speakers(server) == {os.getpid(), *children()}
        with client(server) as http:
            metrics = http.get("/metrics").text
        lines = server.harness.events("decision")
        assert 'gatekeeper_webhook_review_duration_seconds_count{webhook="validate"} 6.0' in metrics
        assert 'verdict="denied",webhook="validate"} 6.0' in metrics
        assert "gatekeeper_webhook_reviews_in_flight 0.0" in metrics
        eventually(lambda: len(server.harness.events("decision")) == 6)
        assert {line["message"].split()[0] for line in lines} <= {"first"}
        assert len(server.harness.record.denials) == 6


def test_connections_are_shared_out_evenly(tmp_path: Path) -> None:
    with several(tmp_path) as (server, _), callers_of(server, 8) as callers:
        who = [said(http)[1] for http in callers]
    assert {who.count(each) for each in set(who)} <= {3, 4, 5}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz?verbose", "/metrics", "/statusz"])
def test_each_of_them_tells_operators_of_all(tmp_path: Path, path: str) -> None:
    with several(tmp_path) as (server, _), callers_of(server) as callers:
        answers = [http.get(path) for http in callers]
    assert [answer.status_code for answer in answers] == [200] * 6


def test_an_edit_reaches_all_and_loses_no_review(tmp_path: Path) -> None:
    with several(tmp_path) as (server, file), Load(server).running() as load:
        before = set(children())
        for number, word in enumerate(("second", "third", "fourth"), 2):
            file.write_text(word)
            with client(server) as http:
                eventually(lambda number=number: http.get("/readyz").json()["revision"] == number)  # type: ignore[misc]
            in_force = time.monotonic()
            time.sleep(0.1)
            asked_after = [each for each in load.answers if each.asked > in_force]
            assert asked_after
            assert {each.word for each in asked_after} == {word}
        assert speakers(server) != before | {os.getpid()}
        eventually(lambda: len(children()) == WORKERS - 1, 15)
    assert load.failures == []
    assert {each.word for each in load.answers} >= {"first", "fourth"}


def test_no_review_is_decided_by_an_older_set_than_one_that_was_answered_before(tmp_path: Path) -> None:
    words = ["first", "second", "third"]
    with several(tmp_path) as (server, file), Load(server).running() as load:
        for word in words[1:]:
            file.write_text(word)
            eventually(lambda word=word: bool(load.answers) and load.answers[-1].word == word)  # type: ignore[misc]
    for word, newer in pairwise(words):
        first = min(each.answered for each in load.answers if each.word == newer)
        assert [each for each in load.answers if each.asked > first and each.word == word] == []
    assert {each.word for each in load.answers} == set(words)
    assert load.failures == []


def test_a_connection_from_before_an_edit_is_answered_by_the_new_set_and_ends(tmp_path: Path) -> None:
    with several(tmp_path) as (server, file), callers_of(server, 4) as callers:
        assert {said(http)[0] for http in callers} == {"first"}
        file.write_text("second")
        eventually(lambda: problems(server) == [] and said(callers[0])[0] == "second")
        answers = [http.post("/validate", json=pod_review()) for http in callers[1:]]
    words = [answer.json()["response"]["status"]["message"].split() for answer in answers]
    assert {word for word, *_ in words} == {"second"}
    assert {int(pid) for _, pid, *_ in words} == {os.getpid()}, "decided by the server for who has retired"
    assert "close" in {answer.headers.get("connection") for answer in answers}


def test_a_bad_edit_changes_nothing(tmp_path: Path) -> None:
    with several(tmp_path) as (server, file):
        before = set(children())
        file.write_text("bad")
        eventually(lambda: problems(server) == [f"{file}:1:1: bad"])
        assert set(children()) == before
        assert speakers(server) == before | {os.getpid()}


def test_policies_for_which_no_worker_comes_up_are_not_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_self: Generation) -> None:
        raise NotStarted("worker 1 did not start")

    with several(tmp_path) as (server, file):
        monkeypatch.setattr(Generation, "start", fails)
        file.write_text("second")
        told = "no worker came up for these policies: worker 1 did not start. The log says what it could"
        eventually(lambda: problems(server) == [told])
        with client(server) as http:
            assert said(http)[0] == "first"
            assert http.get("/readyz").json()["revision"] == 1


def test_a_worker_that_is_killed_under_load_is_replaced_and_nobody_else_notices(tmp_path: Path) -> None:
    with several(tmp_path) as (server, _), Load(server).running(6) as load:
        (victim,) = children()
        eventually(lambda: victim in {each.pid for each in load.answers})
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(children()) == 1 and children() != [victim])
        (heir,) = children()
        eventually(lambda: heir in {each.pid for each in load.answers})
        assert problems(server) == []
    assert {each.word for each in load.answers} == {"first"}
    assert len(load.failures) <= 6, "the reviews that it was deciding, and no more"
    assert [line["pid"] for line in server.harness.events("worker died, it is replaced")] == [victim]


def test_a_review_that_kills_its_worker_kills_nothing_else(tmp_path: Path) -> None:
    with several(tmp_path) as (server, _), callers_of(server) as callers:
        deadly = next(http for http in callers if said(http)[1] != os.getpid())
        with pytest.raises(httpx.TransportError):
            said(deadly, name="deadly")
        eventually(lambda: answering(server) == WORKERS)
        assert said(deadly)[0] == "first"


def test_a_worker_that_says_nothing_is_ended_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", 0.05)
    monkeypatch.setattr(module, "PATIENCE", 40)
    with several(tmp_path) as (server, _):
        (victim,) = children()
        os.kill(victim, signal.SIGSTOP)
        eventually(lambda: bool(children()) and victim not in children())
        eventually(lambda: answering(server) == WORKERS)
        assert [line["pid"] for line in server.harness.events("worker does not answer, it is ended")][:1] == [
            victim
        ]


def test_reviews_under_way_are_finished_at_the_end_by_whoever_has_them(tmp_path: Path) -> None:
    answers: list[tuple[str, int]] = []
    with several(tmp_path) as (server, _), callers_of(server) as callers:
        for http in callers:
            said(http)
        asking = [
            threading.Thread(target=lambda http=http: answers.append(said(http, name="slow")))
            for http in callers
        ]
        for thread in asking:
            thread.start()
        time.sleep(0.1)
        server.listening.stop()
        for thread in asking:
            thread.join()
    assert len(answers) == 6
    assert len({pid for _, pid in answers}) == 2
    assert children() == []
    assert len(server.harness.events("decision")) == 12
