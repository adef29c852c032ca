"""Reading requests' bodies without ever holding more of them than allowed, one by one and together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from gatekeeper_py.webhook.exchange import Exchange

__all__ = ["BodyTooLarge", "Memory", "MemoryExhausted", "read_body"]

FREE: Final = 64 * 1024
"""Bytes of a body that need no room reserved: connections are counted, and each buffers as much anyway."""

MOST_WAITING: Final = 16
"""Bodies of one owner that may wait for room; each holds a connection and what it has sent."""


class BodyTooLarge(Exception):
    """The body is longer than the limit."""


class MemoryExhausted(Exception):
    """There will be no room: too many wait for it already."""


class Memory:
    """Bytes for long bodies, of which one owner gets half at most. Belongs to the event loop.

    Who finds no room waits, first come first served; but nobody waits for one whose owner has its share.
    """

    def __init__(self, size: int) -> None:
        self.free = self._all = size
        self._share = size // 2
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}

    async def take(self, owner: str, size: int) -> None:
        """Wait for room and take it; raises `MemoryExhausted`."""
        if not self._waiting and self._fits(owner, size):
            self._grant(owner, size)
            return
        queue = self._waiting.get(owner, deque())
        if size > self._all or len(queue) >= MOST_WAITING:
            raise MemoryExhausted("too many reviews at once")
        self._waiting[owner] = queue
        entry = size, asyncio.get_running_loop().create_future()
        queue.append(entry)
        self._serve()
        try:
            await entry[1]
        except BaseException:
            self._withdraw(owner, entry)
            raise

    def give_back(self, owner: str, size: int) -> None:
        """Return what was taken."""
        self.free += size
        self._taken[owner] -= size
        if not self._taken[owner]:
            del self._taken[owner]
        self._serve()

    def _fits(self, owner: str, size: int) -> bool:
        return size <= self.free and self._within_share(owner, size)

    def _within_share(self, owner: str, size: int) -> bool:
        taken = self._taken.get(owner, 0)
        return not taken or taken + size <= self._share

    def _grant(self, owner: str, size: int) -> None:
        self.free -= size
        self._taken[owner] = self._taken.get(owner, 0) + size

    def _serve(self) -> None:
        """Give room to those who wait, in turn; whoever has to wait for others keeps its place."""
        for owner in list(self._waiting):
            queue = self._waiting[owner]
            while queue and self._within_share(owner, queue[0][0]):
                size, granted = queue[0]
                if size > self.free:
                    return
                queue.popleft()
                if not granted.done():  # otherwise who waited is about to withdraw
                    self._grant(owner, size)
                    granted.set_result(None)
            if not queue:
                del self._waiting[owner]

    def _withdraw(self, owner: str, entry: tuple[int, asyncio.Future[None]]) -> None:
        """Who stopped waiting takes nothing, though it may just have been granted."""
        size, granted = entry
        if granted.done() and not granted.cancelled():
            self.give_back(owner, size)
            return
        queue = self._waiting.get(owner)
        if queue is not None and entry in queue:
            queue.remove(entry)
            if not queue:
                del self._waiting[owner]
        self._serve()


Reserve = Callable[[bytes, int], Awaitable[None]]
"""Waits until there is room for a body that begins so and has at most so many bytes."""


async def read_body(exchange: Exchange, limit: int, reserve: Reserve) -> bytes:
    """The whole body, in one piece or in chunks.

    Raises `BodyTooLarge` as soon as it is known to be longer than `limit` bytes, or `MemoryExhausted`.
    """
    declared = exchange.length
    if declared is not None and declared > limit:
        raise BodyTooLarge(f"the review is longer than {limit} bytes")
    chunks: list[bytes] = []
    size, reserved, more = 0, False, True
    while more:
        chunk, more = await exchange.read()
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(f"the review is longer than {limit} bytes")
        if chunk:
            chunks.append(chunk)
        if size > FREE and not reserved:
            await reserve(b"".join(chunks), limit if declared is None else declared)
            reserved = True
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
