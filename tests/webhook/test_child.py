"""What runs in a child is bounded there, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path

import pytest

from gatekeeper_py.webhook import child
from gatekeeper_py.webhook.child import ChildDied, run_apart


def run(work: child.Work, seconds: float = 20) -> bytes:
    return asyncio.run(run_apart(work, seconds))


def sleeping(seconds: float) -> child.Work:
    def work() -> bytes:
        time.sleep(seconds)
        return b"awake"

    return work


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_what_a_child_finds_comes_back() -> None:
    here = os.getpid()
    assert run(lambda: b"x" * 1_000_000) == b"x" * 1_000_000
    assert run(lambda: str(os.getppid()).encode()) == str(here).encode()
    assert children() == []


def test_a_child_keeps_no_connection_open() -> None:
    with open(os.devnull, "rb") as file:
        number = file.fileno()
        assert run(lambda: str(os.path.exists(f"/proc/self/fd/{number}")).encode()) == b"False"


def test_a_child_is_killed_when_its_time_is_over() -> None:
    with pytest.raises(TimeoutError):
        run(sleeping(60), 0.2)
    assert children() == []


def fails() -> bytes:
    raise KeyError


def takes_too_much() -> bytes:
    return b"x" * (2 * child.MEMORY)


@pytest.mark.parametrize("work", [fails, takes_too_much, lambda: os._exit(3), lambda: b""])
def test_a_child_without_an_answer_has_died(work: child.Work) -> None:
    with pytest.raises(ChildDied):
        run(work)
    assert children() == []


@pytest.mark.parametrize("lacking", ["pipe", "fork"])
def test_a_child_that_cannot_be_made_has_died(monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    def none_left() -> None:
        raise OSError(errno.EAGAIN, "none left")

    monkeypatch.setattr(os, lacking, none_left)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(ChildDied):
        run(lambda: b"never")
    assert os.listdir("/proc/self/fd") == before


def test_the_event_loop_goes_on_meanwhile() -> None:
    async def scene() -> int:
        ticks = 0
        running = asyncio.create_task(run_apart(sleeping(0.3), 20))
        while not running.done():
            ticks += 1
            await asyncio.sleep(0.01)
        return ticks

    assert asyncio.run(scene()) > 3
