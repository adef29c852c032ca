"""Whose turn it is: reviews of one tenant do not keep the others' waiting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

__all__ = ["Turns"]


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
