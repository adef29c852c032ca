"""What is known of every object of a cluster: what was found last, and what is not known after all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gatekeeper_py.audit.backlog import Key
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind

__all__ = ["Entry", "Ledger"]

LACKING: Final = "{} objects could not be judged as the cluster is now, for they hang on it"


@dataclass(frozen=True, slots=True)
class Entry:
    """Of one object."""

    item: Audited | None = None
    """What was found when it was judged last; None when it never could be."""
    problems: tuple[Problem, ...] = ()
    """Why it, or a part of what is to be said of it, could not be judged."""
    lacks: GroupVersionKind | None = None
    """The kind that has to be known before it can be judged as it is now."""


class Ledger:
    """An entry an object. One thread writes, any may read."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        self._writing = threading.Lock()
        self.version = 0
        """Another whenever there is something new."""

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def record(self, key: Key, entry: Entry) -> bool:
        """Put down what is known of an object; whether that is news."""
        if self._entries.get(key) == entry:
            return False
        with self._writing:
            self._entries[key] = entry
            self.version += 1
        return True

    def drop(self, key: Key) -> Audited | None:
        """Forget an object that is gone; what was found of it."""
        with self._writing:
            entry = self._entries.pop(key, Entry())
            self.version += 1
        return entry.item

    def last(self, key: Key) -> Audited | None:
        """What was found of an object last."""
        return self._entries.get(key, Entry()).item

    def keys(self) -> list[Key]:
        """Every object that was ever looked at and is there."""
        return list(self._entries)

    def lacking(self) -> Iterator[Key]:
        """Those that could not be judged, or not wholly, as the cluster is now."""
        return (key for key, entry in self._entries.items() if not _is_known(entry))

    def audited(self) -> tuple[Audited, ...]:
        """What was found of all of them."""
        return tuple(entry.item for entry in self._read() if entry.item is not None)

    def problems(self) -> Iterator[Problem]:
        """What could not be judged; of many objects that lack the same kind it is said once."""
        entries = self._read()
        yield from dict.fromkeys(problem for entry in entries for problem in entry.problems)
        lacked = Counter(entry.lacks for entry in entries if entry.lacks is not None)
        for kind, count in lacked.items():
            yield Problem(f"{kind.api_version} {kind.kind}", 0, 0, LACKING.format(count))

    def kinds(self) -> Mapping[GroupVersionKind, int]:
        """How many objects of each kind were judged as they are now."""
        return Counter(key.kind for key, entry in self._items() if _is_known(entry))

    def unjudged(self) -> Mapping[GroupVersionKind, int]:
        """How many were not."""
        return Counter(key.kind for key, entry in self._items() if not _is_known(entry))

    def _read(self) -> Iterable[Entry]:
        return [entry for _, entry in self._items()]

    def _items(self) -> Sequence[tuple[Key, Entry]]:
        with self._writing:
            return list(self._entries.items())


def _is_known(entry: Entry) -> bool:
    return entry.item is not None and entry.lacks is None and not entry.problems
