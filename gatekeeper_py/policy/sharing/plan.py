"""Which expressions to evaluate, once it is known which policies' match conditions hold.

Policies repeat each other's variables. Expressions have no side effects, and those that mean the same are one
`Expression` object, so one evaluation for one object is enough. A plan says beforehand which variables a
policy surely reads, which it may read, and which of these it takes over from the policies before it; a review
only follows the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gatekeeper_py.cel import Budget
from gatekeeper_py.policy.model import Expression, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate, NamedExpressions

__all__ = ["Evaluate", "Plan", "PlannedPolicy"]

Evaluate: TypeAlias = Callable[[Mapping[str, object], Budget], object]
"""`Program.evaluate`."""


@dataclass(frozen=True, slots=True)
class PlannedPolicy:
    """One policy: the variables to set first, then the validations that must be true."""

    candidate: Candidate[ValidatingPolicy]
    forgotten: tuple[str, ...]
    """Variables that may still have the value of another policy's."""
    variables: tuple[tuple[str, int, Evaluate], ...]
    """Those that the validations surely read and that do not have this policy's value yet: the name, the slot
    that keeps the value for other policies, and what computes it unless the slot has it already."""
    perhaps: Mapping[str, tuple[int, Evaluate]]
    """Those that a validation may read, which are computed when one does."""
    validations: tuple[Evaluate, ...]
    to_be_paid: tuple[tuple[int, Evaluate], ...]
    """What has to be evaluated, though perhaps nothing reads it, to know that messages could be paid for."""


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
            if applies and candidate.admits_silently:
                draft.add(candidate)
            elif applies is not False:
                undecided.append(candidate)
        return cls(tuple(draft.policies), tuple(undecided), len(draft.slots))


class _Draft:
    """The policies planned so far, and which value each variable has after them."""

    def __init__(self) -> None:
        self.policies: list[PlannedPolicy] = []
        self.slots: dict[Expression, int] = {}
        self._surely_held: dict[str, Expression] = {}
        self._perhaps_held: dict[str, Expression] = {}
        """Whose value a name has, if any."""

    def add(self, candidate: Candidate[ValidatingPolicy]) -> None:
        surely, perhaps = candidate.surely_and_perhaps_read
        planned = PlannedPolicy(
            candidate,
            tuple(name for name, expression in perhaps if self._holds_another(name, expression)),
            tuple(self._computations(surely)),
            {name: self._computation(expression) for name, expression in perhaps},
            tuple(expression.program.evaluate for expression in candidate.validations),
            tuple(self._computation(expression) for _, expression in candidate.to_be_paid),
        )
        self.policies.append(planned)
        self._remember(surely, perhaps)

    def _remember(self, surely: NamedExpressions, perhaps: NamedExpressions) -> None:
        for name, expression in perhaps:
            if self._holds_another(name, expression):
                self._surely_held.pop(name, None)
            self._perhaps_held[name] = expression
        self._perhaps_held.update(surely)
        self._surely_held.update(surely)

    def _holds_another(self, name: str, expression: Expression) -> bool:
        return self._perhaps_held.get(name, expression) is not expression

    def _computations(self, variables: NamedExpressions) -> Iterator[tuple[str, int, Evaluate]]:
        for name, expression in variables:
            if self._surely_held.get(name) is not expression:
                yield name, *self._computation(expression)

    def _computation(self, expression: Expression) -> tuple[int, Evaluate]:
        return self.slots.setdefault(expression, len(self.slots)), expression.program.evaluate
