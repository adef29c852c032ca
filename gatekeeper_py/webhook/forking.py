"""A copy of this process, which shares its memory until one of the two writes to it.

Threads are not copied: should one have held a lock at that moment, nobody gives it back in the copy. Who
forks sees to it that none does, and looks after the copy, to end it when it does not move.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import functools
import gc
import os
import signal
import stat
import sys
import threading
import warnings
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

__all__ = [
    "become_a_worker",
    "close_all_but",
    "end_with_parent",
    "fork",
    "keep_open",
    "keep_open_no_more",
    "prepare_to_fork",
]

PR_SET_PDEATHSIG: Final = 1
"""prctl(2): the signal a process gets when the thread that forked it ends."""

OURS: Final = "gatekeeper_py"

STANDARD: Final = 3
"""Below this are the descriptors that every process has."""

_kept: set[int] = set()
"""Descriptors of what this process and its children have in common."""

_locked: list[functools.cached_property[object]] = []
"""The cached properties of our classes, which in Python 3.11 have a lock each, as long as one is computed."""


def fork() -> int:
    """The child's id; in the child 0."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 warns of forks beside threads: see above
        return os.fork()


def end_with_parent(parent: int | None = None) -> None:
    """Be killed when the parent ends; at once when it is not the one that is named any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def keep_open(descriptor: int) -> None:
    """Have every child keep this, too."""
    _kept.add(descriptor)


def keep_open_no_more(descriptor: int) -> None:
    """As it was before."""
    _kept.discard(descriptor)


def close_all_but(kept: Iterable[int]) -> None:
    """Let go of all that is open, but for these, what all keep, the standard ones and pipes to itself."""
    first = STANDARD
    for number in sorted({*kept, *_kept, *_pipes_to_itself()}):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def _pipes_to_itself() -> set[int]:
    """Those of which both ends are here.

    libuv has one. In every fork it closes that by its numbers (uv__signal_global_reinit in its
    src/unix/signal.c), whatever they stand for by then: so they must not come to stand for something else.
    """
    ends: dict[tuple[int, int], dict[int, list[int]]] = {}
    for number in _open_descriptors():
        with suppress(OSError):  # it was for looking, and is closed
            found = os.fstat(number)
            if number >= STANDARD and stat.S_ISFIFO(found.st_mode):
                way = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
                ends.setdefault((found.st_dev, found.st_ino), {}).setdefault(way, []).append(number)
    return {number for ways in ends.values() if len(ways) > 1 for each in ways.values() for number in each}


def _open_descriptors() -> list[int]:
    with suppress(OSError):
        return [int(name) for name in os.listdir("/dev/fd")]
    return []


def prepare_to_fork() -> None:
    """Find out, once, what a child has to put right."""
    if _locked or sys.version_info >= (3, 12):
        return
    classes = (
        each
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == OURS
        for each in vars(module).values()
        if isinstance(each, type)
    )
    found = {id(each): each for made in classes for each in vars(made).values() if _is_locked(each)}
    _locked.extend(found.values())


def _is_locked(value: object) -> bool:
    return isinstance(value, functools.cached_property)


def become_a_worker(parent: int, kept: Iterable[int]) -> None:
    """In a child that lives on with an event loop of its own: end with the parent, and let go of what is his.

    What is here now is never looked through for garbage: that would copy it, and might close by number what
    the parent had open.
    """
    gc.freeze()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent hears them, and says when it is over
    end_with_parent(parent)
    asyncio._set_running_loop(None)
    close_all_but(kept)
    for each in _locked:
        each.lock = threading.RLock()  # type: ignore[attr-defined] # Python 3.11
