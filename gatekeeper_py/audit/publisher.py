"""Reports kept in a cluster: one an object, written when it changes, removed when it is true no more.

A report is owned by the object that it speaks of: the garbage collector takes it with the object. What else
is ours and was not written this time is deleted, unless something could not be looked at: then nobody knows,
and the old report stays.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import orjson
from lightkube.config.kubeconfig import SingleConfig

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.policyreport import MANAGED, Dialect, listed
from gatekeeper_py.cluster.connection import NOT_FOUND, Connection, Refused
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served

__all__ = ["Place", "Published", "Publisher", "publish"]

AT_ONCE = 8
"""Requests under way: the API server's priority and fairness gives one account few seats."""

MANAGER = "gatekeeper-audit"
"""Whose the fields are that are applied."""

COMPARED = ("scope", "summary", "results")
"""What a report says, besides whose it is."""


NO_ANSWER = "the cluster does not answer"

Request: TypeAlias = Coroutine[Any, Any, None]


class Place(NamedTuple):
    """Where a report is."""

    served: Served
    namespace: str
    name: str


class Kept(NamedTuple):
    """What a report says."""

    digest: bytes
    """Of that, and of whose it is."""
    about: GroupVersionKind | None

    @classmethod
    def of(cls, report: Object) -> Kept:
        """Of a report that is there, or is to be."""
        owners = [each.get("uid") for each in report["metadata"].get("ownerReferences") or ()]
        said = orjson.dumps([owners, *(report.get(name) for name in COMPARED)], option=orjson.OPT_SORT_KEYS)
        scope = report.get("scope")
        about = (
            None
            if not scope
            else GroupVersionKind.parse(str(scope.get("apiVersion")), str(scope.get("kind")))
        )
        return cls(hashlib.sha256(said).digest(), about)


def _about(scope: Mapping[str, Any]) -> GroupVersionKind | None:
    return GroupVersionKind.parse(scope["apiVersion"], scope["kind"]) if "kind" in scope else None


@dataclass(slots=True)
class Published:
    """What became of the reports."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Why reports could not be written or removed, and how many."""

    def problems(self) -> Iterator[Problem]:
        """What was refused, as what was not audited."""
        for why, count in self.refused.items():
            yield Problem("reports", 0, 0, f"{count} could not be kept: {why}")


def publish(config: SingleConfig, outcome: Outcome, dialect: Dialect, *, whole: bool) -> Published:
    """Keep the reports of an outcome; of what is not `whole` nothing is removed. Raise `ClusterError`."""
    return asyncio.run(_publish(Connection(config), outcome, dialect, whole=whole))


async def _publish(connection: Connection, outcome: Outcome, dialect: Dialect, *, whole: bool) -> Published:
    publisher = Publisher(lambda: connection, dialect)
    try:
        await publisher.look()
        others = publisher.places() - await publisher.keep(listed(outcome, dialect))
        if whole and not publisher.published.refused:
            await publisher.remove(others)
    finally:
        await connection.close()
    return publisher.published


class Publisher:
    """Keeps reports, and knows which are there."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        dialect: Dialect,
        failed: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._failed = failed
        """Told of every error, for a connection that has to be made anew."""
        self._there: dict[Place, Kept] = {}
        self.dialect = dialect
        self.published = Published()

    async def look(self) -> None:
        """See what is there; raise `ClusterError`."""
        try:
            self._there = await _there(self._connection(), self.dialect)
        except ClusterError as error:
            self._failed(error)
            raise

    def places(self) -> set[Place]:
        """Where reports of ours are."""
        return set(self._there)

    def about(self, place: Place) -> GroupVersionKind | None:
        """The kind of what a report that is there is about; None where it is about no object."""
        return self._there[place].about

    def place(self, report: Mapping[str, Any]) -> Place:
        """Where a report belongs."""
        namespaced, cluster_wide = _kinds(self.dialect)
        return _place(namespaced if report["kind"] == self.dialect.namespaced else cluster_wide, report)

    def holds(self, report: Object) -> bool:
        """Whether a report is there, and says the same."""
        return self._there.get(self.place(report)) == Kept.of(report)

    async def keep(self, reports: Iterable[Object]) -> set[Place]:
        """Write those that say something else than what is there; the places of all of them."""
        kept: set[Place] = set()

        def tasks() -> Iterator[Request]:
            for each in reports:
                place = self.place(each)
                kept.add(place)
                if self.holds(each):
                    self.published.unchanged += 1
                else:
                    yield self._write(place, each)

        await _each(tasks())
        return kept

    async def _write(self, place: Place, report: Object) -> None:
        applied = self._connection().apply(place.served, place.namespace, place.name, report, MANAGER)
        if await self._asked(applied):
            self.published.written += 1
            self._there[place] = Kept.of(report)

    async def remove(self, places: Iterable[Place]) -> None:
        """Remove those of these reports that are there."""
        await _each(self._remove(place) for place in places if place in self._there)

    async def _remove(self, place: Place) -> None:
        if await self._asked(self._connection().delete(*place), gone=lambda: self._forget(place)):
            self.published.removed += 1
            self._forget(place)

    async def _asked(self, request: Request, gone: Callable[[], None] = lambda: None) -> bool:
        """Whether a request was granted. What is `gone` meanwhile, with its namespace, needs no report."""
        try:
            await request
        except Refused as error:
            self._failed(error)
            if error.code == NOT_FOUND or "being terminated" in error.message:
                gone()
            else:
                self.published.refused[error.message] += 1
            return False
        except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
            self._failed(error)
            self.published.refused[f"{NO_ANSWER}: {type(error).__name__}"] += 1
            return False
        return True

    def _forget(self, place: Place) -> None:
        self._there.pop(place, None)


def _kinds(dialect: Dialect) -> tuple[Served, Served]:
    """The namespaced kind and the cluster-wide one."""
    return _served(dialect, dialect.namespaced, namespaced=True), _served(
        dialect, dialect.cluster_wide, namespaced=False
    )


def _served(dialect: Dialect, kind: str, *, namespaced: bool) -> Served:
    named = GroupVersionKind.parse(dialect.api_version, kind)
    resource = GroupVersionResource(named.group, named.version, f"{kind.lower()}s")
    return Served(named, resource, namespaced)


async def _there(connection: Connection, dialect: Dialect) -> dict[Place, Kept]:
    """A digest of every report of ours that is there."""
    found: dict[Place, Kept] = {}
    for served in _kinds(dialect):
        try:
            async with aclosing(_pages(connection, served)) as reports:
                async for each in reports:
                    found[_place(served, each)] = Kept.of(each)
        except Refused as error:
            said = NOT_SERVED.format(served.kind.kind, dialect.api_version)
            raise ClusterError(said if error.code == NOT_FOUND else error.message) from error
        except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
            raise ClusterError(f"{NO_ANSWER}: {error or type(error).__name__}") from error
    return found


NOT_SERVED = "the cluster serves no {} ({}). Install its CustomResourceDefinitions"


async def _pages(connection: Connection, served: Served) -> AsyncGenerator[Object, None]:
    selector = ",".join(f"{key}={value}" for key, value in MANAGED.items())
    async for page in connection.pages(served, selector):
        for each in page.objects:
            yield each


def _place(served: Served, report: Mapping[str, object]) -> Place:
    metadata = report["metadata"]
    assert isinstance(metadata, dict)
    return Place(served, metadata.get("namespace") or "", metadata["name"])


async def _each(tasks: Iterable[Request]) -> None:
    """Run all, a few at once; what one raises is raised."""
    running: set[asyncio.Task[None]] = set()
    for task in tasks:
        if len(running) >= AT_ONCE:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        running.add(asyncio.create_task(task))
    await asyncio.gather(*running)
