"""Whose turn it is: reviews of one tenant do not keep the others' waiting."""

from __future__ import annotations

import asyncio
import fcntl
import os
from dataclasses import dataclass
from typing import Final

__all__ = ["SharedTurns", "Turns"]

LOOK: Final = 0.005
"""Seconds between two looks whether another process has given back its turn."""


@dataclass(slots=True)
class _Queue:
    """Those of one owner: the ones who have a turn and the ones who wait."""

    free: asyncio.Semaphore
    members: int = 0


class Turns:
    """At most so many have a turn at a time, and at most so many of one owner.

    Who waits for others of the same owner keeps nobody else waiting, so owners with much to do alternate.
    """

    __slots__ = ("_each", "_free", "_queues")

    def __init__(self, together: int, each: int) -> None:
        self._free = asyncio.Semaphore(together)
        self._each = each
        self._queues: dict[str, _Queue] = {}

    def __len__(self) -> int:
        """How many owners have or await a turn."""
        return len(self._queues)

    async def take(self, owner: str) -> None:
        """Wait for a turn; who is cancelled has none."""
        queue = self._queues.setdefault(owner, _Queue(asyncio.Semaphore(self._each)))
        queue.members += 1
        try:
            await queue.free.acquire()
            await self._take_free(queue)
        except BaseException:
            self._leave(owner, queue)
            raise

    async def _take_free(self, queue: _Queue) -> None:
        try:
            await self._free.acquire()
        except BaseException:
            queue.free.release()
            raise

    def give_back(self, owner: str) -> None:
        """End a turn that was taken."""
        queue = self._queues[owner]
        self._free.release()
        queue.free.release()
        self._leave(owner, queue)

    def _leave(self, owner: str, queue: _Queue) -> None:
        queue.members -= 1
        if not queue.members:
            del self._queues[owner]


class SharedTurns(Turns):
    """Turns of which one is taken at a time in all processes that are forked from the one that made these.

    A lock of the system is given back when its process ends, however it ends (fcntl(2), record locks).
    """

    def __init__(self) -> None:
        super().__init__(1, 1)
        self._file = os.memfd_create("turns")

    @property
    def file(self) -> int:
        """The descriptor that those who share them have to keep."""
        return self._file

    async def take(self, owner: str) -> None:
        """Wait for a turn; who is cancelled has none."""
        await super().take(owner)
        try:
            while not self._lock():
                await asyncio.sleep(LOOK)
        except BaseException:
            super().give_back(owner)
            raise

    def give_back(self, owner: str) -> None:
        """End a turn that was taken."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)
        super().give_back(owner)

    def _lock(self) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another process has it
            return False
        return True
