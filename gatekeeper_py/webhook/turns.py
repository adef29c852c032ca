"""Whose turn it is: reviews of one tenant's namespace do not keep the others' waiting."""

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
    """At most so many of one owner have a turn at a time; those who wait keep only their own kind waiting."""

    __slots__ = ("_at_once", "_queues")

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._queues: dict[str, _Queue] = {}

    def __len__(self) -> int:
        """How many owners have or await a turn."""
        return len(self._queues)

    async def take(self, owner: str) -> None:
        """Wait for a turn; who is cancelled has none."""
        queue = self._queues.setdefault(owner, _Queue(asyncio.Semaphore(self._at_once)))
        queue.members += 1
        try:
            await queue.free.acquire()
        except BaseException:
            self._leave(owner, queue)
            raise

    def give_back(self, owner: str) -> None:
        """End a turn that was taken."""
        queue = self._queues[owner]
        queue.free.release()
        self._leave(owner, queue)

    def _leave(self, owner: str, queue: _Queue) -> None:
        queue.members -= 1
        if not queue.members:
            del self._queues[owner]
