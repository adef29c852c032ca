"""One copy of the process has the children for a while, and knows what was in force when it was made."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gatekeeper_py.webhook.child import ChildDied, Work
from gatekeeper_py.webhook.zygote import Zygotes

BASIS = (object(), object())


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    before = children(os.getpid())
    yield
    assert children(os.getpid()) == before


def play(scene: Callable[[Zygotes], Awaitable[None]]) -> None:
    async def main() -> None:
        zygotes = Zygotes()
        try:
            await scene(zygotes)
        finally:
            await zygotes.close()

    asyncio.run(main())


def family(_head: bytes, _body: bytes) -> bytes:
    """A child's parent, and its parent's parent."""
    parent = os.getppid()
    status = Path(f"/proc/{parent}/status").read_text()
    return f"{parent} {status.partition('PPid:')[2].split()[0]}".encode()


def sleeping(seconds: float) -> Work:
    def work(_head: bytes, _body: bytes) -> bytes:
        time.sleep(seconds)
        return b"awake"

    return work


def test_children_are_those_of_one_copy_while_nothing_changes() -> None:
    async def scene(zygotes: Zygotes) -> None:
        families = {await zygotes.ask(BASIS, family, b"", b"", 20) for _ in range(3)}
        ((parent, server),) = [each.split() for each in families]
        assert int(server) == os.getpid() != int(parent)

    play(scene)


@pytest.mark.parametrize("basis", [(BASIS[0], object()), (BASIS[0],), ()])
def test_another_basis_has_another_copy(basis: tuple[object, ...]) -> None:
    async def scene(zygotes: Zygotes) -> None:
        first = await zygotes.ask(BASIS, lambda *_: b"first", b"", b"", 20)
        second = await zygotes.ask(basis, lambda *_: b"second", b"", b"", 20)
        assert (first, second) == (b"first", b"second")

    play(scene)


def test_a_copy_is_used_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper_py.webhook.zygote.LIFE", 0.05)

    async def scene(zygotes: Zygotes) -> None:
        first = await zygotes.ask(BASIS, family, b"", b"", 20)
        while children(os.getpid()):
            await asyncio.sleep(0.02)
        assert await zygotes.ask(BASIS, family, b"", b"", 20) != first

    play(scene)


def test_a_child_goes_on_when_its_copy_is_used_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper_py.webhook.zygote.LIFE", 0.05)

    async def scene(zygotes: Zygotes) -> None:
        assert await zygotes.ask(BASIS, sleeping(0.3), b"", b"", 20) == b"awake"

    play(scene)


def test_a_child_is_killed_when_its_time_is_over_and_its_copy_is_used_no_more() -> None:
    async def scene(zygotes: Zygotes) -> None:
        with pytest.raises(TimeoutError):
            await zygotes.ask(BASIS, sleeping(60), b"", b"", 0.2)
        assert await zygotes.ask(BASIS, lambda *_: b"awake", b"", b"", 20) == b"awake"

    play(scene)


def test_a_child_that_dies_takes_no_copy_with_it() -> None:
    async def scene(zygotes: Zygotes) -> None:
        def work(head: bytes, body: bytes) -> bytes:
            return family(head, body) if head else os._exit(3)

        before = await zygotes.ask(BASIS, work, b"x", b"", 20)
        with pytest.raises(ChildDied):
            await zygotes.ask(BASIS, work, b"", b"", 20)
        assert await zygotes.ask(BASIS, work, b"x", b"", 20) == before

    play(scene)


def test_a_copy_that_was_killed_is_replaced() -> None:
    async def scene(zygotes: Zygotes) -> None:
        await zygotes.ask(BASIS, family, b"", b"", 20)
        for each in children(os.getpid()):
            os.kill(each, signal.SIGKILL)
        with pytest.raises(ChildDied):
            await zygotes.ask(BASIS, family, b"", b"", 20)
        assert await zygotes.ask(BASIS, family, b"", b"", 20)

    play(scene)


@pytest.mark.parametrize("lacking", [(socket, "socketpair"), (os, "fork")], ids=["socket", "fork"])
def test_a_copy_that_cannot_be_made_has_died(
    monkeypatch: pytest.MonkeyPatch, lacking: tuple[object, str]
) -> None:
    def none_left() -> None:
        raise OSError(errno.EAGAIN, "none left")

    async def scene(zygotes: Zygotes) -> None:
        before = os.listdir("/proc/self/fd")
        with monkeypatch.context() as patched:
            patched.setattr(*lacking, none_left)
            with pytest.raises(ChildDied):
                await zygotes.ask(BASIS, family, b"", b"", 20)
        assert os.listdir("/proc/self/fd") == before

    play(scene)


def test_the_event_loop_goes_on_meanwhile() -> None:
    async def scene(zygotes: Zygotes) -> None:
        ticks = 0
        running = asyncio.create_task(zygotes.ask(BASIS, sleeping(0.3), b"", b"", 20))
        while not running.done():
            ticks += 1
            await asyncio.sleep(0.01)
        assert ticks > 3

    play(scene)
