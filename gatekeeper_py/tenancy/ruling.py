"""Whether a waiver admits a violation.

Nothing is waived where anything is in doubt: whose the object is, what a condition comes to, which day it is.
Objects that hold for the whole cluster are never waived, nor are Namespaces: they say what is whose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatekeeper_py.cel import Budget
from gatekeeper_py.policy.admission.decision import Waived
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.expression import (
    CONDITIONS_BUDGET,
    ExpressionError,
    OutOfBudget,
    evaluate,
)
from gatekeeper_py.policy.evaluation.extension import UNDISPUTED, Ruling, Violation
from gatekeeper_py.tenancy.context import NAMESPACE, Context
from gatekeeper_py.tenancy.protection import name_of
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Tenancy
from gatekeeper_py.tenancy.waiver import Waiver

__all__ = ["Ruler"]

ENDED: Final = "the waiver {!r} has ended on {}"
NO_CLOCK: Final = "the waiver {!r} does not hold: no clock tells the day"
EARLY_CLOCK: Final = "the waiver {!r} does not hold: it was written later than the clock says, {}"
NO_VALUE: Final = "the waiver {!r} does not hold: its condition has no value: {}"


class _Doubt(Exception):
    """A waiver that is about a violation does not hold; the text says why."""


@dataclass(frozen=True, slots=True)
class Ruler:
    """Says of violations whether they are waived."""

    tenancy: Tenancy
    by_policy: Mapping[str, Sequence[Waiver]]
    """Those that hold longest first."""

    @classmethod
    def of(cls, waivers: Iterable[Waiver], tenancy: Tenancy) -> Ruler:
        """For the tenants of a tenancy."""
        by_policy: dict[str, list[Waiver]] = {}
        for waiver in sorted(waivers, key=lambda each: (-each.expires.toordinal(), each.name)):
            for policy in waiver.policies:
                by_policy.setdefault(policy, []).append(waiver)
        return cls(tenancy, by_policy)

    def rule(self, violation: Violation) -> Ruling:
        """Whether a waiver admits a violation, or why those that are about it do not."""
        waivers = self.by_policy.get(violation.policy)
        if not waivers:
            return UNDISPUTED
        remarks: list[str] = []
        for waiver in self._concerning(violation, waivers):
            try:
                if _is_met(waiver, violation):
                    return Ruling(_waived(waiver, violation.request.asked_at))
            except _Doubt as doubt:
                remarks.append(str(doubt))
        return Ruling(remarks=tuple(remarks)) if remarks else UNDISPUTED

    def _concerning(self, violation: Violation, waivers: Iterable[Waiver]) -> Iterator[Waiver]:
        """Those that are about the object and its tenant."""
        request = violation.request
        if not request.namespace or request.kind == NAMESPACE:
            return
        try:
            owner = Context(self.tenancy, violation.cluster, request).tenant()
        except ContestedNamespace:
            return
        tenant, name = "" if owner is None else owner.name, _name(request)
        for waiver in waivers:
            if waiver.tenants and tenant not in waiver.tenants:
                continue
            if waiver.is_about(request.namespace, request.kind.group, request.kind.kind, name):
                yield waiver


def _name(request: AdmissionRequest) -> str:
    """An object's name; that of a request is empty while the API server makes one up."""
    return request.name or name_of(request.object or {})


def _is_met(waiver: Waiver, violation: Violation) -> bool:
    """Whether a waiver's condition is true; raises `_Doubt` when nobody can tell."""
    if waiver.condition is None:
        return True
    budget = Budget(CONDITIONS_BUDGET, violation.deadline)
    try:
        return evaluate(waiver.condition, violation.names(), budget) is True
    except (ExpressionError, OutOfBudget) as error:
        raise _Doubt(NO_VALUE.format(waiver.name, error)) from error


def _waived(waiver: Waiver, moment: datetime | None) -> Waived:
    """That a waiver holds at a moment; raises `_Doubt` when it does not."""
    if moment is None:
        raise _Doubt(NO_CLOCK.format(waiver.name))
    if moment < waiver.since:
        raise _Doubt(EARLY_CLOCK.format(waiver.name, moment.isoformat(timespec="seconds")))
    if waiver.has_ended(moment):
        raise _Doubt(ENDED.format(waiver.name, waiver.expires))
    days = waiver.days_left(moment)
    return Waived(waiver.name, waiver.expires, days, waiver.reason, waiver.approved_by)
