"""What an audit found, what it could not look at, and what of it is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from gatekeeper_py.audit.result import SEVERITIES, Level, Result, results, severity_of, severity_rank
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.manifests.place import Problem

__all__ = ["Outcome", "Scope"]


@dataclass(frozen=True)
class Outcome:
    """All that a report is made of."""

    audited: tuple[Audited, ...] = ()
    not_audited: tuple[Problem, ...] = ()
    """What was to be looked at and could not be, with the reason. While there is any, nothing is clean."""
    baseline: Mapping[str, Any] | None = None
    """The findings of an earlier report by their fingerprint, when there is one to compare with."""

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """Every line, the worst first, then by tenant and object."""
        every = (result for item in self.audited for result in results(item))
        return tuple(
            sorted(every, key=lambda each: (*each.rank, each.tenant, each.policy, each.namespace, each.name))
        )

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
        return sum(result.level == "waived" for result in self.results)

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
        harmless: tuple[Level, ...] = ("drift", "waived")
        wanted = (each for each in self.results if self.is_new(each) and each.level not in harmless)
        if severity is None:
            return any(each.level == "deny" for each in wanted)
        return any(is_as_severe(each.severity, severity) for each in wanted)


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
        request = item.request
        parts = (
            (self.tenants, (item.tenant, *item.concerns)),
            (self.namespaces, (request.namespace,)),
            (self.kinds, (request.kind.kind.lower(),)),
        )
        return all(not wanted or not wanted.isdisjoint(values) for wanted, values in parts)

    def _findings(self, item: Audited) -> Audited:
        kept = tuple(
            finding
            for finding in item.findings
            if (not self.policies or finding.policy in self.policies)
            and is_as_severe(severity_of(finding.metadata), self.severity)
        )
        return replace(item, findings=kept, changes=() if self.policies else item.changes)
