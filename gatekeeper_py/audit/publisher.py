"""Reports kept in a cluster: one an object, written when it changes, removed when it is true no more.

A report is owned by the object that it speaks of: the garbage collector takes it with the object. What else
is ours and was not written this time is deleted, unless something could not be looked at: then nobody knows,
and the old report stays.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Mapping
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

__all__ = ["Published", "publish"]

AT_ONCE = 8
"""Requests under way: the API server's priority and fairness gives one account few seats."""

MANAGER = "gatekeeper-audit"
"""Whose the fields are that are applied."""

COMPARED = ("scope", "summary", "results")
"""What a report says, besides whose it is."""


Request: TypeAlias = Coroutine[Any, Any, None]


class _Place(NamedTuple):
    served: Served
    namespace: str
    name: str


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
    published = Published()
    try:
        there = await _there(connection, dialect)
        await _each(_keep(connection, each, dialect, there, published) for each in listed(outcome, dialect))
        if whole and not published.refused:
            await _each(_remove(connection, place, published) for place in there)
    finally:
        await connection.close()
    return published


def _kinds(dialect: Dialect) -> tuple[Served, Served]:
    """The namespaced kind and the cluster-wide one."""
    return _served(dialect, dialect.namespaced, namespaced=True), _served(
        dialect, dialect.cluster_wide, namespaced=False
    )


def _served(dialect: Dialect, kind: str, *, namespaced: bool) -> Served:
    named = GroupVersionKind.parse(dialect.api_version, kind)
    resource = GroupVersionResource(named.group, named.version, f"{kind.lower()}s")
    return Served(named, resource, namespaced)


async def _there(connection: Connection, dialect: Dialect) -> dict[_Place, str]:
    """A digest of every report of ours that is there."""
    found: dict[_Place, str] = {}
    for served in _kinds(dialect):
        try:
            async with aclosing(_pages(connection, served)) as reports:
                async for each in reports:
                    found[_place(served, each)] = _digest(each)
        except Refused as error:
            said = NOT_SERVED.format(served.kind.kind, dialect.api_version)
            raise ClusterError(said if error.code == NOT_FOUND else error.message) from error
        except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
            raise ClusterError(f"the cluster does not answer: {error or type(error).__name__}") from error
    return found


NOT_SERVED = "the cluster serves no {} ({}). Install its CustomResourceDefinitions"


async def _pages(connection: Connection, served: Served) -> AsyncGenerator[Object, None]:
    selector = ",".join(f"{key}={value}" for key, value in MANAGED.items())
    async for page in connection.pages(served, selector):
        for each in page.objects:
            yield each


def _place(served: Served, report: Mapping[str, object]) -> _Place:
    metadata = report["metadata"]
    assert isinstance(metadata, dict)
    return _Place(served, metadata.get("namespace") or "", metadata["name"])


def _digest(report: Object) -> str:
    """Of what a report says, and whose it is."""
    owners = [each.get("uid") for each in report["metadata"].get("ownerReferences") or ()]
    said = {name: report.get(name) for name in COMPARED}
    return hashlib.sha256(orjson.dumps([owners, said], option=orjson.OPT_SORT_KEYS)).hexdigest()


async def _keep(
    connection: Connection,
    report: Object,
    dialect: Dialect,
    there: dict[_Place, str],
    published: Published,
) -> None:
    """Write a report unless it is there already, and mark it as still true."""
    namespaced, cluster_wide = _kinds(dialect)
    place = _place(namespaced if report["kind"] == dialect.namespaced else cluster_wide, report)
    if there.pop(place, None) == _digest(report):
        published.unchanged += 1
        return
    if await _asked(published, connection.apply(place.served, place.namespace, place.name, report, MANAGER)):
        published.written += 1


async def _remove(connection: Connection, place: _Place, published: Published) -> None:
    if await _asked(published, connection.delete(*place)):
        published.removed += 1


async def _asked(published: Published, request: Request) -> bool:
    """Whether a request was granted. What is gone meanwhile, with its namespace, needs no report."""
    try:
        await request
    except Refused as error:
        if error.code != NOT_FOUND and "being terminated" not in error.message:
            published.refused[error.message] += 1
        return False
    except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
        published.refused[f"the cluster does not answer: {type(error).__name__}"] += 1
        return False
    return True


async def _each(tasks: Iterable[Request]) -> None:
    """Run all, a few at once; what one raises is raised."""
    running: set[asyncio.Task[None]] = set()
    for task in tasks:
        if len(running) >= AT_ONCE:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        running.add(asyncio.create_task(task))
    await asyncio.gather(*running)
