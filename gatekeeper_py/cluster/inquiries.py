"""Namespaces asked for by name: the API server may speak of one before its watch does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from gatekeeper_py.cluster.follower import Picture
from gatekeeper_py.cluster.snapshot import NAMESPACE
from gatekeeper_py.objects.resource import Object

__all__ = ["UNKNOWN_SECONDS", "Find", "Inquiries"]

MOST_ASKED = 64
"""Names asked for within `UNKNOWN_SECONDS`; of others the watch tells. Whoever makes names up makes us ask no
more often."""
UNKNOWN_SECONDS = 1.0
"""For which the API server's word holds that there is no such namespace, and after which one that it has not
answered is asked for anew."""


Find: TypeAlias = Callable[[str], Awaitable[Object | None]]
"""Asks for a namespace; None when there is none."""


class Inquiries:
    """Each name is asked for once at a time, and not many are; one that is unknown stays so for a while."""

    def __init__(self, picture: Picture, find: Find) -> None:
        self._picture = picture
        self._find = find
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._unknown: set[str] = set()

    def unknown(self, name: str) -> bool:
        """Whether the API server has said a moment ago that there is no such namespace."""
        return name in self._unknown

    def ask(self, name: str) -> None:
        """Ask, in the loop that does so, unless it is being asked."""
        if name not in self._asked and len(self._asked) < MOST_ASKED:
            self._asked[name] = asyncio.create_task(self._ask(name))

    async def _ask(self, name: str) -> None:
        try:
            await self._look(name)
        except Exception:  # the watch of namespaces meets the same error, and says so
            await asyncio.sleep(UNKNOWN_SECONDS)
        finally:
            self._unknown.discard(name)
            del self._asked[name]

    async def _look(self, name: str) -> None:
        found = await self._find(name)
        if found is not None:
            self._picture.put(NAMESPACE, found)
            return
        self._unknown.add(name)
        with self._picture.changed:
            self._picture.changed.notify_all()
        await asyncio.sleep(UNKNOWN_SECONDS)
