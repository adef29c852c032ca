"""A process of its own for one review that is long.

What a long review costs it costs there: its memory is bounded and given back when the process ends, its work
keeps no other review from Python's lock, and its end ends nothing else. A fork has the policies, the tenants
and the picture of the cluster of this very moment in memory; the review is a pure function of these.

The fork runs nothing but that function. Should another thread have held a lock at the moment of the fork that
the function needs (the regular expressions have some), it waits until it is killed, and the review is denied.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Final, NoReturn, TypeAlias

__all__ = ["MEMORY", "ChildDied", "Work", "run_apart"]

MEMORY: Final = 224 * 1024 * 1024
"""Bytes a child may take beyond what it shares. The densest review of two objects of the API server's longest
(3 MiB each), `[{},{},...]`, takes 200 MiB; server and child stay together below 512 MiB."""

NICE: Final = 15
"""How far a child stands back from short reviews when processors are scarce."""

PAUSE: Final = 0.005
"""Seconds between two looks whether a child has ended; it takes some milliseconds to give its memory back."""

MOST_AT_ONCE: Final = 256 * 1024
"""Bytes read from a child at a time."""

PR_SET_PDEATHSIG: Final = 1
"""prctl(2): the signal a process gets when its parent ends."""


Work: TypeAlias = Callable[[], bytes]


class ChildDied(Exception):
    """The child came to no end of its own: it was killed, ran out of memory, or could not be made."""


async def run_apart(work: Work, seconds: float) -> bytes:
    """What `work` returns in a child process; raises `ChildDied`, or `TimeoutError` after so many seconds."""
    child, reading = _begin(work, seconds)
    try:
        async with asyncio.timeout(seconds):
            answer = await _read_all(reading)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        await asyncio.shield(_ended(child))
    if not answer:
        raise ChildDied
    return answer


def _begin(work: Work, seconds: float) -> tuple[int, int]:
    """The child's id, and where its answer is read."""
    with ExitStack() as opened:
        try:
            reading, writing = os.pipe()
            opened.callback(os.close, writing)
            unread = opened.enter_context(ExitStack())
            unread.callback(os.close, reading)
            child = _fork()
        except OSError as error:  # no file descriptor, process or memory left
            raise ChildDied from error
        if child == 0:
            _be_child(work, writing, seconds)
        unread.pop_all()
    return child, reading


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 warns of forks beside threads: see above
        return os.fork()


async def _read_all(descriptor: int) -> bytes:
    """Everything until the other end is closed."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    chunks: list[bytes] = []

    def read() -> None:
        chunk = os.read(descriptor, MOST_AT_ONCE)
        chunks.append(chunk)
        if not chunk and not done.done():
            done.set_result(None)

    loop.add_reader(descriptor, read)
    try:
        await done
    finally:
        loop.remove_reader(descriptor)
    return b"".join(chunks)


async def _ended(child: int) -> None:
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        await asyncio.sleep(PAUSE)


# --- the child


def _be_child(work: Work, writing: int, seconds: float) -> NoReturn:
    code = 1
    try:
        _leave_the_server(writing)
        _confine(seconds)
        _write_all(writing, work())
        code = 0
    finally:
        os._exit(code)


def _leave_the_server(writing: int) -> None:
    """Let go of its connections, signals and session, and end when it ends."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.closerange(3, writing)
    os.closerange(writing + 1, os.sysconf("SC_OPEN_MAX"))


def _confine(seconds: float) -> None:
    gc.disable()  # it would copy every page it looks at, and there is nothing to find
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # no such file, no such limit: there is the container's
        with open("/proc/self/statm", "rb") as sizes:
            pages = int(sizes.read().split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
