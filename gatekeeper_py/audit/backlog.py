"""Objects that wait to be judged, each once: those that have changed before those whose turn it is anyway.

It holds names, and no more of them than there are objects, however often each of them changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import NamedTuple

from gatekeeper_py.objects.resource import GroupVersionKind

__all__ = ["Backlog", "Key"]


class Key(NamedTuple):
    """Which object of a cluster."""

    kind: GroupVersionKind
    namespace: str
    name: str


class Backlog:
    """A queue in two parts, without doubles."""

    def __init__(self) -> None:
        self._changed: dict[Key, None] = {}
        self._others: dict[Key, None] = {}

    def __len__(self) -> int:
        return len(self._changed) + len(self._others)

    def __contains__(self, key: object) -> bool:
        return key in self._changed or key in self._others

    def add_changed(self, key: Key) -> None:
        """One that is judged before the others."""
        self._others.pop(key, None)
        self._changed[key] = None

    def add(self, keys: Iterable[Key]) -> None:
        """Others, behind those that wait."""
        self._others.update((key, None) for key in keys if key not in self._changed)

    def take(self, most: int) -> list[Key]:
        """The next ones, which wait no more."""
        taken = list(islice(chain(self._changed, self._others), most))
        for key in taken:
            self._changed.pop(key, None)
            self._others.pop(key, None)
        return taken
