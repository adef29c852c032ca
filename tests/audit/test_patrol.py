"""The thread goes on whatever happens, and ends when it is told."""

from __future__ import annotations

import re
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


def test_while_steps_fail_that_is_said_and_the_cluster_is_told() -> None:
    audit = Audit()
    failed, mended, over = (threading.Event() for _ in range(3))

    class Keeper:
        told = 0

        async def follow(self, step: Any) -> None:
            over.set()

        async def tell_unread(self) -> None:
            self.told += 1
            failed.set()

    def prepare() -> None:
        if not mended.is_set():
            fail()

    made: Any = Keeper
    with running(Patrol(audit.background, wait, prepare, made, lambda _: None)) as patrol:
        assert failed.wait(SECONDS)
        said = str(patrol.problem)
        mended.set()
        assert over.wait(SECONDS)
    assert re.fullmatch(
        r"audit: since 20\S+Z what changes is not judged: internal error: ValueError at \S+:\d+\. Please file an issue",
        said,
    )
    assert "of ours" not in said


def test_only_an_audit_that_has_begun_can_have_ended() -> None:
    patrol = Patrol(Audit().background, wait, lambda: None, None, raised)
    assert patrol.problem is None
    with running(patrol):
        pass
    assert str(patrol.problem) == "audit: it has ended, and what was found until then is told"


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
