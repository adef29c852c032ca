"""Reading requests' bodies without ever holding more of them than allowed, one by one and together."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

__all__ = ["BodyTooLarge", "Lease", "Memory", "MemoryExhausted", "read_body"]


class BodyTooLarge(Exception):
    """The body is longer than the limit."""


class MemoryExhausted(Exception):
    """All bodies together are longer than the limit."""


@dataclass(slots=True)
class Memory:
    """Bytes that bodies may still take. Belongs to the event loop."""

    free: int


@dataclass(slots=True)
class Lease:
    """What one request has taken of the memory. A sender that only waits takes nothing."""

    memory: Memory
    taken: int = 0

    def take(self, size: int) -> None:
        """Take bytes; raises `MemoryExhausted`."""
        if size > self.memory.free:
            raise MemoryExhausted
        self.memory.free -= size
        self.taken += size

    def give_back(self) -> None:
        """Return everything."""
        self.memory.free += self.taken
        self.taken = 0


async def read_body(request: Request, limit: int, lease: Lease) -> bytes:
    """The whole body, in one piece or in chunks.

    Raises `BodyTooLarge` as soon as it is known to be longer than `limit` bytes, or `MemoryExhausted`.
    """
    if _declared(request) > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    async for chunk in request.stream():
        if lease.taken + len(chunk) > limit:
            raise BodyTooLarge
        lease.take(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


def _declared(request: Request) -> int:
    """Content-Length, or 0 when it says nothing: what is really sent is counted anyway."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else 0
