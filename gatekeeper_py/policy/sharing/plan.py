"""What is to be evaluated of many policies, once it is known whose match conditions hold.

Policies repeat each other: the same match conditions, the same variables. Expressions are pure, so one that
means the same everywhere (`Expression` is then the same object) needs one evaluation for one object. A plan
says beforehand which values a policy takes over from those before it, so that a review only follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gatekeeper_py.cel import Budget
from gatekeeper_py.policy.model import Expression, ValidatingPolicy
from gatekeeper_py.policy.sharing.candidate import Candidate

__all__ = ["Evaluate", "Plan", "Step"]

Evaluate: TypeAlias = Callable[[Mapping[str, object], Budget], object]
"""`Program.evaluate`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One policy: the variables to set, then what must be true."""

    candidate: Candidate[ValidatingPolicy]
    variables: tuple[tuple[str, int, Evaluate | None], ...]
    """Those that do not have their value yet: the name, the place where the value is kept for other policies,
    and what computes it, or None when it is kept already."""
    validations: tuple[Evaluate, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to find the policies that have something to say."""

    steps: tuple[Step, ...]
    unclear: tuple[Candidate[ValidatingPolicy], ...]
    """Those that may have, whatever their validations give."""
    size: int
    """How many values are kept."""

    @classmethod
    def of(cls, candidates: Iterable[tuple[Candidate[ValidatingPolicy], bool | None]]) -> Plan:
        """For policies of which it is known whether they apply, or that it cannot be told."""
        steps = _Steps()
        unclear = []
        for candidate, applies in candidates:
            if applies and not candidate.policy.audit_annotations and candidate.affordable(steps.places):
                steps.add(candidate)
            elif applies is not False:
                unclear.append(candidate)
        return cls(tuple(steps.made), tuple(unclear), len(steps.places))


class _Steps:
    """The steps so far, and what the variables are after them."""

    def __init__(self) -> None:
        self.made: list[Step] = []
        self.places: dict[Expression, int] = {}
        self._values: dict[str, Expression] = {}

    def add(self, candidate: Candidate[ValidatingPolicy]) -> None:
        validations = tuple(expression.program.evaluate for expression in candidate.validations)
        self.made.append(Step(candidate, tuple(self._set(candidate)), validations))

    def _set(self, candidate: Candidate[ValidatingPolicy]) -> Iterator[tuple[str, int, Evaluate | None]]:
        for name, expression in candidate.read:
            if self._values.get(name) is not expression:
                self._values[name] = expression
                known = expression in self.places
                place = self.places.setdefault(expression, len(self.places))
                yield name, place, None if known else expression.program.evaluate
