"""The event loop's own work comes in short rounds, and owners take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from gatekeeper_py.webhook.rounds import SECONDS, Rounds

LONG = SECONDS
"""A piece of work that fills a round."""


@dataclass
class Bench:
    """Rounds over a clock that only work moves on, and what was done in which turn of the loop."""

    now: float = 0.0
    turn: int = 0
    done: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rounds = Rounds(lambda: self.now)

    def work(self, name: str, seconds: float) -> Callable[[], str]:
        """Takes so long."""

        def work() -> str:
            self.now += seconds
            self.done.append((self.turn, name))
            return name

        return work

    def task(self, name: str, seconds: float) -> Callable[[], None]:
        """The same for whom nobody waits."""
        work = self.work(name, seconds)
        return lambda: (work(), None)[1]

    async def all(self, *wanted: tuple[str, str, float]) -> list[str]:
        """Have work done by owner, name and seconds, all asked for at once."""
        turning = asyncio.create_task(self._turns())
        tasks = [self.rounds.do(owner, self.work(name, seconds)) for owner, name, seconds in wanted]
        try:
            return await asyncio.gather(*tasks)
        finally:
            turning.cancel()

    async def _turns(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turn += 1


def play(scene: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(scene, 10))


def test_what_finds_room_is_done_without_waiting() -> None:
    bench = Bench()
    wanted = [("foo", str(number), SECONDS / 10) for number in range(5)]
    assert play(bench.all(*wanted)) == ["0", "1", "2", "3", "4"]
    assert len({turn for turn, _ in bench.done}) == 1


def test_a_round_ends_when_it_is_full_and_the_next_comes_after_a_look_at_the_connections() -> None:
    bench = Bench()
    play(bench.all(*[("foo", str(number), LONG) for number in range(4)]))
    turns = [turn for turn, _ in bench.done]
    assert len(set(turns)) == 4
    assert turns == sorted(turns)


def test_owners_who_wait_take_turns() -> None:
    bench = Bench()
    wanted = [
        *[("foo", f"foo {number}", LONG) for number in range(4)],
        ("bar", "bar", LONG),
        ("baz", "baz", LONG),
    ]
    play(bench.all(*wanted))
    assert [name for _, name in bench.done] == ["foo 0", "foo 1", "bar", "baz", "foo 2", "foo 3"]


def test_nobody_overtakes_who_waits() -> None:
    async def scene() -> None:
        first = [asyncio.create_task(bench.rounds.do("foo", bench.work(f"foo {n}", LONG))) for n in range(3)]
        await asyncio.sleep(0)  # the first is done, two wait
        late = asyncio.create_task(bench.rounds.do("foo", bench.work("late", 0)))
        await asyncio.gather(*first, late)

    bench = Bench()
    play(scene())
    assert [name for _, name in bench.done] == ["foo 0", "foo 1", "foo 2", "late"]


def test_an_error_is_its_own_s_alone() -> None:
    def fail() -> None:
        raise KeyError("x")

    async def scene() -> Any:
        filling = bench.rounds.do("foo", bench.work("first", LONG))
        broken, good = bench.rounds.do("foo", fail), bench.rounds.do("foo", bench.work("good", 0))
        return await asyncio.gather(filling, broken, good, return_exceptions=True)

    bench = Bench()
    first, error, good = play(scene())
    assert (first, type(error), good) == ("first", KeyError, "good")


def test_who_is_cancelled_while_he_waits_has_nothing_done() -> None:
    async def scene() -> None:
        tasks = [asyncio.create_task(bench.rounds.do("foo", bench.work(str(n), LONG))) for n in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    bench = Bench()
    play(scene())
    assert [name for _, name in bench.done] == ["0", "2"]


def test_a_loop_that_has_ended_in_the_middle_of_a_round_is_forgotten() -> None:
    bench = Bench()
    for name in ("first", "second"):
        with asyncio.Runner() as runner:
            assert runner.run(bench.rounds.do("foo", bench.work(name, LONG))) == name


def test_who_waits_without_a_task_takes_turns_with_who_has_one() -> None:
    async def scene() -> None:
        filling = [
            asyncio.create_task(bench.rounds.do("foo", bench.work(f"foo {n}", LONG))) for n in range(3)
        ]
        await asyncio.sleep(0)
        assert not bench.rounds.has_room()
        for name in ("bar 0", "bar 1"):
            bench.rounds.wait("bar", bench.task(name, LONG))
        await asyncio.gather(*filling)
        while len(bench.done) < 5:
            await asyncio.sleep(0)

    bench = Bench()
    play(scene())
    assert [name for _, name in bench.done] == ["foo 0", "foo 1", "bar 0", "foo 2", "bar 1"]
    assert bench.rounds._waiting == {}


@pytest.mark.parametrize("owners", [1, 5])
def test_nothing_is_kept_of_who_has_no_work(owners: int) -> None:
    bench = Bench()
    play(bench.all(*[(str(number % owners), str(number), LONG) for number in range(20)]))
    assert len(bench.done) == 20
    assert bench.rounds._waiting == {}
