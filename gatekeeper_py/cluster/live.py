"""A cluster as it is now: watched in the background, seen as one immutable picture at a time.

A thread of its own follows each kind. Decisions read `view` and never wait for the network. What has not been
listed yet, or was last known whole too long ago, cannot be looked up: that raises `StaleView`, and the engine
then refuses what a tenant asks (fails closed). All the rest goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson
from lightkube.config.kubeconfig import SingleConfig

from gatekeeper_py.cluster.bounds import UNBOUNDED, Bounds, Exceeded
from gatekeeper_py.cluster.connection import (
    NOT_FOUND,
    Connection,
    Connections,
    Refused,
    Renew,
    configuration,
    failure,
    now,
)
from gatekeeper_py.cluster.follower import ALLOW, Follower, Picture
from gatekeeper_py.cluster.inquiries import UNKNOWN_SECONDS, Find, Inquiries
from gatekeeper_py.cluster.relay import Changes, apply, packed
from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.cluster.staleness import Guarded, Stale
from gatekeeper_py.cluster.view import ClusterError, ClusterView
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.projection import WHOLE, Projection, union
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Served

__all__ = [
    "BASE_KINDS",
    "MAX_AGE",
    "ClusterError",
    "Listing",
    "LiveCluster",
    "configuration",
    "list_cluster",
    "listable",
    "walk_cluster",
    "watchable",
]

RBAC = "rbac.authorization.k8s.io"
BASE_KINDS = (
    CUSTOM_RESOURCE_DEFINITION,
    NAMESPACE,
    GroupVersionKind("node.k8s.io", "v1", "RuntimeClass"),
    GroupVersionKind(RBAC, "v1", "ClusterRole"),
    GroupVersionKind(RBAC, "v1", "ClusterRoleBinding"),
    GroupVersionKind(RBAC, "v1", "Role"),
    GroupVersionKind(RBAC, "v1", "RoleBinding"),
)
"""What every decision may ask about, whatever the policies say."""

MAX_AGE: Final = 30.0
"""Seconds after which a kind that was not confirmed is stale: two watches and a pause may fail before."""
REST_SECONDS: Final = 2.0
"""How long the thread may take to come to rest, and rests: what it does at a time takes far less."""
FIND_PAUSE: Final = 0.02
"""Seconds between two looks whether there is word of a namespace."""
LOOK_SECONDS = 1.0
"""Between two looks at which kinds have become stale or are so no more."""
STOP_SECONDS = 5.0
"""How long the connections may take to close: they do at once unless the network is gone."""
CONFLICT = 409
NAMESPACE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""What a namespace may be called; whatever else is asked about does not exist (validation.IsDNS1123Label)."""

Tell = Callable[[Stale, bool], None]
"""Told in the follower's thread of each kind that becomes stale (True), or is so no more."""


def _to_nobody(_stale: Stale, _is_stale: bool) -> None:
    pass


class LiveCluster:
    """Follows the kinds it is told to. `start` and `stop` it; the rest may be called from any thread."""

    def __init__(
        self,
        config: SingleConfig,
        kinds: Iterable[GroupVersionKind] = (),
        *,
        max_age: float = MAX_AGE,
        tell: Tell = _to_nobody,
        remedy: str = ALLOW,
        bounds: Bounds = UNBOUNDED,
        renew: Renew | None = None,
    ) -> None:
        self._remedy = remedy
        """What to do about a kind that may not be read."""
        self._connections = Connections(config, bounds, renew)
        self._picture = Picture(bounds)
        self._max_age = max_age
        self._tell = tell
        self._followers: dict[GroupVersionKind, Follower] = {}
        self._spared: frozenset[GroupVersionKind] = frozenset()
        """Kinds that nobody waits for: no decision needs them."""
        self._tasks: dict[GroupVersionKind, asyncio.Task[None]] = {}
        self._inquiries = Inquiries(self._picture, self._find)
        self._changes: Changes | None = None
        self._is_told = False
        """Whether another process follows the cluster, and tells this one."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="cluster-watch", daemon=True)
        self.follow(dict.fromkeys((*BASE_KINDS, *kinds), WHOLE))

    # --- what others ask ----------------------------------------------------------------------------

    @property
    def max_age(self) -> float:
        """Seconds after which what was seen is too old to decide by."""
        return self._max_age

    @property
    def synced(self) -> bool:
        """Whether every kind that decisions need has been listed once, with all that is to be kept of it."""
        return all(each.complete for each in self._all if each.kind not in self._spared)

    @property
    def problems(self) -> Mapping[GroupVersionKind, str]:
        """Kinds that are not followed at the moment, and why."""
        return {each.kind: each.problem for each in self._all if each.problem}

    @property
    def ages(self) -> Mapping[GroupVersionKind, float]:
        """Seconds since everything of a kind was last known to be in the view."""
        return {each.kind: each.age for each in self._all}

    @property
    def stale(self) -> Mapping[GroupVersionKind, Stale]:
        """The kinds that decisions cannot look up at the moment."""
        found = (each.stale(self._max_age) for each in self._all)
        return {stale.kind: stale for stale in found if stale is not None}

    @property
    def view(self) -> ClusterView:
        """The cluster as decisions may know it; to look up what is stale raises `StaleView`."""
        earliest = now() - self._max_age
        if all(each.synced and each.confirmed >= earliest for each in self._all):
            return self.seen
        return Guarded(self.seen, self.stale)

    @property
    def seen(self) -> Snapshot:
        """The cluster as last seen, however long ago: for what decides nothing."""
        return self._picture.snapshot

    def wait_for_change(self, seen: Snapshot, seconds: float) -> bool:
        """Whether the cluster is seen otherwise than so within this time."""
        with self._picture.changed:
            return self._picture.changed.wait_for(lambda: self.seen is not seen, seconds)

    def wait_until_synced(self, seconds: float) -> bool:
        """Whether everything has been seen once within this time."""
        with self._picture.changed:
            return self._picture.changed.wait_for(lambda: self.synced, seconds)

    def inquire(self, namespace: str) -> bool:
        """Whether it is known if there is a namespace; one that was not seen is asked for, without waiting.

        The API server may ask about what lies in a namespace before its watch has told of the namespace; it
        looks itself, too, before it believes its own cache (plugin/webhook/predicates/namespace/matcher.go).
        """
        if self.seen.get(NAMESPACE, "", namespace) is not None or not NAMESPACE_NAME.fullmatch(namespace):
            return True
        if self._inquiries.unknown(namespace):
            return True
        if self._is_told:
            self._inquiries.ask(namespace)
            return False
        if self._loop is None or not self.running:
            return True
        with contextlib.suppress(RuntimeError):  # the loop has just ended
            self._loop.call_soon_threadsafe(self._inquiries.ask, namespace)
        return False

    def follow(
        self, kinds: Mapping[GroupVersionKind, Projection], *, awaited: bool = True
    ) -> list[GroupVersionKind]:
        """Follow these kinds too, and keep so much of each; until they are listed nobody can look them up.

        A kind of which less is kept is listed anew; until then it is looked up as it is. The kinds that were
        not followed before. Those that are not `awaited` may never come: no decision needs them.
        """
        if awaited:
            self._spared -= kinds.keys()
        else:
            self._spared |= kinds.keys() - self._followers.keys()
        new = [kind for kind in kinds if kind not in self._followers]
        for kind, kept in kinds.items():
            if kind not in self._followers:
                self._followers = {**self._followers, kind: self._follower(kind, kept)}
                self._soon(self._begin, self._followers[kind])
            elif not self._followers[kind].kept.covers(kept):
                self._followers[kind].kept = union((self._followers[kind].kept, kept))
                self._soon(self._begin_anew, self._followers[kind])
        return new

    def unfollow(self, kinds: Iterable[GroupVersionKind]) -> None:
        """Follow these kinds no more: nobody looks them up after all."""
        gone = frozenset(kinds)
        self._followers = {kind: each for kind, each in self._followers.items() if kind not in gone}
        self._soon(self._end, gone)

    def write_status(self, kind: GroupVersionKind, body: Object, seconds: float) -> None:
        """Merge into the status of an object without a namespace; raise `ClusterError`. It blocks.

        What is gone, or has changed since it was seen, is left alone: the watch tells of it soon.
        """
        served, loop = self.seen.served(kind), self._loop
        if served is None or loop is None:
            raise ClusterError(f"the cluster serves no {kind.kind}")
        merging = self._connections.current.merge_status(served, body["metadata"]["name"], body)
        try:
            asyncio.run_coroutine_threadsafe(merging, loop).result(seconds)
        except Refused as error:
            if error.code not in (NOT_FOUND, CONFLICT):
                raise ClusterError(error.message) from error
        except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
            raise ClusterError(str(error) or type(error).__name__) from error

    def start(self) -> None:
        """Begin to follow, in the background."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it follows."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop following; the last view stays. A connection that will not close is left behind."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and self.running:
            with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
                loop.call_soon_threadsafe(stopping.set)
            self._thread.join(STOP_SECONDS)

    # --- for processes that are forked from this one (Followed) -------------------------------------

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """While it is entered the thread does nothing and holds no lock; at most for as long as it must."""
        there, go_on = threading.Event(), threading.Event()

        def rest() -> None:
            there.set()
            go_on.wait(REST_SECONDS)

        if self._loop is not None and self.running:
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                self._loop.call_soon_threadsafe(rest)
                there.wait(REST_SECONDS)
        try:
            yield
        finally:
            go_on.set()

    def pass_on(self, wake: Callable[[], None]) -> None:
        """Gather what others have to be told; `wake` is called in the thread when there is some."""
        self._changes = Changes(self._picture, wake)

    def news(self, *, standings: bool) -> bytes:
        """What they have to be told, and how each kind stands; empty when that is nothing."""
        assert self._changes is not None
        return packed(self._changes, self._all if standings else ())

    async def find(self, namespace: str) -> Object | None:
        """A namespace, asked for when it is not known yet; None when there is none, or no word of it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNKNOWN_SECONDS):
                while not self.inquire(namespace):
                    await asyncio.sleep(FIND_PAUSE)
        return self.seen.get(NAMESPACE, "", namespace)

    def follow_along(self, find: Find) -> None:
        """In such a process: be told what happens, and ask for namespaces so. It is an event loop's then."""
        self._is_told = True
        self._picture.changed = threading.Condition()
        self._inquiries = Inquiries(self._picture, find)
        self._picture.tell = None

    def hear(self, news: bytes) -> None:
        """In such a process: what it is told."""
        apply(news, self._picture, self._followers)

    async def _find(self, namespace: str) -> Object | None:
        return await self._connections.current.get(_builtin_served(NAMESPACE), "", namespace)

    @property
    def _all(self) -> Iterable[Follower]:
        return self._followers.values()

    def _soon(self, work: Callable[[Any], None], what: object) -> None:
        """Have it done in the thread, once it runs."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(work, what)

    def _follower(self, kind: GroupVersionKind, kept: Projection) -> Follower:
        definitions = self._followers.get(CUSTOM_RESOURCE_DEFINITION)
        connections = self._connections
        return Follower(
            kind,
            self._picture,
            lambda: connections.current,
            definitions,
            connections.failed,
            kept,
            self._remedy,
        )

    # --- the thread ---------------------------------------------------------------------------------

    def _main(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for each in self._all:
            self._begin(each)
        looking = asyncio.create_task(self._look_for_stale())
        await self._stopping.wait()
        tasks = [looking, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._connections.close()

    def _begin(self, each: Follower) -> None:
        if each.kind not in self._tasks and each in self._all:
            self._tasks[each.kind] = asyncio.create_task(each.run())

    def _begin_anew(self, each: Follower) -> None:
        self._end((each.kind,))
        self._begin(each)

    def _end(self, kinds: Iterable[GroupVersionKind]) -> None:
        for kind in kinds:
            if task := self._tasks.pop(kind, None):
                task.cancel()

    async def _look_for_stale(self) -> None:
        """Tell of each change, for ever. What was not read yet is not news: whoever asked for it waits."""
        before: Mapping[GroupVersionKind, Stale] = {}
        while True:
            stale = {kind: each for kind, each in self.stale.items() if each.age is not None}
            for kind in stale.keys() - before.keys():
                self._tell(stale[kind], True)
            for kind in before.keys() - stale.keys():
                self._tell(before[kind], False)
            before = stale
            await asyncio.sleep(LOOK_SECONDS)


# --- what exists, once -------------------------------------------------------------------------------


@dataclass(slots=True)
class Listing:
    """What exists in a cluster, and what could not be listed."""

    objects: list[Object] = field(default_factory=list)
    problems: dict[GroupVersionKind, str] = field(default_factory=dict)


NOT_AUDITED = frozenset({("", "events"), ("events.k8s.io", "events"), ("coordination.k8s.io", "leases")})
"""Chatter: many, short-lived, and never sent to the webhook."""


def list_cluster(config: SingleConfig, kinds: Iterable[GroupVersionKind] | None = None) -> Listing:
    """All objects of these kinds, or (None) of every kind, custom ones included. Asks once and waits.

    A kind that cannot be listed (forbidden, no longer served) is a problem of the result, not an error;
    a cluster that does not answer at all raises `ClusterError`.
    """
    listing = Listing()
    listing.problems = walk_cluster(config, listing.objects.extend, kinds)
    return listing


def walk_cluster(
    config: SingleConfig,
    take: Callable[[Sequence[Object]], object],
    kinds: Iterable[GroupVersionKind] | None = None,
    bounds: Bounds = UNBOUNDED,
) -> dict[GroupVersionKind, str]:
    """As `list_cluster`, but `take` is given the objects, some of one kind at a time.

    The result tells which kinds could not be listed, or not to the end, and why.
    """
    return asyncio.run(_walk_cluster(Connection(config, bounds), take, kinds))


async def _walk_cluster(
    connection: Connection,
    take: Callable[[Sequence[Object]], object],
    kinds: Iterable[GroupVersionKind] | None,
) -> dict[GroupVersionKind, str]:
    problems: dict[GroupVersionKind, str] = {}
    try:
        definitions: list[Object] = []
        await _walk_kind(
            connection, _builtin_served(CUSTOM_RESOURCE_DEFINITION), definitions.extend, problems
        )
        known = Snapshot(definitions)
        wanted = listable(known) if kinds is None else [known.served(kind) for kind in kinds]
        for served in wanted:
            if served is not None and served.kind != CUSTOM_RESOURCE_DEFINITION:
                await _walk_kind(connection, served, take, problems)
            elif served is not None:
                take(definitions)
    finally:
        await connection.close()
    return problems


def _builtin_served(kind: GroupVersionKind) -> Served:
    served = Snapshot().served(kind)
    assert served is not None
    return served


async def _walk_kind(
    connection: Connection,
    served: Served,
    take: Callable[[Sequence[Object]], object],
    problems: dict[GroupVersionKind, str],
) -> None:
    try:
        async for page in connection.pages(served):
            take(page.objects)
    except Refused as error:
        problems[served.kind] = error.message
    except Exceeded as error:
        problems[served.kind] = str(error)
    except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
        raise ClusterError(failure(error)) from error


def listable(known: Snapshot) -> Iterator[Served]:
    """One version of every resource that can be listed."""
    seen = set(NOT_AUDITED)
    for resource in known.kinds:
        served = resource.served
        name = (served.resource.group, served.resource.resource)
        if name not in seen and _can_be(served, "list"):
            seen.add(name)
            yield served


def watchable(known: Snapshot) -> Iterator[Served]:
    """Those of them that can be followed: all but ComponentStatus, which nobody writes."""
    return (served for served in listable(known) if _can_be(served, "watch"))


def _can_be(served: Served, verb: str) -> bool:
    return verb in _verbs().get(served.kind, (verb,))


@cache
def _verbs() -> Mapping[GroupVersionKind, tuple[str, ...]]:
    data = orjson.loads(files("gatekeeper_py.objects").joinpath("data/kinds.json").read_bytes())
    return {
        GroupVersionKind(row["group"], row["version"], row["kind"]): tuple(row["verbs"])
        for row in data["kinds"]
    }
