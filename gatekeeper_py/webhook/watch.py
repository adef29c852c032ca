"""Seeing that files have changed: told by the kernel, and by a look of our own where the kernel cannot tell.

A mounted ConfigMap changes by the swap of one symbolic link (`..data`), a network file system tells nothing:
what counts is the fingerprint of what is reached, links followed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import watchfiles

__all__ = ["POLL", "REST", "Fingerprint", "at_rest", "changes", "fingerprint"]

Fingerprint: TypeAlias = frozenset[tuple[str, int, int, int]]
"""Path, inode, size and time of change of every file."""

POLL: Final = 0.5
"""Seconds between looks of our own: an edit is in force within a second."""

SETTLE: Final = 50
"""Milliseconds of quiet after which a burst of writes counts as one change."""


QUIET: Final = 0.25
"""Seconds without a change after which files count as written: most writers pause less between writes."""

PATIENCE: Final = 5.0
"""Seconds after which files that never come to rest are looked at as they are."""

REST: Final = 3.0
"""Seconds without a change after which files are believed that hold less than before. A copy over a network
may pause that long in the middle, and to keep a policy in force three seconds longer harms nobody."""


def at_rest(take: Callable[[], Hashable]) -> Hashable:
    """What is seen once it has not changed for a moment; it blocks."""
    end = time.monotonic() + PATIENCE
    now = take()
    while time.monotonic() < end:
        time.sleep(QUIET)
        before, now = now, take()
        if now == before:
            break
    return now


def fingerprint(paths: Sequence[Path]) -> Fingerprint:
    """What is there now. A file that cannot be read counts by its absence."""
    return frozenset(entry for path in paths for file in _files(path) if (entry := _entry(file)))


async def changes(
    paths: Sequence[Path], seen: Hashable, take: Callable[[], Hashable] | None = None
) -> AsyncIterator[Hashable]:
    """Yield what is seen each time that it differs from the last, and has come to rest.

    `seen` is what the caller knows.

    `take` takes a fingerprint of whatever counts, that of the paths by default.
    """
    take = partial(fingerprint, paths) if take is None else take
    async for _ in _ticks(paths):
        if await asyncio.to_thread(take) == seen:
            continue
        now = await asyncio.to_thread(at_rest, take)
        if now != seen:
            seen = now
            yield now


async def _ticks(paths: Sequence[Path]) -> AsyncIterator[None]:
    """Yield whenever it may be worth a look, at least every `POLL` seconds, for ever."""
    while True:
        yield
        existing = [path for path in paths if path.exists()]
        try:
            if existing:
                async for _ in watchfiles.awatch(
                    *existing,
                    watch_filter=None,
                    debounce=SETTLE * 4,
                    step=SETTLE,
                    rust_timeout=int(POLL * 1000),
                    yield_on_timeout=True,
                ):
                    yield
        except (OSError, RuntimeError):
            pass  # no kernel watch to be had (limit, removed folder): looking every POLL seconds does it too
        await asyncio.sleep(POLL)


def _files(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield str(path)
        return
    entered: set[str] = set()
    for directory, below, names in os.walk(path, followlinks=True):
        real = os.path.realpath(directory)
        if real in entered:
            below.clear()  # a link that leads back
            continue
        entered.add(real)
        for name in names:
            yield os.path.join(directory, name)


def _entry(file: str) -> tuple[str, int, int, int] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return file, status.st_ino, status.st_size, max(status.st_mtime_ns, status.st_ctime_ns)
