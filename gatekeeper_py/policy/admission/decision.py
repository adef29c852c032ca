"""What the engine answers: a verdict with everything a person needs to act on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.immutable import immutable

__all__ = ["Action", "Cause", "Decision", "Enforcement", "Finding", "PatchOperation", "Status", "Waived"]

Action = Literal["Deny", "Warn", "Audit", "Observed", "Waived"]
"""What becomes of a failed validation. Observed: it would have been denied, were policies enforced;
Waived: were there no waiver."""
Enforcement = Literal["observe", "warn", "enforce"]
"""Whether policies are recorded only, told to whoever asks, or enforced."""
PatchOperation = dict[str, Any]
"""One RFC 6902 operation."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for a denial (metav1.StatusCause)."""

    message: str
    reason: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Why a request is denied (metav1.Status), as the API server words it."""

    code: int
    reason: str
    message: str
    name: str = ""
    group: str = ""
    kind: str = ""
    """The plural resource, as in-tree denials have it."""
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Waived:
    """By which waiver a failed validation is admitted."""

    waiver: str
    expires: date
    """The last day on which it holds, in UTC."""
    days_left: int
    """Days until then; 0 on the last one."""
    reason: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One failed validation of one policy and binding, whatever its actions: what audit reports."""

    policy: str
    binding: str
    message: str
    actions: tuple[Action, ...]
    expression: str = ""
    reason: str = "Invalid"
    error: bool = False
    """The expression could not be evaluated, rather than being false."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Annotations of the policy: severity, category, remedy."""
    waived: Waived | None = None
    """Why it does not deny, when a waiver is the reason."""


@immutable(frozen=True, slots=True)
class Decision:
    """The engine's answer to one request."""

    allowed: bool
    status: Status | None = None
    warnings: tuple[str, ...] = ()
    audit_annotations: Mapping[str, str] = field(default_factory=dict)
    patch: tuple[PatchOperation, ...] = ()
    """Turns the request's object into `object`; empty when nothing changed."""
    object: Object | None = None
    """The object as admitted: the request's own when no policy mutates it."""
    findings: tuple[Finding, ...] = ()
    enforcement: Enforcement = "enforce"
    withheld: Decision | None = None
    """What would have become of the request were policies enforced, if that is anything else."""
