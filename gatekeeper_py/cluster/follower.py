"""One kind of a cluster, listed, watched and begun anew, for ever; and since when it is not known whole.

A kind is *confirmed* at a moment when everything that the API server knew of it then is in the picture. A
list confirms the moment at which it was asked for, an event and a bookmark confirm their own, and a watch
that the API server ends in good order confirms its beginning. Nothing else does. An API server that loses its
store ends its watches itself (apiserver/pkg/storage/cacher/cacher.go, terminateAllWatchers).
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from gatekeeper_py.cluster.bounds import UNBOUNDED, Bounds
from gatekeeper_py.cluster.connection import (
    MOST_SAID,
    NOT_FOUND,
    SILENCE_SECONDS,
    UNAUTHORIZED,
    WATCH_SECONDS,
    Connection,
    Event,
    Listed,
    Refused,
    now,
)
from gatekeeper_py.cluster.pool import Pool
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Stale
from gatekeeper_py.objects.projection import WHOLE, Projection
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Served

__all__ = ["ALLOW", "Follower", "Picture"]

RELIST_SECONDS = 300.0
"""After which a kind is listed though its watch goes on: whatever went wrong unseen is put right then."""
BEHIND_SECONDS = 2 * WATCH_SECONDS
"""Age of a kind that is always less while all goes well."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
"""Seconds between attempts after an error, doubled each time: the API server is back for at most so long
before we see it."""
LONGEST_WISH = 5.0
"""Seconds that the API server may ask us to wait (Retry-After)."""
UNSERVED_PAUSE = 2.0
"""Seconds between looks for a kind that the cluster does not serve yet."""
ALLOW: Final = "Allow the engine to get, list and watch it (webhooks/rbac.yaml)"
ADDED, MODIFIED, DELETED, BOOKMARK = "ADDED", "MODIFIED", "DELETED", "BOOKMARK"
FORBIDDEN, GONE = 403, 410
"""GONE: the API server has forgotten the version to watch from."""


Tell: TypeAlias = Callable[[GroupVersionKind, Sequence[Object], Sequence[Object]], None]
"""Told which objects of a kind there are, new or not as they were, and which are gone."""


class Picture:
    """The cluster as last seen: one writer's thread, any number of readers."""

    def __init__(self, bounds: Bounds = UNBOUNDED) -> None:
        self.snapshot = Snapshot(complete=True)
        self.changed = threading.Condition()
        self.tell: Tell | None = None
        """Told of what has changed."""
        self._pool = Pool()
        self._bounds = bounds
        self._sizes: dict[GroupVersionKind, int] = {}
        """Bytes that came in of each kind since it was last listed, where they are counted."""

    def replace(self, kind: GroupVersionKind, objects: Iterable[Object]) -> None:
        """These are all objects of a kind; raises `Exceeded` when these are too many."""
        held = list(objects)
        self._weigh(kind, held, 0)
        before = self.snapshot
        self._publish(before.with_kind(kind, held))
        if self.tell is not None:
            found = [each for each in self.snapshot.differences(before) if each.kind == kind]
            there = [each.after for each in found if each.after is not None and each.after != each.before]
            self.tell(kind, there, [each.before for each in found if each.before and each.after is None])

    def _weigh(self, kind: GroupVersionKind, objects: Sequence[Object], before: int) -> None:
        """Count what comes in; raises `Exceeded` when it is more than may be kept."""
        if not self._bounds.kept:
            return
        size = before + self._bounds.weight(objects)
        others = sum(each for other, each in self._sizes.items() if other != kind)
        self._bounds.check_kept(size + others)
        self._sizes[kind] = size

    def put(self, kind: GroupVersionKind, value: Object) -> None:
        """There is this object."""
        self.change(kind, (value,), ())

    def change(self, kind: GroupVersionKind, there: Iterable[Object], gone: Sequence[Object]) -> None:
        """There are these objects of a kind, and others are gone; what says nothing new costs no more.

        Raises `Exceeded` when these are too many; a list counts anew what is there.
        """
        snapshot = self.snapshot
        new = [self._pool.share(each) for each in there if snapshot.held(kind, each) != each]
        if new or gone:
            self._weigh(kind, new, self._sizes.get(kind, 0))
            self._publish(snapshot.with_changes(kind, new, gone))
            if self.tell is not None:
                self.tell(kind, new, gone)

    def known(self, kind: GroupVersionKind, value: Object) -> Object:
        """The object as it is held already when it is the same: the collector need not look at a new one."""
        held = self.snapshot.held(kind, value)
        return held if held is not None and held == value else self._pool.share(value)

    def _publish(self, snapshot: Snapshot) -> None:
        with self.changed:
            self.snapshot = snapshot
            self.changed.notify_all()


@dataclass(slots=True, eq=False)
class Follower:
    """Keeps a picture up to date in one kind."""

    kind: GroupVersionKind
    picture: Picture
    connection: Callable[[], Connection]
    definitions: Follower | None
    """Who follows the definitions of custom kinds; None for that one itself."""
    failed: Callable[[Exception], None]
    """Told of every error."""
    kept: Projection = WHOLE
    """How much is to be kept of each object."""
    remedy: str = ALLOW
    """What to do when the kind may not be read."""
    synced: bool = False
    problem: str = "not listed yet"
    confirmed: float = field(default_factory=now)
    _unserved: bool = False
    _version: str = ""
    _listed: float = 0.0
    _failures: int = 0
    _held: Projection | None = None
    """How much was kept when the kind was last listed."""

    @property
    def complete(self) -> bool:
        """Whether it has been listed since it was told how much to keep."""
        return self.synced and self._held is not None and self._held.covers(self.kept)

    @property
    def age(self) -> float:
        """Seconds since the kind was last confirmed; since the beginning when it never was."""
        return now() - self.confirmed

    def stale(self, limit: float) -> Stale | None:
        """What is wrong when the kind was never listed, or is older than a limit in seconds."""
        if not self.synced:
            return Stale(self.kind, None, self.problem)
        age = self.age
        return Stale(self.kind, age, self.problem or SILENT) if age > limit else None

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                pause = await self._round()
            except Exception as error:  # whatever it was, the next attempt may succeed
                pause = self._fail(error)
            if pause:
                await asyncio.sleep(pause)

    async def _round(self) -> float:
        """One watch, after a list where one is due; seconds to wait before the next."""
        served = self.picture.snapshot.served(self.kind)
        if served is None:
            return self._wait_for_definition()
        if self._is_list_due():
            asked, kept = now(), self.kept
            known = partial(self.picture.known, self.kind)
            try:
                self._found(await self.connection().list(served, kept, known), asked, kept)
            except Refused as error:
                if error.code != NOT_FOUND:
                    raise
                return self._found_unserved(asked)
        await self._watch(served)
        return 0.0

    def _is_list_due(self) -> bool:
        """Where there is nothing to go on from, now and then, and after errors when that confirms sooner."""
        behind = self._failures > 0 and self.age > BEHIND_SECONDS
        due = not self._version or not self.complete
        return due or behind or now() - self._listed > RELIST_SECONDS

    def _found(self, found: Listed, asked: float, kept: Projection) -> None:
        self.picture.replace(self.kind, found.objects)
        self._version, self._listed, self._unserved, self._held = found.version, asked, False, kept
        self._confirm(asked)
        self._tell(synced=True, problem="")

    async def _watch(self, served: Served) -> None:
        """Until the API server ends it in good order."""
        begun = heard = now()
        async with self.connection().watch(served, self._version, self.kept) as batches:
            self._tell(synced=True, problem="")
            async for events in batches:
                if now() - heard > SILENCE_SECONDS:
                    raise TimeoutError(SUSPENDED)
                heard = now()
                self._take(events)
        self._succeed(begun)

    def _take(self, events: Sequence[Event]) -> None:
        """Put into the picture what came together; of an object the last event holds."""
        last = {_identity(event.object): event for event in events if event.type != BOOKMARK}
        there = [event.object for event in last.values() if event.type in (ADDED, MODIFIED)]
        gone = [event.object for event in last.values() if event.type == DELETED]
        self.picture.change(self.kind, there, gone)
        self._version = events[-1].version
        self._succeed(now())

    def _succeed(self, moment: float) -> None:
        self._failures = 0
        self._confirm(moment)

    def _confirm(self, moment: float) -> None:
        self.confirmed = max(self.confirmed, moment)

    def _wait_for_definition(self) -> float:
        """The kind is a custom one whose definition is not there, as far as definitions are known."""
        if self.definitions is None or not self.definitions.synced:
            return FIRST_PAUSE
        return self._found_unserved(self.definitions.confirmed)

    def _found_unserved(self, moment: float) -> float:
        """A kind that does not exist has no objects: that is known, though it is worth a word."""
        if not self._unserved:
            self.picture.replace(self.kind, [])
        self._version, self._unserved, self._held = "", True, self.kept
        self._confirm(moment)
        self._tell(synced=True, problem=f"the cluster serves no {self.kind.api_version} {self.kind.kind}")
        return UNSERVED_PAUSE

    def _fail(self, error: Exception) -> float:
        """Note an error; seconds to wait before the next attempt."""
        if isinstance(error, Refused) and error.code == GONE:
            self._version = ""
        self._tell(synced=self.synced, problem=_reason(error, self.remedy))
        self.failed(error)
        pause: float = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE) * random.uniform(0.5, 1.0)
        self._failures = min(self._failures + 1, MOST_FAILURES)
        wish = error.retry_after if isinstance(error, Refused) else 0.0
        return max(pause, min(wish, LONGEST_WISH))

    def _tell(self, *, synced: bool, problem: str) -> None:
        with self.picture.changed:
            self.synced, self.problem = synced, problem
            self.picture.changed.notify_all()


def _identity(obj: Object) -> tuple[object, object]:
    metadata = obj["metadata"]
    return metadata.get("namespace"), metadata.get("name")


MOST_FAILURES = 10
"""More need not be counted: the pause is at its longest."""

SILENT = "the API server says nothing of it"
SUSPENDED = "the process was stopped for a while"


def _reason(error: Exception, remedy: str) -> str:
    """Why a kind is not followed, with the remedy where there is one."""
    if isinstance(error, Refused) and error.code == FORBIDDEN:
        return f"{error.message}. {remedy}"
    if isinstance(error, Refused) and error.code == UNAUTHORIZED:
        return f"{error.message}: the API server does not accept the engine's credentials. Renew them"
    return f"{type(error).__name__}: {str(error)[:MOST_SAID] or SILENT}"
