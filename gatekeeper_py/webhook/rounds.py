"""Work that the event loop does itself, in short rounds: between two of them it looks at its connections.

Within a round there is no waiting. What finds no room in it waits for a next one, and then owners take turns:
who has much to do keeps nobody else waiting for more than a round.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["Rounds"]

SECONDS: Final = 0.002
"""Of work after which a round is over; what has begun by then is finished."""

Result = TypeVar("Result")


class Rounds:
    """Belongs to the event loop."""

    __slots__ = ("_clock", "_left", "_loop", "_waiting")

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._left = 0.0
        """Seconds of the round that has begun; it ends, and a next one begins, with the loop's next turn."""
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where the end of the round that has begun is arranged for; None while there is none."""
        self._waiting: dict[str, deque[Callable[[], None]]] = {}

    async def do(self, owner: str, work: Callable[[], Result]) -> Result:
        """What the work gives or raises; who is cancelled while it waits has it done no more."""
        if self.has_room():
            return self.work(work)
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.wait(owner, lambda: _settle(work, done))
        return await done

    def wait(self, owner: str, work: Callable[[], None]) -> None:
        """Have work done, which does not fail, when its owner's turn has come: `has_room` has said no."""
        self._waiting.setdefault(owner, deque()).append(work)

    def has_room(self) -> bool:
        """Whether work may be done now."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._begin(loop)
        return self._left > 0 and not self._waiting

    def work(self, work: Callable[[], Result]) -> Result:
        """Do it now, on the round's account."""
        begun = self._clock()
        try:
            return work()
        finally:
            self._left -= self._clock() - begun

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._left = loop, SECONDS
        loop.call_soon(self._next)

    def _next(self) -> None:
        """The loop has looked at its connections since the round began: have those done who wait, in turn."""
        loop, self._loop = self._loop, None
        if not self._waiting or loop is None:
            return
        self._begin(loop)
        while self._waiting and self._left > 0:
            owner = next(iter(self._waiting))
            queue = self._waiting.pop(owner)
            work = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # behind the others
            self.work(work)


def _settle(work: Callable[[], Result], done: asyncio.Future[Result]) -> None:
    if done.done():  # cancelled
        return
    try:
        done.set_result(work())
    except Exception as error:
        done.set_exception(error)
