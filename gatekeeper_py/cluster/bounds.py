"""What following one API server may cost. The host's is trusted; a tenant's may send what it likes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import orjson

from gatekeeper_py.objects.resource import Object

__all__ = ["FOREIGN", "UNBOUNDED", "Bounds", "Exceeded", "Readers", "Room", "bounded"]

OPENINGS: Final = (b",", b"{", b"[")
"""What begins a value in JSON, or separates two."""

MOST_PAGES: Final = 10_000
"""Of one list: one that never ends says nothing more."""


class Exceeded(Exception):
    """An API server sends more than is read of one that is not trusted."""


class Readers:
    """Who has read and rests from it, in whatever thread: they share the time that there is for them."""

    def __init__(self) -> None:
        """Nobody rests."""
        self._lock = threading.Lock()
        self._resting: Counter[object] = Counter()

    @contextmanager
    def resting(self, reader: object) -> Iterator[int]:
        """While it is entered the reader rests; how many do, each counted once."""
        with self._lock:
            self._resting[reader] += 1
            number = len(self._resting)
        try:
            yield number
        finally:
            with self._lock:
                self._resting[reader] -= 1
                if not self._resting[reader]:
                    del self._resting[reader]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes in bytes; 0 is no limit."""

    page: int
    """Objects of one list request."""
    answer: int = 0
    """Of one answer, or of one event: to read it keeps Python to itself, 10 ms a MiB."""
    under_way: int = 0
    """Of all answers and events of one connection of which a part has arrived."""
    values: int = 0
    """In one answer or event, about: `[{},{},...]` takes eighty times as much in memory as on the wire."""
    seconds: float = 0.0
    """For one answer, or until a watch begins: some arrive byte by byte, or after endless preliminaries."""
    listing: int = 0
    """Of all pages of one list."""
    total: int = 0
    """Of all lists of one connection."""
    kept: int = 0
    """Of all that is kept in memory, as JSON."""
    share: float = 1.0
    """Of the time, for which what it sends may be read."""
    free: float = 0.0
    """Of the time, what does not count: to follow one that says nothing takes that."""
    together: float = 1.0
    """Of the time, for what all such API servers send: Python does one thing at a time."""
    readers: Readers = field(default_factory=Readers, compare=False)
    """Those who share it."""

    def pause(self, spent: float, readers: int = 1) -> float:
        """Seconds to rest after so many of work, where so many share the time."""
        return spent * (1 / min(self.share, self.together / readers) - 1)

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.answer > 0

    def check_values(self, body: bytes) -> None:
        """Raise `Exceeded` when what is to be read has more values than fit into memory."""
        if self.values and sum(map(body.count, OPENINGS)) > self.values:
            raise Exceeded(f"sends more than {self.values} values at once")

    def weight(self, objects: Iterable[Object]) -> int:
        """Bytes of objects as JSON; 0 where nobody counts."""
        return sum(len(orjson.dumps(each)) for each in objects) if self.kept else 0

    def check_listing(self, size: int, pages: int) -> None:
        """Raise `Exceeded` when a list does not end in time."""
        if self.listing and (size > self.listing or pages > MOST_PAGES):
            raise Exceeded(f"lists more than {self.listing >> 20} MiB of one kind")

    def check_total(self, size: int) -> None:
        """Raise `Exceeded` when all lists together are longer than may be."""
        if self.total and size > self.total:
            raise Exceeded(f"lists more than {self.total >> 20} MiB altogether")

    def check_kept(self, size: int) -> None:
        """Raise `Exceeded` when more would be kept."""
        if self.kept and size > self.kept:
            raise Exceeded(f"holds more than {self.kept >> 20} MiB of what decisions look up")


UNBOUNDED: Final = Bounds(page=500)
"""Pages as kubectl asks for them."""

FOREIGN: Final = Bounds(
    page=50,
    answer=4 << 20,
    under_way=24 << 20,
    values=300_000,
    seconds=15.0,
    listing=256 << 20,
    kept=16 << 20,
    share=0.1,
    free=0.01,
    together=0.4,
)
"""For a tenant's own. An object of etcd has 1.5 MiB, about twice that as JSON, with a value in 12 bytes or
more; of pods little is kept."""


class Room:
    """Bytes that have arrived of what has not arrived whole. Belongs to one event loop."""

    def __init__(self, most: int) -> None:
        """At most so many; 0 is no limit."""
        self._most = most
        self._taken = 0

    def take(self, size: int) -> None:
        """Have some more; raises `Exceeded` where there is no room."""
        if self._most and self._taken + size > self._most:
            raise Exceeded(f"sends more than {self._most >> 20} MiB at once")
        self._taken += size

    def give_back(self, size: int) -> None:
        """Have so much less."""
        self._taken -= size


async def bounded(chunks: AsyncIterator[bytes], most: int, room: Room | None = None) -> bytes:
    """All of a body; raises `Exceeded` as soon as it is longer (0 is no limit), or finds no room."""
    found = bytearray()
    try:
        async for chunk in chunks:
            if room is not None:
                room.take(len(chunk))
            found += chunk
            if most and len(found) > most:
                raise Exceeded(f"sends an answer of more than {most >> 20} MiB")
        return bytes(found)
    finally:
        if room is not None:
            room.give_back(len(found))
