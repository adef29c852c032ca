"""What a background audit counts, for Prometheus; see docs/metrics.md.

Labels are words of ours, names of kinds, and names of tenants and policies that documents of the platform
give: never text that a tenant chooses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gatekeeper_py.audit.background import Background
from gatekeeper_py.audit.result import results
from gatekeeper_py.audit.runtimeclasses import isolation_of
from gatekeeper_py.audit.scan import CLUSTER_WIDE, UNOWNED, Audited
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.tenancy.isolation import Level
from gatekeeper_py.tenancy.tenant import Tenancy

__all__ = ["MAX_NAMES", "OTHER", "Tally", "Told"]

MAX_NAMES: Final = 500
"""Values of one label; each is a series that is kept, by us and by whoever scrapes."""

OTHER: Final = "other"
"""The value that stands for what no document declares, and for names beyond so many."""

PREFIX: Final = "gatekeeper_audit"


@dataclass(frozen=True, slots=True)
class Told:
    """What is asked at the moment of a scrape."""

    ages: Callable[[], Mapping[str, float]] = dict
    """Seconds since each watched kind was last known whole."""
    policies: Callable[[], int] = int
    """How many are in force."""
    stale: Callable[[], bool] = bool
    """Whether the files hold a bad edit."""
    reports: Callable[[], Mapping[str, int]] = dict
    """Reports by what became of them, as `ReportKeeper.totals`."""
    errors: Callable[[], int] = int
    """Errors of ours."""


OUTCOMES: Final = ("written", "removed", "failed")

Sample = tuple[tuple[str, ...], float]


class Tally(Collector):
    """Counts when it is asked."""

    def __init__(self, background: Background, told: Told = Told()) -> None:
        self._background = background
        self._told = told
        self._counted: tuple[object, Mapping[str, Iterable[Sample]]] = (None, {})
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def describe(self) -> Iterable[Metric]:
        """The metrics without their values."""
        return [_family(name) for name in METRICS]

    def collect(self) -> Iterable[Metric]:
        """The metrics as they are now."""
        samples = {**self._of_objects(), **dict(self._of_the_moment())}
        for name in METRICS:
            family = _family(name)
            for labels, value in samples[name]:
                family.add_metric(labels, value)
            yield family

    def _of_objects(self) -> Mapping[str, Iterable[Sample]]:
        """What hangs on every object, counted anew only when something has changed."""
        rules, ledger = self._background.rules(), self._background.ledger
        tenancy = Tenancy() if rules is None else rules.tenancy
        isolation = isolation_of(tenancy, self._background.cluster.seen)
        version = ledger.version, None if rules is None else rules.revision, isolation
        if self._counted[0] != version:
            self._counted = version, self._count(tenancy, isolation)
        return self._counted[1]

    def _count(self, tenancy: Tenancy, isolation: Mapping[str, Level]) -> Mapping[str, Iterable[Sample]]:
        audited = self._background.ledger.audited()
        workloads = Counter(
            (item.tenant, isolation.get(item.target.runtime_class, "none"))
            for item in audited
            if item.target.runtime_class is not None
        )
        whose = _Names(frozenset(tenancy.by_name))
        found = Counter(_findings(audited))
        policy = _Names(frozenset(policy for _, policy, _, _ in found))
        return {
            "findings": _summed(
                ((whose.tenant(tenant), policy.name(name), *rest), count)
                for (tenant, name, *rest), count in found.items()
            ),
            "workloads": _summed(
                ((whose.tenant(tenant), level), count) for (tenant, level), count in workloads.items()
            ),
        }

    def _of_the_moment(self) -> Iterator[tuple[str, Iterable[Sample]]]:
        background, told = self._background, self._told
        unknown = background.unknown()
        unjudged = Counter(background.ledger.unjudged()) + Counter(dict.fromkeys(unknown, 1))
        hindrances = Counter(problem.path for problem in background.hindrances())
        yield "not_audited", [*_by_kind(unjudged), *(((path,), count) for path, count in hindrances.items())]
        known = {kind: count for kind, count in background.ledger.kinds().items() if kind not in unknown}
        yield "objects", _by_kind(known)
        yield "objects_waiting", [((), background.waiting)]
        last = background.last_pass
        yield "last_pass_timestamp_seconds", [((), 0.0 if last is None else last.timestamp())]
        yield "view_age_seconds", _oldest(told.ages())
        yield "policies", [((), told.policies())]
        yield "policies_stale", [((), float(told.stale()))]
        reports = told.reports()
        yield "reports", [((outcome,), reports.get(outcome, 0)) for outcome in OUTCOMES]
        yield "internal_errors", [((), told.errors())]


@dataclass(frozen=True, slots=True)
class _Shape:
    type: type[GaugeMetricFamily] | type[CounterMetricFamily]
    meaning: str
    labels: tuple[str, ...] = ()


METRICS: Final[Mapping[str, _Shape]] = {
    "findings": _Shape(
        GaugeMetricFamily,
        "What is wrong with objects that exist, by what would be done about it",
        ("tenant", "policy", "severity", "action"),
    ),
    "objects": _Shape(GaugeMetricFamily, "Objects that were judged as they are now", ("kind",)),
    "objects_waiting": _Shape(GaugeMetricFamily, "Objects that wait to be judged"),
    "not_audited": _Shape(
        GaugeMetricFamily,
        "What could not be audited: a kind as a whole, objects of it, or (policies, audit) all of it",
        ("kind",),
    ),
    "workloads": _Shape(
        GaugeMetricFamily, "Pods and what makes them, by how well they are isolated", ("tenant", "isolation")
    ),
    "last_pass_timestamp_seconds": _Shape(
        GaugeMetricFamily, "When the last pass over everything that is over began; 0 before the first"
    ),
    "view_age_seconds": _Shape(
        GaugeMetricFamily, "Time since everything of a watched kind was last known", ("kind",)
    ),
    "policies": _Shape(GaugeMetricFamily, "Policies that are judged by"),
    "policies_stale": _Shape(
        GaugeMetricFamily, "1 while the files hold a bad edit and the last good policies are judged by"
    ),
    "reports": _Shape(CounterMetricFamily, "Reports in the cluster, by what became of them", ("outcome",)),
    "internal_errors": _Shape(CounterMetricFamily, "Steps that ended in an error of ours"),
}
"""By name, without what all of them begin with."""


def _family(name: str) -> GaugeMetricFamily | CounterMetricFamily:
    shape = METRICS[name]
    return shape.type(f"{PREFIX}_{name}", shape.meaning, labels=shape.labels)


def _findings(audited: Iterable[Audited]) -> Iterator[tuple[str, str, str, str]]:
    for item in audited:
        for each in results(item):
            yield item.tenant, each.policy, each.severity, each.level


def _by_kind(counts: Mapping[GroupVersionKind, int]) -> list[Sample]:
    named = {kind: f"{kind.kind}.{kind.group}".rstrip(".") for kind in counts}
    names = _Names(frozenset(named.values()))
    return _summed(((names.name(named[kind]),), count) for kind, count in counts.items())


def _oldest(ages: Mapping[str, float]) -> list[Sample]:
    """The age of each kind; of those beyond so many that of the oldest."""
    names = _Names(frozenset(ages))
    found: dict[tuple[str, ...], float] = {}
    for kind, age in ages.items():
        label = (names.name(kind),)
        found[label] = max(age, found.get(label, 0.0))
    return list(found.items())


def _summed(samples: Iterable[Sample]) -> list[Sample]:
    """One of each: names beyond so many are one."""
    found: Counter[tuple[str, ...]] = Counter()
    for labels, value in samples:
        found[labels] += int(value)
    return list(found.items())


class _Names:
    """The values of one label: of those that are known the first so many, in the order of the alphabet."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = frozenset(sorted(known)[:MAX_NAMES])

    def name(self, name: str) -> str:
        """The name, or "other"."""
        return name if name in self._known else OTHER

    def tenant(self, name: str) -> str:
        """The same; empty for what is cluster-wide, or nobody's."""
        return "" if name in (CLUSTER_WIDE, UNOWNED) else self.name(name)
