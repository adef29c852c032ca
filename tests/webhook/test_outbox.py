"""Lines of a worker's log go together, and wait or are dropped when nobody takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gatekeeper_py.webhook.outbox import Outbox


class Taker:
    """Takes lines, unless it does not listen."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, int, int]] = []
        self.listens = True

    def __call__(self, data: bytes, count: int, dropped: int) -> bool:
        if self.listens:
            self.taken.append((data, count, dropped))
        return self.listens


def play(scene: Callable[[Outbox, Taker], Awaitable[None]], most: int = 1000) -> None:
    async def main() -> None:
        taker = Taker()
        await scene(Outbox(taker, most), taker)

    asyncio.run(main())


def test_lines_of_a_moment_go_together() -> None:
    async def scene(outbox: Outbox, taker: Taker) -> None:
        outbox.write("before\n")
        outbox.open()
        outbox.write("a\n")
        await asyncio.to_thread(outbox.write, "b\n")
        while not taker.taken:
            await asyncio.sleep(0.01)
        outbox.write("c\n")
        while len(taker.taken) < 2:
            await asyncio.sleep(0.01)
        assert taker.taken == [(b"before\na\nb\n", 3, 0), (b"c\n", 1, 0)]

    play(scene)


def test_who_does_not_listen_gets_them_later_in_their_order() -> None:
    async def scene(outbox: Outbox, taker: Taker) -> None:
        outbox.open()
        taker.listens = False
        outbox.write("a\n")
        await asyncio.sleep(0.05)
        outbox.write("b\n")
        taker.listens = True
        while not taker.taken:
            await asyncio.sleep(0.01)
        assert taker.taken == [(b"a\nb\n", 2, 0)]

    play(scene)


def test_what_finds_no_room_is_dropped_and_counted() -> None:
    async def scene(outbox: Outbox, taker: Taker) -> None:
        for line in ("1234567\n", "dropped\n", "x\n"):
            outbox.write(line)
        assert outbox.empty()
        outbox.write("after\n")
        assert outbox.empty()
        assert taker.taken == [(b"1234567\nx\n", 2, 1), (b"after\n", 1, 0)]
        assert outbox.empty()

    play(scene, most=10)
