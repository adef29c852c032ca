"""What following one API server may cost. The host's is trusted; a tenant's may send what it likes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from gatekeeper_py.objects.resource import Object

__all__ = ["FOREIGN", "UNBOUNDED", "Bounds", "Exceeded", "bounded"]

MOST_PAGES: Final = 10_000
"""Of one list: one that never ends says nothing more."""


class Exceeded(Exception):
    """An API server sends more than is read of one that is not trusted."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes in bytes; 0 is no limit."""

    page: int
    """Objects of one list request."""
    answer: int = 0
    """Of one answer, or of one event: to read it keeps Python to itself, 10 ms a MiB."""
    listing: int = 0
    """Of all pages of one list."""
    kept: int = 0
    """Of all that is kept in memory, as JSON."""
    share: float = 1.0
    """Of the time, for which what it sends may be read."""

    def pause(self, spent: float) -> float:
        """Seconds to rest after so many of work."""
        return spent * (1 / self.share - 1)

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.answer > 0

    def weight(self, objects: Iterable[Object]) -> int:
        """Bytes of objects as JSON; 0 where nobody counts."""
        return sum(len(orjson.dumps(each)) for each in objects) if self.kept else 0

    def check_listing(self, size: int, pages: int) -> None:
        """Raise `Exceeded` when a list does not end in time."""
        if self.listing and (size > self.listing or pages > MOST_PAGES):
            raise Exceeded(f"lists more than {self.listing >> 20} MiB of one kind")

    def check_kept(self, size: int) -> None:
        """Raise `Exceeded` when more would be kept."""
        if self.kept and size > self.kept:
            raise Exceeded(f"holds more than {self.kept >> 20} MiB of what decisions look up")


UNBOUNDED: Final = Bounds(page=500)
"""Pages as kubectl asks for them."""

FOREIGN: Final = Bounds(page=50, answer=4 << 20, listing=256 << 20, kept=16 << 20, share=0.1)
"""For a tenant's own. An object of etcd has 1.5 MiB, about twice that as JSON; of pods little is kept."""


async def bounded(chunks: AsyncIterator[bytes], most: int) -> bytes:
    """All of a body; raises `Exceeded` as soon as it is longer (0 is no limit)."""
    found: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if most and size > most:
            raise Exceeded(f"sends an answer of more than {most >> 20} MiB")
        found.append(chunk)
    return b"".join(found)
