"""What `kubectl get tenants` shows: how each tenancy document of the cluster stands, and what it owns.

Several replicas write the same, so each writes only what differs, and gives way to another that has written
a moment ago. The status says nothing about who may do what: no decision reads it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final, Protocol

from gatekeeper_py.cluster.staleness import StaleView
from gatekeeper_py.cluster.view import ClusterError, ClusterView
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.tenancy.context import NAMESPACE
from gatekeeper_py.tenancy.reading import identity_of, is_tenant, place_of
from gatekeeper_py.tenancy.refusals import living
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Standing, Tenancy
from gatekeeper_py.webhook.log import Log, Seldom
from gatekeeper_py.webhook.revision import InForce, Policies

__all__ = ["StatusWriter", "statuses"]

PERIOD: Final = 1.0
"""Seconds between two looks at what has changed."""

RESPECT: Final = 30.0
"""Seconds for which another replica's word stands against ours: two that do not agree must not fight."""

WRITE_SECONDS: Final = 10.0
"""How long the API server may take to store one status."""

LISTED: Final = 256
"""Namespaces that a status lists; a status is read by people, and an object has a size."""

IN_FORCE = "in force"
ENDED: Final = "has ended on {}; give it another day, or remove it"

Status = dict[str, object]


class Cluster(Protocol):
    """Of a live cluster, what a status is made of and where it goes."""

    @property
    def view(self) -> ClusterView:
        """The cluster as it may be known; to look up what is stale raises `StaleView`."""

    def write_status(self, kind: GroupVersionKind, body: Object, seconds: float) -> None:
        """Merge into the status of an object; raises `ClusterError`."""


def statuses(tenancy: Tenancy, cluster: ClusterView, now: datetime) -> Iterator[tuple[Manifest, Status]]:
    """The documents of a cluster whose status is not what it should be, each with the one it should have."""
    owned = _owned(tenancy, cluster)
    ended = {waiver.source: waiver for waiver in tenancy.waivers if waiver.has_ended(now)}
    told = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for document in living(cluster):
        standing = tenancy.standings.get(identity_of(document))
        if standing is None:
            continue
        if standing.ready and (waiver := ended.get(place_of(document))) is not None:
            standing = replace(standing, reason="Expired", faults=(ENDED.format(waiver.expires),))
        before = document.object.get("status")
        before = before if isinstance(before, dict) else {}
        names = owned.get(document.name, []) if is_tenant(document) and not standing.rejected else []
        status = _status(standing, names if is_tenant(document) else None, before, told)
        if status != before:
            yield document, status


def _owned(tenancy: Tenancy, cluster: ClusterView) -> Mapping[str, list[str]]:
    """The namespaces that exist, by the tenants that own them."""
    owned: dict[str, list[str]] = {}
    for namespace in cluster.list(NAMESPACE):
        name, labels = namespace["metadata"]["name"], labels_of(namespace)
        try:
            tenant = tenancy.claimant(name, lambda _name, labels=labels: labels)  # type: ignore[misc]
        except ContestedNamespace:
            continue
        if tenant is not None:
            owned.setdefault(tenant.name, []).append(name)
    return owned


def _status(standing: Standing, names: list[str] | None, before: Mapping[str, object], now: str) -> Status:
    ready = "True" if standing.ready else "False"
    known = _ready_condition(before)
    condition = {
        "type": "Ready",
        "status": ready,
        "reason": standing.reason,
        "message": "; ".join(standing.faults) or IN_FORCE,
        "observedGeneration": standing.generation,
        "lastTransitionTime": known.get("lastTransitionTime", now) if known.get("status") == ready else now,
    }
    told: Status = {} if names is None else {"namespaces": names[:LISTED], "namespaceCount": len(names)}
    return {"conditions": [condition], **told}


def _ready_condition(status: Mapping[str, object]) -> Mapping[str, object]:
    conditions = status.get("conditions")
    found: Iterable[object] = conditions if isinstance(conditions, list) else ()
    return next((each for each in found if isinstance(each, dict) and each.get("type") == "Ready"), {})


@dataclass(slots=True)
class StatusWriter:
    """Keeps the status of tenancy documents true, in a thread of its own."""

    cluster: Cluster
    policies: Policies
    log: Log
    _written: dict[object, tuple[Status, float]] = field(default_factory=dict, init=False)
    """What was written last of each object, and when (monotonic)."""
    _seen: tuple[InForce | None, ClusterView | None, date | None] = field(
        default=(None, None, None), init=False
    )
    """What was there when nothing was left to write, and on which day."""
    _failures: Seldom = field(init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._failures = Seldom(self.log, "status not written")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write until the block ends."""
        thread = threading.Thread(target=self._run, name="tenant-status", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join(PERIOD)

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD):
            try:
                self.write()
            except Exception as error:  # an error of ours costs this look only
                self._failures.warn(f"{type(error).__name__}: {error}")

    def write(self) -> None:
        """Write what differs, if anything has changed since the last look or is still to be written."""
        in_force, view = self.policies.in_force, self.cluster.view
        now = datetime.now(UTC)
        if in_force is None or self._is_seen(in_force, view, now.date()):
            return
        try:
            found = list(statuses(in_force.loaded.tenancy, view, now))
            self._forget(view)
        except StaleView:
            return
        written = [self._write(*each) for each in found]
        self._seen = (in_force, view, now.date()) if all(written) else (None, None, None)

    def _is_seen(self, in_force: InForce, view: ClusterView, day: date) -> bool:
        """Whether nothing has changed since nothing was left to write; waivers end with a day."""
        before, earlier, last_day = self._seen
        return before is in_force and earlier is view and last_day == day

    def _forget(self, view: ClusterView) -> None:
        """What was written of objects that are gone."""
        there = {_key(document) for document in living(view)}
        self._written = {key: value for key, value in self._written.items() if key in there}

    def _write(self, document: Manifest, status: Status) -> bool:
        """Whether there is nothing left to do."""
        metadata = document.object["metadata"]
        key, moment = _key(document), time.monotonic()
        last, when = self._written.get(key, ({}, 0.0))
        if _apart_from_time(last) == _apart_from_time(status) and moment - when < RESPECT:
            return False
        self._written[key] = (status, moment)
        version = {name: metadata[name] for name in ("name", "resourceVersion") if name in metadata}
        try:
            self.cluster.write_status(document.kind, {"metadata": version, "status": status}, WRITE_SECONDS)
        except ClusterError as error:
            self._failures.warn(str(error))
            return False
        return True


def _key(document: Manifest) -> object:
    return document.object["metadata"].get("uid")


def _apart_from_time(status: Status) -> Status:
    conditions = status.get("conditions")
    found = conditions if isinstance(conditions, list) else []
    plain = [{key: value for key, value in each.items() if key != "lastTransitionTime"} for each in found]
    return {**status, "conditions": plain}
