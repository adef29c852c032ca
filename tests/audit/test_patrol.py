"""The thread goes on whatever happens, and ends when it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gatekeeper_py.audit.patrol import Patrol
from tests.audit.watched import Audit, pod

SECONDS = 20


def wait(_seen: object, _seconds: float) -> bool:
    return False


@contextmanager
def running(patrol: Patrol) -> Iterator[Patrol]:
    patrol.start()
    try:
        yield patrol
    finally:
        patrol.stop()


def test_it_judges_and_ends() -> None:
    audit = Audit()
    audit.cluster.put(pod("web", host=True))
    done = threading.Event()

    def idle(_seen: object, _seconds: float) -> bool:
        done.set()
        return False

    with running(Patrol(audit.background, idle, lambda: None, None, raised)) as patrol:
        assert done.wait(SECONDS)
        assert patrol.running
    assert ended(patrol)
    assert audit.wrong() == {"web": ["no-host"]}


def ended(patrol: Patrol) -> bool:
    return not patrol.running


def raised(error: Exception) -> None:
    raise AssertionError from error


def test_an_error_of_ours_is_told_and_the_next_step_begins() -> None:
    audit = Audit()
    told: list[Exception] = []
    again = threading.Event()
    failing: Iterator[Callable[[], None]] = iter([fail, again.set])

    def prepare() -> None:
        next(failing, lambda: None)()

    with running(Patrol(audit.background, wait, prepare, None, told.append)) as patrol:
        assert again.wait(SECONDS)
        assert patrol.running
    assert ([str(error) for error in told], patrol.errors) == (["of ours"], 1)


def fail() -> None:
    raise ValueError("of ours")


def test_reports_follow_every_step() -> None:
    audit = Audit()
    followed = threading.Event()

    class Keeper:
        async def follow(self, step: Any) -> None:
            if step.judged:
                followed.set()

    made: Any = Keeper
    with running(Patrol(audit.background, wait, lambda: None, made, raised)) as patrol:
        assert followed.wait(SECONDS)
        assert isinstance(patrol.keeper, Keeper)
