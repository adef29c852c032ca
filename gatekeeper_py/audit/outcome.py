"""What an audit found, what it could not look at, and what of it is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from gatekeeper_py.audit.result import SEVERITIES, Level, Result, results, severity_of, severity_rank
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.manifests.undefined import Undefined
from gatekeeper_py.policy.admission.decision import Finding
from gatekeeper_py.tenancy.isolation import Level as Isolation

__all__ = ["Outcome", "Rest", "Scope"]


@dataclass(frozen=True, slots=True)
class Rest:
    """What an earlier report counted and did not list: nothing is wrong with it."""

    objects: int = 0
    runtime_classes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Workloads by tenant and class, which is empty where they name none."""


@dataclass(frozen=True, slots=True, order=True)
class Past:
    """How much there was at a time."""

    time: str
    """As RFC 3339 has it."""
    violating: int
    observed: int
    waived: int
    not_audited: int
    objects: int


@dataclass(frozen=True)
class Outcome:
    """All that a report is made of."""

    audited: tuple[Audited, ...] = ()
    not_audited: tuple[Problem, ...] = ()
    """What was to be looked at and could not be, with the reason. While there is any, nothing is clean."""
    baseline: Mapping[str, Any] | None = None
    """The findings of an earlier report by their fingerprint, when there is one to compare with."""
    rest: Rest = Rest()
    time: str = ""
    """When it was looked at, as RFC 3339 has it; empty when nobody says."""
    shard: tuple[int, int] = (0, 1)
    """Which part of how many was looked at."""
    isolation: Mapping[str, Isolation] = field(default_factory=dict)
    """How well runtime classes isolate, by their name; one that is not there isolates nothing."""
    earlier: tuple[Past, ...] = ()
    """How it was before, the oldest first."""
    undefined: tuple[Undefined, ...] = ()
    """Custom kinds of which no definition was read: their objects are audited, their fields unchecked."""

    @property
    def now(self) -> Past:
        """How it is now."""
        unread = len(self.not_audited)
        return Past(self.time, self.violating, self.observed, self.waived, unread, self.objects)

    def isolation_of(self, runtime_class: str) -> Isolation:
        """How well a runtime class isolates; the node's own runtime, which has no name, does not."""
        return self.isolation.get(runtime_class, "none")

    @property
    def objects(self) -> int:
        """How many objects were looked at."""
        return len(self.audited) + self.rest.objects

    @cached_property
    def runtime_classes(self) -> Mapping[tuple[str, str], int]:
        """Workloads by tenant and class, which is empty where they name none."""
        made = ((item.tenant, item.target.runtime_class) for item in self.audited)
        counted = Counter((tenant, name) for tenant, name in made if name is not None)
        return counted + Counter(self.rest.runtime_classes)

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """Every line, the worst first, then by tenant and object."""
        return tuple(
            sorted(
                self._every(),
                key=lambda each: (*each.rank, each.tenant, each.policy, each.namespace, each.name),
            )
        )

    def _every(self) -> Iterator[Result]:
        """Every line, one at a time: there may be more than need be in memory at once."""
        return (result for item in self.audited for result in results(item))

    @cached_property
    def violating(self) -> int:
        """Objects that would be denied."""
        return sum(item.violates for item in self.audited)

    @cached_property
    def observed(self) -> int:
        """Objects that would be denied, were their tenants enforced."""
        return sum(item.is_amiss and not item.violates for item in self.audited)

    @cached_property
    def waived(self) -> int:
        """Violations that are admitted until a day."""
        return sum(result.level == "waived" for result in self._every())

    def is_new(self, result: Result) -> bool:
        """Whether the earlier report did not have it, or had it waived as it is no more."""
        before = (self.baseline or {}).get(result.fingerprint)
        return before is None or (before["level"] == "waived" != result.level)

    @cached_property
    def fixed(self) -> tuple[Mapping[str, Any], ...]:
        """What the earlier report had, and this one has no more."""
        found = {result.fingerprint for result in self.results}
        return tuple(entry for print_, entry in (self.baseline or {}).items() if print_ not in found)

    def fails(self, severity: str | None = None) -> bool:
        """Whether something new would be denied; with a severity, whether something new is as severe.

        What has no severity may be of any.
        """
        wanted = (each for each in self._every() if self.is_new(each) and each.level not in TOLD)
        if severity is None:
            return any(each.level == "deny" for each in wanted)
        return any(is_as_severe(each.severity, severity) for each in wanted)


TOLD: tuple[Level, ...] = ("waived", "platform", "drift")
"""Levels that are told, and are nobody's fault today."""


def is_as_severe(severity: str, least: str) -> bool:
    """Whether a severity is `least` or worse, or unknown."""
    return severity not in SEVERITIES or severity_rank(severity) <= severity_rank(least)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is about; empty parts leave nothing out."""

    tenants: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    """In lower case."""
    policies: frozenset[str] = frozenset()
    severity: str = field(default=SEVERITIES[-1])
    """The least severe that is told; what has no severity is always told."""

    def select(self, items: Iterable[Audited]) -> tuple[Audited, ...]:
        """The objects it is about, each with the findings it is about."""
        return tuple(self._findings(item) for item in items if self._has(item))

    def _has(self, item: Audited) -> bool:
        target = item.target
        parts = (
            (self.tenants, (item.tenant, *item.concerns)),
            (self.namespaces, (target.namespace,)),
            (self.kinds, (target.kind.kind.lower(),)),
        )
        return all(not wanted or not wanted.isdisjoint(values) for wanted, values in parts)

    def _findings(self, item: Audited) -> Audited:
        kept, reserved = (tuple(filter(self._tells, found)) for found in (item.findings, item.reserved))
        changes = () if self.policies else item.changes
        return replace(item, findings=kept, reserved=reserved, changes=changes)

    def _tells(self, finding: Finding) -> bool:
        named = not self.policies or finding.policy in self.policies
        return named and is_as_severe(severity_of(finding.metadata), self.severity)
