"""An audit that goes on: an object is judged when it appears or changes, and everything again now and then.

    what happens                                     what is judged again
    an object comes, or changes                      the object, at once
    it goes                                          nothing: what was found of it is forgotten
    something in a namespace comes, changes, goes    the namespace and all in it, some seconds later
    a Namespace changes                              all in it
    something cluster-wide changes, and is looked up everything, once a minute at most
    policies, tenants or waivers change              everything
    `every` so many seconds                          everything
    a kind is known again                            what hung on it

Nothing here waits or asks the network. `Background.step` judges a few objects, so that what changes meanwhile
goes before the rest; the work of one step is bounded, and what waits is a name an object.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from gatekeeper_py.audit.aggregation import API_SERVICE, unknown_groups
from gatekeeper_py.audit.backlog import Backlog, Key
from gatekeeper_py.audit.frames import FRAME_KINDS, Frames
from gatekeeper_py.audit.judgement import Further
from gatekeeper_py.audit.ledger import Entry, Ledger
from gatekeeper_py.audit.outcome import Outcome, Past
from gatekeeper_py.audit.plane_pods import PlanePods
from gatekeeper_py.audit.privileges import RBAC_KINDS, Privileges
from gatekeeper_py.audit.reports.policyreport import REPORT_GROUPS
from gatekeeper_py.audit.runtimeclasses import isolation_of
from gatekeeper_py.audit.scan import Audited, Auditor
from gatekeeper_py.cluster.connection import now
from gatekeeper_py.cluster.live import BASE_KINDS, watchable
from gatekeeper_py.cluster.snapshot import NAMESPACE, Difference, Snapshot
from gatekeeper_py.cluster.staleness import Guarded, Stale, StaleView
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Source
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.projection import WHOLE, Projection
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.submission import Submission
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.reads import read_by
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS
from gatekeeper_py.tenancy.tenant import Tenancy

__all__ = ["Background", "Cluster", "Rules", "Step", "internal_error"]

BATCH: Final = 100
"""Objects of one step: well under a second of work, after which what has changed meanwhile goes first."""

NEIGHBOURS_SECONDS: Final = 5.0
"""After a change in a namespace until all in it is judged again, for much may change in a row."""

A_SECOND: Final = 50
"""Neighbours that are judged a second: in a large namespace there is always something that changes, and to
judge all in it each time would leave no time for others."""

LEAST_PASS_SECONDS: Final = 60.0
"""Between two passes that changes ask for."""

OVERDUE: Final = 3
"""Times the seconds between two passes after which the last one is too long ago: one waits for its turn, one
is under way, and a third is lost."""

MOST_PAST: Final = 288
"""Passes that are remembered: two days, at one in ten minutes."""

UNSAID: Final = ("generation", "managedFields", "resourceVersion")
"""Metadata that change whenever something does, and say nothing."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is judged by."""

    revision: int
    """Another for other policies, tenants or waivers."""
    policies: PolicySet
    tenancy: Tenancy


class Cluster(Protocol):
    """A cluster that is watched."""

    @property
    def seen(self) -> Snapshot:
        """As last seen."""

    @property
    def stale(self) -> Mapping[GroupVersionKind, Stale]:
        """The kinds that are not known as they are now."""

    def follow(self, kinds: Mapping[GroupVersionKind, Projection], *, awaited: bool) -> Sequence[Any]:
        """Watch these kinds, too."""

    def unfollow(self, kinds: Iterable[GroupVersionKind]) -> None:
        """Watch these kinds no more."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step has found out."""

    judged: tuple[Audited, ...] = ()
    gone: tuple[Audited, ...] = ()
    """What was found of objects that are there no more."""
    looked_at: int = 0
    finished_pass: bool = False
    """Whether it was the last one of a pass."""


@dataclass(slots=True)
class Background:
    """Belongs to one thread, but for `outcome` and what it is made of."""

    cluster: Cluster
    rules: Callable[[], Rules | None]
    every: float
    """Seconds between two passes over everything."""
    clock: Callable[[], float] = now
    troubles: Callable[[], Iterable[Problem]] = tuple
    """What else stands in its way: policies that could not be read, a thread that fails."""
    ledger: Ledger = field(default_factory=Ledger)
    kinds: frozenset[GroupVersionKind] = frozenset()
    """Which are judged."""
    last_pass: datetime | None = None
    """When the last pass that is over began: all that is known is as new, or newer."""
    errors: int = 0
    """Objects that could not be judged for an error of ours."""
    earlier: tuple[Past, ...] = ()
    """How it was after each of the last passes."""
    _backlog: Backlog = field(default_factory=Backlog)
    _seen: Snapshot = field(default_factory=lambda: Snapshot(complete=True))
    _stale: frozenset[GroupVersionKind] = frozenset()
    _revision: int = -1
    _looked_up: frozenset[GroupVersionKind] = frozenset()
    """Kinds on which the judgement of others hangs."""
    _pass_began: float = 0.0
    _known_since: float = 0.0
    """When the last pass that is over began, by the clock."""
    _passing: datetime | None = None
    _wanted: bool = False
    _restless: dict[str, float] = field(default_factory=dict)
    """Namespaces in which something has changed, and when all in them is judged again."""
    _since: dict[GroupVersionKind, datetime] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many objects wait to be judged."""
        return len(self._backlog)

    def step(self) -> Step:
        """Judge the objects that have come or changed, or a few whose turn it is."""
        rules = self.rules()
        if rules is None:
            return Step()
        seen = self.cluster.seen
        self._follow(seen)
        self._notice(rules, seen)
        keys = self._backlog.take(BATCH)
        judged, gone = self._judged(keys, rules, seen)
        return Step(judged, gone, len(keys), self._end_of_pass())

    # --- what is to be judged

    def _follow(self, seen: Snapshot) -> None:
        """Watch whatever can be, custom kinds as they come and go. Reports are not judged: they are ours."""
        if seen.kinds is self._seen.kinds and self.kinds:
            return
        wanted = frozenset(
            served.kind for served in watchable(seen) if served.kind.group not in REPORT_GROUPS
        )
        self.cluster.follow(dict.fromkeys(wanted - self.kinds, WHOLE), awaited=False)
        self.cluster.unfollow(self.kinds - wanted)
        self.kinds = wanted

    def _notice(self, rules: Rules, seen: Snapshot) -> None:
        for each in seen.differences(self._seen):
            if each.kind in self.kinds:
                self._changed(each, seen)
        for key in self.ledger.keys() if seen.kinds is not self._seen.kinds else ():
            if key.kind not in self.kinds:
                self._backlog.add_changed(key)
        self._seen = seen
        self._notice_staleness()
        self._notice_neighbours(seen)
        if rules.revision != self._revision:
            self._revision = rules.revision
            self._looked_up = frozenset((*BASE_KINDS, *read_by(rules.policies)))
            self._begin_pass(seen)
        elif self._is_pass_due():
            self._begin_pass(seen)

    def _changed(self, each: Difference, seen: Snapshot) -> None:
        self._backlog.add_changed(Key(each.kind, each.namespace, each.name))
        if not _says_something_else(each):
            return
        if each.kind == NAMESPACE:
            self._backlog.add(self._within(each.name, seen))
        elif each.namespace:
            self._disturb(each.namespace, seen)
        elif each.kind in self._looked_up:
            self._wanted = True

    def _disturb(self, namespace: str, seen: Snapshot) -> None:
        if namespace not in self._restless:
            neighbours = sum(1 for _ in self._within(namespace, seen))
            self._restless[namespace] = self.clock() + NEIGHBOURS_SECONDS + neighbours / A_SECOND

    def _within(self, namespace: str, seen: Snapshot) -> Iterator[Key]:
        yield Key(NAMESPACE, "", namespace)
        for kind, name in seen.within(namespace):
            if kind in self.kinds:
                yield Key(kind, namespace, name)

    def _notice_staleness(self) -> None:
        """What hung on a kind that was not known may be judged again as soon as others are known."""
        stale = frozenset(self.cluster.stale)
        if self._stale - stale:
            self._backlog.add(self.ledger.lacking())
        self._stale = stale

    def _notice_neighbours(self, seen: Snapshot) -> None:
        due = [name for name, at in self._restless.items() if self.clock() >= at]
        for namespace in due:
            del self._restless[namespace]
            self._backlog.add(self._within(namespace, seen))

    def _is_pass_due(self) -> bool:
        since = self.clock() - self._pass_began
        return self._passing is None and since >= (LEAST_PASS_SECONDS if self._wanted else self.every)

    def _begin_pass(self, seen: Snapshot) -> None:
        self._pass_began, self._passing, self._wanted = self.clock(), datetime.now(UTC), False
        self._backlog.add(self.ledger.keys())
        for kind in self.kinds:
            self._backlog.add(Key(kind, namespace, name) for namespace, name, _ in seen.objects(kind))

    def _end_of_pass(self) -> bool:
        if self._passing is None or self._backlog:
            return False
        self.last_pass, self._passing = self._passing, None
        self._known_since = self._pass_began
        self.earlier = (*self.earlier, self.outcome().now)[-MOST_PAST:]
        return True

    # --- judging

    def _judged(
        self, keys: Sequence[Key], rules: Rules, seen: Snapshot
    ) -> tuple[tuple[Audited, ...], tuple[Audited, ...]]:
        judges = _Judges(rules, seen, self.cluster.stale) if keys else None
        judged, gone = [], []
        for key in keys:
            value = seen.named(*key) if key.kind in self.kinds else None
            if value is None:
                gone.append(self.ledger.drop(key))
            elif judges is not None:
                entry = judges.entry(key, value, self.ledger.last(key))
                self.ledger.record(key, entry)
                judged.append(entry.item)
        self.errors += 0 if judges is None else judges.errors
        return tuple(filter(None, judged)), tuple(filter(None, gone))

    # --- what is known

    def outcome(self) -> Outcome:
        """Everything that is known now, and what is not. From any thread."""
        rules = self.rules()
        return Outcome(
            self.ledger.audited(),
            tuple(self.not_audited()),
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            isolation={} if rules is None else isolation_of(rules.tenancy, self.cluster.seen),
            earlier=self.earlier,
        )

    def unknown(self) -> Mapping[GroupVersionKind, Stale]:
        """The kinds that are to be judged and are not known as they are now."""
        return {kind: stale for kind, stale in self.cluster.stale.items() if kind in self.kinds}

    def not_audited(self) -> Iterator[Problem]:
        """What is to be looked at and could not be, with the reason."""
        yield from self.hindrances()
        for kind, stale in sorted(self.unknown().items()):
            yield Problem(f"{kind.api_version} {kind.kind}", 0, 0, self._why(stale))
        yield from self.ledger.problems()

    def hindrances(self) -> Iterator[Problem]:
        """What keeps all of it, or kinds that nobody can name, from being known as it is."""
        rules = self.rules()
        if rules is None:
            yield Problem("policies", 0, 0, NO_POLICIES)
        elif not rules.policies.validating and not rules.policies.mutating:
            yield Problem("policies", 0, 0, EMPTY)
        yield from self.troubles()
        yield from unknown_groups(each for _, _, each in self.cluster.seen.objects(API_SERVICE))
        if self.last_pass is None:
            yield Problem("audit", 0, 0, FIRST_PASS)
        elif self.clock() - self._known_since > OVERDUE * max(self.every, LEAST_PASS_SECONDS):
            at = self.last_pass.strftime(TIME)
            yield Problem("audit", 0, 0, LATE.format(at, self.waiting))

    def _why(self, stale: Stale) -> str:
        if stale.age is None:
            return stale.reason
        at = self._known_at(stale.kind, stale.age)
        return LAST_KNOWN.format(at.strftime(TIME), stale.reason)

    def _known_at(self, kind: GroupVersionKind, age: float) -> datetime:
        """When a kind was last known, to the letter as told before: a report is written when it changes."""
        at = datetime.now(UTC) - timedelta(seconds=age)
        before = self._since.get(kind)
        if before is None or abs(at - before) > timedelta(seconds=2):
            before = self._since[kind] = at
        return before


TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

NO_POLICIES: Final = "none are in force, so nothing is judged"
EMPTY: Final = "none are in force, so only roles, control planes' pods and frames of namespaces are judged"
FIRST_PASS: Final = "not everything has been looked at yet"
LATE: Final = "not everything has been looked at since {}, and {} objects wait"
LAST_KNOWN: Final = "was last known at {}, and what was found then is told: {}"


def _says_something_else(each: Difference) -> bool:
    """Whether others may be judged otherwise for it: for more than its state."""
    return _said(each.before) != _said(each.after)


def _said(value: Object | None) -> Object | None:
    if value is None:
        return None
    metadata = {name: part for name, part in value["metadata"].items() if name not in UNSAID}
    return {**value, "metadata": metadata, "status": None}


class _Judges:
    """Judges objects by some rules in one picture of a cluster."""

    def __init__(self, rules: Rules, seen: Snapshot, stale: Mapping[GroupVersionKind, Stale]) -> None:
        self._lacked: list[GroupVersionKind] = []
        """Kinds that were looked up for an object though they are not known."""
        view = Guarded(seen, stale, lambda each: self._lacked.append(each.kind)) if stale else seen
        engine = Engine(rules.policies, view, TENANCY_KINDS)
        submission = Submission("CREATE", defaults=False, asked_at=datetime.now(UTC))
        self._seen = seen
        self.errors = 0
        """Of ours."""
        self._auditor = Auditor(engine, rules.tenancy, submission)
        self._further = _further(rules.tenancy, view, frozenset(stale))

    def entry(self, key: Key, value: Object, before: Audited | None) -> Entry:
        """What is known of an object, of which this was found before."""
        if key.namespace and self._seen.named(NAMESPACE, "", key.namespace) is None:
            return Entry(before, (), NAMESPACE)  # the watches of two kinds do not go at the same pace
        self._lacked.clear()
        try:
            item, problems = self._said(Manifest(value, Source("cluster", 0, 0)))
        except ManifestError as error:
            return Entry(None, error.problems)
        except StaleView as error:
            return Entry(before, (), error.stale.kind)
        except Exception as error:  # one object that we fail at must not keep others from being judged
            self.errors += 1
            return Entry(before, (_failure(key, error),))
        if self._lacked:  # whoever caught that has refused the object for it, or gone on by what was known
            return Entry(before, (), self._lacked[0])
        return Entry(item, problems)

    def _said(self, manifest: Manifest) -> tuple[Audited | None, tuple[Problem, ...]]:
        said: Iterable[Audited | Problem] = (self._auditor.judge(manifest),)
        for judge in self._further:
            said = judge(said)
        found = list(said)
        items = [replace(each, manifest=None) for each in found if isinstance(each, Audited)]
        return items[0], tuple(each for each in found if isinstance(each, Problem))


def _failure(key: Key, error: Exception) -> Problem:
    subject = f"{key.kind.kind} {key.namespace}{'/' if key.namespace else ''}{key.name}"
    return Problem(printable(subject), 0, 0, internal_error(error), FILE)


FILE: Final = "Please file an issue"


def internal_error(error: Exception) -> str:
    """Which error of ours it was, and where; what it says may quote an object."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"internal error: {type(error).__name__} at {frame.filename}:{frame.lineno}"


def _further(tenancy: Tenancy, view: ClusterView, stale: frozenset[GroupVersionKind]) -> tuple[Further, ...]:
    return (
        Privileges(tenancy, view, frozenset(RBAC_KINDS) & stale).judge,
        PlanePods(tenancy, view).judge,
        Frames(tenancy, view, frozenset(FRAME_KINDS) & stale).judge,
    )
