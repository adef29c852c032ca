"""A policy that may be about a request, and what of it is known before any object is."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from gatekeeper_py.cel import EXPRESSION_LIMIT
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.compilation import AUTHORIZERS
from gatekeeper_py.policy.evaluation.conditions import CONDITIONS_BUDGET, PASS_BUDGET
from gatekeeper_py.policy.matching.match import concerns_as_sent
from gatekeeper_py.policy.model import (
    Expression,
    MatchResources,
    MutatingPolicy,
    ValidatingPolicy,
    Validation,
)

__all__ = ["Candidate", "Conditions"]

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)

Conditions: TypeAlias = tuple[Expression, ...]
"""All match conditions of a policy."""

UNSEEN_LIMIT = (PASS_BUDGET - 2 * CONDITIONS_BUDGET) // EXPRESSION_LIMIT
"""Expressions that a policy can pay for besides what `Candidate.floor` allows for, which may come twice:
messages evaluate the variables anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate(Generic[P]):
    """The policy, before requests about one resource."""

    policy: P
    conditions: Conditions
    read: tuple[tuple[str, Expression], ...]
    """The variables that validations may read, and those that these may, each after those it may read."""
    simple: bool
    """Whether it sees the request as it was sent, if at all, and has no params."""
    certain: bool
    """Whether it does see it: it is simple, and has no selector or exclusion that could say otherwise."""
    floor: int
    """What must be left of a purse of `CONDITIONS_BUDGET` that all policies share, to be sure that this one
    would not spend more than that if it paid for all of its conditions, variables and validations alone."""
    validations: tuple[Expression, ...]
    asks: bool
    """Whether a variable asks the authorizer. Messages have none (validating/validator.go): no value of such
    a variable may reach them."""
    messages: int
    """How many message expressions it has.

    The API server evaluates those of validations that pass, too; what cannot exhaust a budget we leave out.
    """

    @classmethod
    def of(cls, policy: P, request: AdmissionRequest) -> Candidate[P]:
        """A policy before a request about such a resource."""
        validations = policy.validations if isinstance(policy, ValidatingPolicy) else ()
        expressions = len(policy.match_conditions) + len(policy.variables) + len(validations)
        simple = policy.param_kind is None and concerns_as_sent(policy.match.rules, request)
        return cls(
            policy,
            tuple(condition.expression for condition in policy.match_conditions),
            _read(policy, validations),
            simple,
            simple and _unconditional(policy.match),
            CONDITIONS_BUDGET - CONDITIONS_BUDGET // max(expressions, 1),
            tuple(validation.expression for validation in validations),
            any(AUTHORIZERS.keys() & variable.expression.program.variables for variable in policy.variables),
            sum(validation.message_expression is not None for validation in validations),
        )

    def affordable(self, known: Container[Expression]) -> bool:
        """Whether its messages can be paid for, and each variable that is neither known nor read by then."""
        if not self.messages:
            return True
        read = {expression for _, expression in self.read}
        declared = (variable.expression for variable in self.policy.variables)
        unread = sum(expression not in read and expression not in known for expression in declared)
        return self.messages + unread <= UNSEEN_LIMIT


def _unconditional(match: MatchResources) -> bool:
    return match.namespace_selector.empty and match.object_selector.empty and not match.exclude_rules


def _read(
    policy: ValidatingPolicy | MutatingPolicy, validations: Sequence[Validation]
) -> tuple[tuple[str, Expression], ...]:
    names = {name for validation in validations for name in validation.expression.reads}
    found: list[tuple[str, Expression]] = []
    for variable in reversed(policy.variables):
        if variable.name in names:
            names.update(variable.expression.reads)
            found.append((variable.name, variable.expression))
    return tuple(reversed(found))
