"""Namespaces made a moment ago: the API server knows them before we do, and a review waits for the news.

Nobody waits in a thread, and all who wait are looked after by one task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["Arrivals"]

SECONDS: Final = 1.0
"""How long to wait for news of a namespace; the API server knows it, or would not ask."""

PAUSE: Final = 0.02
"""Seconds between two looks."""

MOST: Final = 256
"""Namespaces awaited at once; a review of yet another is decided by what is known."""


class Arrivals:
    """Belongs to the event loop."""

    def __init__(self) -> None:
        self._awaited: dict[str, asyncio.Future[None]] = {}
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many namespaces are awaited."""
        return len(self._awaited)

    async def wait_for(self, namespace: str, knows: Callable[[str], bool]) -> None:
        """Until a namespace is known, or has not become so in time."""
        if knows(namespace) or len(self._awaited) >= MOST:
            return
        loop = asyncio.get_running_loop()
        news = self._awaited.setdefault(namespace, loop.create_future())
        if self._looking is None:
            self._looking = loop.create_task(self._look(knows))
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.shield(news)
        except TimeoutError:
            self._awaited.pop(namespace, None)

    async def _look(self, knows: Callable[[str], bool]) -> None:
        while self._awaited:
            await asyncio.sleep(PAUSE)
            for namespace in [name for name in self._awaited if knows(name)]:
                self._awaited.pop(namespace).set_result(None)
        self._looking = None
