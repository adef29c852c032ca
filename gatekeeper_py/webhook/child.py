"""What runs in a process of its own, which decides one review that is long.

What a long review costs it costs there: its memory is bounded and given back when the process ends, its work
keeps no other review from Python's lock, and its end ends nothing else.

The child runs nothing but one function. Should another thread have held a lock at the moment of the fork that
the function needs (the regular expressions have some), it waits until it is killed, and the review is denied.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn, TypeAlias

from gatekeeper_py.webhook.forking import close_all_but, end_with_parent

__all__ = ["ASKED", "BORN", "MEMORY", "ChildDied", "Work", "be_child", "leave_the_server"]

MEMORY: Final = 224 * 1024 * 1024
"""Bytes a child may take beyond what it shares. The densest review of two objects of the API server's longest
(3 MiB each), `[{},{},...]`, takes 200 MiB; server and child stay together below 512 MiB."""

NICE: Final = 15
"""How far a child stands back from short reviews when processors are scarce."""

MOST_AT_ONCE: Final = 256 * 1024
"""Bytes read at a time."""

BORN: Final = struct.Struct("=I")
"""What a child says first: its id."""

ASKED: Final = struct.Struct("=dI")
"""What it is told first: its seconds, and the bytes of the head. Head and body follow."""

Work: TypeAlias = Callable[[bytes, bytes], bytes]
"""What a child does: an answer to a head, which is ours, and a body, which is a stranger's."""


class ChildDied(Exception):
    """The child came to no end of its own: it was killed, ran out of memory, or could not be made."""


def leave_the_server(kept: int) -> None:
    """Let go of its connections, signals and session, and end when it ends; one descriptor is kept."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()
    close_all_but([kept])


def stand_back() -> None:
    """Leave the processors to others, and the memory that is shared as it is."""
    gc.disable()  # it would copy every page it looks at, and there is nothing to find
    os.nice(NICE)


def be_child(work: Work, connection: int) -> NoReturn:
    """Answer what is asked through a socket, and end."""
    code = 1
    try:
        end_with_parent()
        _write_all(connection, BORN.pack(os.getpid()))
        seconds, size = ASKED.unpack(_read(connection, ASKED.size))
        _confine(seconds)
        _write_all(connection, work(_read(connection, size), _read(connection)))
        code = 0
    finally:
        os._exit(code)


def _confine(seconds: float) -> None:
    signal.alarm(int(seconds) + 1)  # it may wait for a lock, too
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # no such file, no such limit: there is the container's
        with open("/proc/self/statm", "rb") as sizes:
            pages = int(sizes.read().split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _read(descriptor: int, size: int = sys.maxsize) -> bytes:
    """So many bytes, or all there are."""
    parts: list[bytes] = []
    while size and (part := os.read(descriptor, min(size, MOST_AT_ONCE))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
