"""One line of a report: an object, a policy, and what it says of it. Every format is made of these."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.decision import Finding, Waived
from gatekeeper_py.policy.admission.text import change_line, printable

__all__ = [
    "DRIFT",
    "ERROR",
    "RANK",
    "SEVERITIES",
    "Level",
    "Result",
    "results",
    "severity_of",
    "severity_rank",
]

Level = Literal["deny", "observed", "waived", "warn", "audit", "drift"]
"""What would be done about it; `observed`: it would be denied, were its tenant enforced; `waived`: were there
no waiver; `drift`: mutation would change the object."""

SEVERITIES = ("critical", "high", "medium", "low")
"""The worst first; a policy may also have none."""

DRIFT = "(drift)"
ERROR = "(error)"
"""Stand for the policy where no single one speaks."""

RANK: Mapping[str, int] = {"deny": 0, "observed": 1, "waived": 2, "warn": 3, "audit": 4, "drift": 5}


@dataclass(frozen=True, slots=True)
class Result:
    """What one policy says of one object."""

    tenant: str
    kind: GroupVersionKind
    namespace: str
    name: str
    place: Problem
    """Where the object stands, and the message."""
    policy: str
    binding: str
    level: Level
    severity: str
    category: str
    waived: Waived | None = None

    @property
    def message(self) -> str:
        """What is wrong, with nothing in it that a terminal would obey; and how long it is waived."""
        return self.place.what if self.waived is None else f"{self.place.what} ({_leave(self.waived)})"

    @property
    def subject(self) -> str:
        """`Pod foo/web`, or `Node n1`."""
        return printable(f"{self.kind.kind} {self.namespace}{'/' if self.namespace else ''}{self.name}")

    @property
    def fingerprint(self) -> str:
        """The same for the same thing wrong with the same object, wherever the object is read."""
        parts = (self.kind.group, self.kind.kind, self.namespace, self.name, self.policy, self.place.what)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    @property
    def rank(self) -> tuple[int, int]:
        """The worst first: by severity, then by what would be done."""
        return severity_rank(self.severity), RANK[self.level]


def severity_rank(severity: str) -> int:
    """0 for critical; what has none, or one that nobody knows, comes last."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def results(item: Audited) -> Iterator[Result]:
    """Everything there is to say of an object."""
    for finding in item.findings:
        yield _result(item, finding.policy, finding.message, _level(item, finding), finding)
    if item.error:
        yield _result(item, ERROR, item.error, _denial(item))
    for change in item.changes:
        yield _result(item, DRIFT, change_line(change), "drift")


def _result(item: Audited, policy: str, said: str, level: Level, finding: Finding | None = None) -> Result:
    request, source = item.request, item.manifest.source
    metadata = finding.metadata if finding is not None else {}
    return Result(
        item.tenant,
        request.kind,
        "" if request.resource.resource == "namespaces" else request.namespace,
        request.name,
        Problem(source.path, source.line, source.column, printable(said)),
        policy,
        finding.binding if finding is not None else "",
        level,
        severity_of(metadata),
        annotation(metadata, "category"),
        None if finding is None else finding.waived,
    )


def _leave(waived: Waived) -> str:
    days = "the last day" if waived.days_left == 0 else f"{waived.days_left} days left"
    return printable(f"waived by {waived.waiver!r} until {waived.expires}, {days}: {waived.reason}")


def _level(item: Audited, finding: Finding) -> Level:
    """The hardest of a finding's actions."""
    if "Deny" in finding.actions:
        return _denial(item)
    if finding.waived is not None:
        return "waived"
    return "warn" if "Warn" in finding.actions else "audit"


def _denial(item: Audited) -> Level:
    return "deny" if item.enforcement == "enforce" else "observed"


def severity_of(metadata: Mapping[str, str]) -> str:
    """The severity that a policy's annotations give, in lower case; empty when they give none."""
    return annotation(metadata, "severity").lower()


def annotation(metadata: Mapping[str, str], name: str) -> str:
    """What a policy's annotations say, whatever their prefix."""
    return next((str(value) for key, value in metadata.items() if key.rpartition("/")[2] == name), "")
