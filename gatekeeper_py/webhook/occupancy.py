"""Who of the workers takes the next connection: all listen to one socket, and one might take them all.

A connection is kept for minutes, and so is the work that comes through it. So who has more than another lets
him go first. If he does not, because he is busy, it is taken all the same. Who has more than his part for
long, as when another has come later, ends some with their next answer: their clients open new ones.
"""

from __future__ import annotations

import asyncio
import mmap
import socket
from collections.abc import Callable
from typing import Final

__all__ = ["EvenAccept", "Occupancy"]

DEFERENCE: Final = 0.003
"""Seconds for which a worker waits for another to go first: about as long as a turn of his event loop."""

ABSENT: Final = 2**31 - 1
"""The connections of a worker that accepts none."""


class Occupancy:
    """How many connections each has, in memory that all share."""

    def __init__(self, workers: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, 4 * workers)).cast("i")
        for number in range(workers):
            self.leave(number)

    def note(self, number: int, connections: int) -> None:
        """A worker has so many."""
        self._counts[number] = connections

    def leave(self, number: int) -> None:
        """A worker accepts no more."""
        self._counts[number] = ABSENT

    def has_fewer(self, number: int) -> bool:
        """Whether a worker that accepts has fewer than this one."""
        return min(self._counts) < self._counts[number]

    def excess(self, number: int) -> int:
        """How many a worker has beyond its part."""
        counts = [count for count in self._counts if count != ABSENT]
        part = -(-sum(counts) // max(1, len(counts)))
        return max(0, self._counts[number] - part) if self._counts[number] != ABSENT else 0


class EvenAccept:
    """Accepts connections as the other workers do, and no more than its part where they can."""

    def __init__(self, occupancy: Occupancy, number: int, connected: Callable[[], int]) -> None:
        self._occupancy = occupancy
        self._number = number
        self._connected = connected

    async def __call__(self, listener: socket.socket) -> socket.socket:
        """The next connection."""
        self._occupancy.note(self._number, self._connected())
        while True:
            await _readable(listener)
            self._occupancy.note(self._number, self._connected())
            if self._occupancy.has_fewer(self._number):
                await asyncio.sleep(DEFERENCE)
            try:
                connection, _ = listener.accept()
            except BlockingIOError:  # another one has gone first
                continue
            self._occupancy.note(self._number, self._connected() + 1)
            return connection


async def _readable(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def read() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(listener, read)
    try:
        await ready
    finally:
        loop.remove_reader(listener)
