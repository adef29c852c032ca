"""Bodies are read within limits, and what they took of the memory is given back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from gatekeeper_py.webhook.body import BodyTooLarge, Lease, Memory, MemoryExhausted, read_body


def read(chunks: list[bytes], limit: int, lease: Lease, length: str | None = None) -> tuple[bytes, int]:
    """The body of a request, and how many of its chunks were asked for."""
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": chunks[asked - 1], "more_body": asked < len(chunks)}

    headers = [] if length is None else [(b"content-length", length.encode("latin-1"))]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    try:
        return asyncio.run(read_body(request, limit, lease)), asked
    except (BodyTooLarge, MemoryExhausted) as error:
        error.add_note(str(asked))
        raise


@pytest.mark.parametrize("chunks", [[b""], [b"abc"], [b"a", b"", b"bc"], [b"abcdefgh", b"ij"]])
def test_a_body_comes_whole_and_takes_what_it_is_long(chunks: list[bytes]) -> None:
    lease = Lease(Memory(10))
    body, _ = read(chunks, 10, lease)
    assert (body, lease.taken, lease.memory.free) == (b"".join(chunks), len(body), 10 - len(body))
    lease.give_back()
    assert (lease.taken, lease.memory.free) == (0, 10)


@pytest.mark.parametrize(
    ("length", "chunks", "asked"),
    [
        ("11", [b"a"], 0),  # said so
        ("99999999999999999999", [b"a" * 11], 1),  # a number too long to be one is not believed
        (None, [b"a" * 10, b"b", b"c"], 2),  # found out
        ("1", [b"a" * 11, b"c"], 1),  # lied
        ("-1", [b"a" * 11], 1),
        ("\xb2", [b"a" * 11], 1),  # a digit that is no number
    ],
)
def test_a_body_too_long_is_read_no_further(length: str | None, chunks: list[bytes], asked: int) -> None:
    lease = Lease(Memory(100))
    with pytest.raises(BodyTooLarge) as caught:
        read(chunks, 10, lease, length)
    assert caught.value.__notes__ == [str(asked)]
    assert lease.memory.free + lease.taken == 100


def test_bodies_share_the_memory_and_a_chunk_that_does_not_fit_takes_nothing() -> None:
    memory = Memory(10)
    one, two = Lease(memory), Lease(memory)
    read([b"a" * 6], 10, one)
    with pytest.raises(MemoryExhausted):
        read([b"b" * 3, b"b" * 2], 10, two)
    assert (memory.free, two.taken) == (1, 3)
    two.give_back()
    assert read([b"b" * 4], 10, two)[0] == b"bbbb"
    one.give_back()
    two.give_back()
    two.give_back()
    assert memory.free == 10
