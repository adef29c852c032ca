"""Which expressions to evaluate, once it is known which policies' match conditions hold.

Policies repeat each other's variables. Expressions have no side effects, and those that mean the same are one
`Expression` object, so one evaluation for one object is enough. A plan says beforehand which variables a
policy takes over from the policies before it; a review only follows the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gatekeeper_py.cel import Budget
from gatekeeper_py.policy.model import Expression, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate

__all__ = ["Evaluate", "Plan", "PlannedPolicy"]

Evaluate: TypeAlias = Callable[[Mapping[str, object], Budget], object]
"""`Program.evaluate`."""


@dataclass(frozen=True, slots=True)
class PlannedPolicy:
    """One policy: the variables to set first, then the validations that must be true."""

    candidate: Candidate[ValidatingPolicy]
    variables: tuple[tuple[str, int, Evaluate | None], ...]
    """Those that do not have this policy's value yet: the name, the slot that keeps the value for other
    policies, and what computes it, or None when the slot has it already."""
    validations: tuple[Evaluate, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to find the policies that may not admit the request."""

    policies: tuple[PlannedPolicy, ...]
    undecided: tuple[Candidate[ValidatingPolicy], ...]
    """Policies that must be evaluated one by one, whatever their validations give."""
    slots: int
    """How many values are kept."""

    @classmethod
    def of(cls, candidates: Iterable[tuple[Candidate[ValidatingPolicy], bool | None]]) -> Plan:
        """For policies, each with whether it applies, or None when that cannot be told."""
        draft = _Draft()
        undecided = []
        for candidate, applies in candidates:
            if applies and _admits_silently(candidate, draft.slots):
                draft.add(candidate)
            elif applies is not False:
                undecided.append(candidate)
        return cls(tuple(draft.policies), tuple(undecided), len(draft.slots))


def _admits_silently(candidate: Candidate[ValidatingPolicy], evaluated: Container[Expression]) -> bool:
    """Whether a policy whose validations are all true admits the request and says nothing about it."""
    return not candidate.policy.audit_annotations and candidate.can_afford_messages(evaluated)


class _Draft:
    """The policies planned so far, and which value each variable has after them."""

    def __init__(self) -> None:
        self.policies: list[PlannedPolicy] = []
        self.slots: dict[Expression, int] = {}
        self._variables: dict[str, Expression] = {}

    def add(self, candidate: Candidate[ValidatingPolicy]) -> None:
        validations = tuple(expression.program.evaluate for expression in candidate.validations)
        self.policies.append(PlannedPolicy(candidate, tuple(self._set(candidate)), validations))

    def _set(self, candidate: Candidate[ValidatingPolicy]) -> Iterator[tuple[str, int, Evaluate | None]]:
        for name, expression in candidate.variables:
            if self._variables.get(name) is not expression:
                self._variables[name] = expression
                computed = expression in self.slots
                slot = self.slots.setdefault(expression, len(self.slots))
                yield name, slot, None if computed else expression.program.evaluate
