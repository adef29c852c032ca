"""Reading a request's body without ever holding more of it than allowed."""

from __future__ import annotations

from starlette.requests import Request

__all__ = ["BodyTooLarge", "read_body"]


class BodyTooLarge(Exception):
    """The body is longer than the limit."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, in one piece or in chunks; `BodyTooLarge` as soon as it exceeds `limit` bytes."""
    if _declared(request) > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def _declared(request: Request) -> int:
    """Content-Length, or 0 when it says nothing: what is really sent is counted anyway."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else 0
