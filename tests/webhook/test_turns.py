"""A tenant of slow reviews waits for itself; nobody else does."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import Any

from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook.limits import share
from gatekeeper_py.webhook.revision import Loaded, Webhook
from gatekeeper_py.webhook.turns import SharedTurns, Turns
from tests.webhook.support import Harness, Held, in_a_worker, pod_review


def test_an_owner_has_no_more_turns_than_its_share() -> None:
    async def play() -> None:
        turns = Turns(8, each=2)
        await turns.take("foo")
        await turns.take("foo")
        third = asyncio.ensure_future(turns.take("foo"))
        await turns.take("bar")
        await asyncio.sleep(0)
        assert not third.done()
        turns.give_back("foo")
        await third

    asyncio.run(play())


def test_who_gives_up_waiting_holds_no_turn_and_is_forgotten() -> None:
    async def play() -> None:
        turns = Turns(8, each=1)
        await turns.take("foo")
        waiting = asyncio.ensure_future(turns.take("foo"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        turns.give_back("foo")
        assert len(turns) == 0
        await asyncio.wait_for(turns.take("foo"), 1)

    asyncio.run(play())


def test_owners_with_much_to_do_alternate() -> None:
    order: list[str] = []

    async def play() -> None:
        turns = Turns(1, each=1)

        async def work(owner: str) -> None:
            await turns.take(owner)
            order.append(owner)
            await asyncio.sleep(0)
            turns.give_back(owner)

        await asyncio.gather(*(work(owner) for owner in ["foo"] * 3 + ["bar"] * 2))
        assert len(turns) == 0

    asyncio.run(play())
    assert order[:4] == ["foo", "bar", "foo", "bar"]


def test_a_share_is_half_of_the_threads_and_one_at_least() -> None:
    assert [share(workers) for workers in (1, 2, 4, 5)] == [1, 1, 2, 2]


def test_namespaces_that_are_nobody_s_take_their_own_turns() -> None:
    held = Held()
    loaded = Loaded(held, 1)
    harness = Harness(load=lambda: loaded, options={"workers": 2, "max_in_flight": 4})
    answers: list[Any] = []
    with harness.client() as client:

        def post() -> None:
            answers.append(client.post("/validate?timeout=20s", json=pod_review()))

        slow = [threading.Thread(target=post) for _ in range(3)]
        for thread in slow:
            thread.start()
        assert held.entered.wait(10)
        held.entered.clear()
        other = threading.Thread(
            target=lambda: answers.append(client.post("/validate", json=pod_review(namespace="bar")))
        )
        other.start()
        assert held.entered.wait(10)
        held.release.set()
        for thread in (*slow, other):
            thread.join()
    assert [answer.json()["response"]["allowed"] for answer in answers] == [True] * 4


def test_slow_reviews_of_one_namespace_leave_threads_to_the_others() -> None:
    release, busy = threading.Event(), threading.Semaphore(0)

    def slow_in_foo(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        if request.namespace == "foo":
            busy.release()
            release.wait(20)
        return Decision(allowed=True)

    harness = Harness(in_a_worker(slow_in_foo), options={"workers": 2, "max_in_flight": 4})
    answers: list[Any] = []
    with harness.client() as client:

        def post() -> None:
            answers.append(client.post("/validate?timeout=20s", json=pod_review()))

        slow = [threading.Thread(target=post) for _ in range(8)]
        for thread in slow:
            thread.start()
        assert busy.acquire(timeout=10)
        other = client.post("/validate?timeout=10s", json=pod_review(namespace="bar"))
        release.set()
        for thread in slow:
            thread.join()
    assert other.json()["response"]["allowed"] is True
    assert [answer.json()["response"]["allowed"] for answer in answers] == [True] * 8
    assert len(harness.service._short) == 0


def test_a_turn_that_another_process_has_is_waited_for_until_it_ends() -> None:
    async def play() -> None:
        turns = SharedTurns()
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            turns._lock()
            os.write(writing, b"x")
            signal.pause()
        os.read(reading, 1)
        waiting = asyncio.ensure_future(turns.take("foo"))
        await asyncio.sleep(0.03)
        assert not waiting.done()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        await asyncio.wait_for(waiting, 20)
        turns.give_back("foo")
        for descriptor in (reading, writing, turns.file):
            os.close(descriptor)

    asyncio.run(play())


def test_who_stops_waiting_for_another_process_keeps_nobody_waiting() -> None:
    async def play() -> None:
        turns = SharedTurns()
        turns._lock = lambda: False  # type: ignore[method-assign]
        waiting = asyncio.ensure_future(turns.take("foo"))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert len(turns) == 0
        turns._lock = lambda: True  # type: ignore[method-assign]
        await turns.take("bar")
        os.close(turns.file)

    asyncio.run(play())
