"""A review of a namespace made a moment ago waits for the news, and keeps no thread by that."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from gatekeeper_py.webhook import arrivals as module
from gatekeeper_py.webhook.arrivals import Arrivals
from gatekeeper_py.webhook.revision import Loaded
from tests.webhook.support import Harness, allow, pod_review


def test_who_is_known_is_not_waited_for() -> None:
    arrivals = Arrivals()
    asyncio.run(arrivals.wait_for("foo", lambda _name: True))
    assert len(arrivals) == 0


def test_news_end_the_waiting_of_all_who_wait_for_it() -> None:
    known: set[str] = set()

    async def scene() -> None:
        arrivals = Arrivals()
        waiting = [asyncio.create_task(arrivals.wait_for("new", known.__contains__)) for _ in range(3)]
        other = asyncio.create_task(arrivals.wait_for("other", known.__contains__))
        await asyncio.sleep(0)
        assert len(arrivals) == 2
        known.add("new")
        await asyncio.gather(*waiting)
        assert not other.done()
        known.add("other")
        await other
        assert len(arrivals) == 0

    asyncio.run(asyncio.wait_for(scene(), 10))


def test_what_never_comes_is_waited_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.05)

    async def scene() -> None:
        arrivals = Arrivals()
        await arrivals.wait_for("never", lambda _name: False)
        assert len(arrivals) == 0
        await asyncio.sleep(2 * module.PAUSE)
        assert arrivals._looking is None

    asyncio.run(asyncio.wait_for(scene(), 10))


def test_so_many_are_awaited_and_no_more() -> None:
    async def scene() -> None:
        arrivals = Arrivals()
        waiting = [
            asyncio.create_task(arrivals.wait_for(f"n{number}", lambda _name: False))
            for number in range(module.MOST)
        ]
        await asyncio.sleep(0)
        await asyncio.wait_for(arrivals.wait_for("one-more", lambda _name: False), 0.5)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scene(), 10))


def test_unknown_namespaces_hold_no_thread_and_share_one_turn() -> None:
    """As many as there are threads and more wait at once; a review of a known namespace goes by."""
    known = {"foo"}
    loaded = Loaded(
        allow,
        1,
        owner=lambda name: name if name in known else "",
        knows=known.__contains__,
        inquire=known.__contains__,
    )
    harness = Harness(load=lambda: loaded, options={"workers": 1})
    answers: list[Any] = []
    with harness.client() as client:

        def post(number: int) -> None:
            answers.append(client.post("/validate", json=pod_review(namespace=f"unheard-of-{number}")))

        strangers = [threading.Thread(target=post, args=(number,)) for number in range(8)]
        for stranger in strangers:
            stranger.start()
        arrivals = harness.service._arrivals
        end = time.monotonic() + 10
        while len(arrivals) < 8 and time.monotonic() < end:
            time.sleep(0.01)
        assert client.post("/validate", json=pod_review()).json()["response"]["allowed"] is True
        assert len(arrivals) > 0
        for stranger in strangers:
            stranger.join()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert harness.events("decision")[0]["namespace"] == "foo"
