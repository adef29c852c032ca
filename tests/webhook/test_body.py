"""Bodies are read within limits, and long ones share a memory by owner."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gatekeeper_py.webhook.body import FREE, MOST_WAITING, BodyTooLarge, Memory, MemoryExhausted, read_body
from gatekeeper_py.webhook.exchange import Exchange


async def unsent(_message: Any) -> None:
    raise AssertionError


def read(chunks: list[bytes], limit: int, length: str | None = None) -> tuple[bytes, int, list[int]]:
    """The body of a request, how many of its chunks were asked for, and what room was asked for it."""
    asked = 0
    reserved: list[int] = []

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": chunks[asked - 1], "more_body": asked < len(chunks)}

    async def reserve(_beginning: bytes, size: int) -> None:
        reserved.append(size)

    headers = [] if length is None else [(b"content-length", length.encode("latin-1"))]
    exchange = Exchange({"type": "http", "method": "POST", "headers": headers}, receive, unsent)
    try:
        return asyncio.run(read_body(exchange, limit, reserve)), asked, reserved
    except BodyTooLarge as error:
        error.add_note(str(asked))
        raise


@pytest.mark.parametrize("chunks", [[b""], [b"abc"], [b"a", b"", b"bc"], [b"abcdefgh", b"ij"]])
def test_a_short_body_comes_whole_and_needs_no_room(chunks: list[bytes]) -> None:
    body, _, reserved = read(chunks, 10)
    assert (body, reserved) == (b"".join(chunks), [])


@pytest.mark.parametrize(("length", "room"), [(str(FREE + 5), FREE + 5), (None, 2 * FREE)])
def test_a_long_body_asks_once_for_what_it_may_need(length: str | None, room: int) -> None:
    chunks = [b"a" * FREE, b"bc", b"def"]
    body, _, reserved = read(chunks, 2 * FREE, length)
    assert (body, reserved) == (b"".join(chunks), [room])


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
    with pytest.raises(BodyTooLarge) as caught:
        read(chunks, 10, length)
    assert caught.value.__notes__ == [str(asked)]


# --- the memory


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 10))


async def begun(memory: Memory, owner: str, size: int) -> asyncio.Task[None]:
    """Somebody who takes room, as far as it goes at once."""
    taking = asyncio.create_task(memory.take(owner, size))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return taking


def test_who_finds_no_room_waits_for_it() -> None:
    async def scene() -> None:
        memory = Memory(10)
        await memory.take("foo", 5)
        await memory.take("bar", 4)
        late = await begun(memory, "other", 2)
        assert not late.done()
        memory.give_back("bar", 4)
        await late
        assert memory.free == 3

    play(scene())


def test_one_owner_gets_half_and_keeps_nobody_else_waiting() -> None:
    async def scene() -> None:
        memory = Memory(10)
        await memory.take("foo", 4)
        greedy = await begun(memory, "foo", 4)
        await memory.take("bar", 5)
        assert not greedy.done()
        memory.give_back("foo", 4)
        await greedy

    play(scene())


def test_what_is_longer_than_a_share_comes_in_alone() -> None:
    async def scene() -> None:
        memory = Memory(10)
        await memory.take("foo", 9)
        assert not (await begun(memory, "foo", 1)).done()

    play(scene())


def test_a_long_body_is_not_overtaken_for_ever() -> None:
    async def scene() -> None:
        memory = Memory(10)
        await memory.take("a", 4)
        await memory.take("b", 4)
        long = await begun(memory, "foo", 5)
        short = await begun(memory, "bar", 1)
        assert (long.done(), short.done()) == (False, False)
        memory.give_back("a", 4)
        await asyncio.gather(long, short)

    play(scene())


def test_who_stops_waiting_takes_nothing() -> None:
    async def scene() -> None:
        memory = Memory(10)
        await memory.take("foo", 10)
        waiting = await begun(memory, "bar", 5)
        granted = await begun(memory, "other", 5)
        waiting.cancel()
        memory.give_back("foo", 10)
        granted.cancel()
        await asyncio.gather(waiting, granted, return_exceptions=True)
        assert memory.free == 10
        await memory.take("bar", 10)

    play(scene())


def test_nobody_waits_where_there_will_be_no_room() -> None:
    async def scene() -> None:
        memory = Memory(10)
        with pytest.raises(MemoryExhausted):
            await memory.take("foo", 11)
        await memory.take("foo", 10)
        waiting = [await begun(memory, "foo", 1) for _ in range(MOST_WAITING)]
        with pytest.raises(MemoryExhausted):
            await memory.take("foo", 1)
        assert not any(each.done() for each in waiting)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    play(scene())
