"""A policy that may match a request, and what can be said of it before any object is seen."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from gatekeeper_py.cel import EXPRESSION_LIMIT
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.compilation import AUTHORIZERS
from gatekeeper_py.policy.evaluation.expression import CONDITIONS_BUDGET, PASS_BUDGET
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

REPEATED_LIMIT = (PASS_BUDGET - 2 * CONDITIONS_BUDGET) // EXPRESSION_LIMIT
"""Expressions that a policy can pay for besides those that `required_budget` counts. Of these the variables
may have to be paid for twice (hence the 2), because messages evaluate variables anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate(Generic[P]):
    """The policy, for all requests for one operation on one resource."""

    policy: P
    conditions: Conditions
    variables: tuple[tuple[str, Expression], ...]
    """The variables that the validations may read, directly or through other variables; each stands after
    those that it may read itself."""
    shareable: bool
    """Whether its expressions can be evaluated together with those of other policies: it has no params, and
    it can match the request only as it was sent, in no other version or group."""
    always_matches: bool
    """Whether it is sure to match: it is shareable and has no selector or exclusion that could say no."""
    required_budget: int
    """How much of the shared budget (`CONDITIONS_BUDGET`) must be left to know that this policy alone could
    have paid for all of its conditions, variables and validations."""
    validations: tuple[Expression, ...]
    uses_authorizer: bool
    """Whether a variable uses the authorizer. Message expressions have none (validating/validator.go), so no
    value of such a variable may reach them."""
    message_expressions: int
    """How many of them it has. The API server evaluates those of passing validations too; they are left out
    here as long as they cannot exhaust a budget."""

    @classmethod
    def of(cls, policy: P, request: AdmissionRequest) -> Candidate[P]:
        """A policy, for requests like this one."""
        validations = policy.validations if isinstance(policy, ValidatingPolicy) else ()
        expressions = len(policy.match_conditions) + len(policy.variables) + len(validations)
        shareable = policy.param_kind is None and concerns_as_sent(policy.match.rules, request)
        return cls(
            policy,
            tuple(condition.expression for condition in policy.match_conditions),
            _variables_read(policy, validations),
            shareable,
            shareable and _unconditional(policy.match),
            CONDITIONS_BUDGET - CONDITIONS_BUDGET // max(expressions, 1),
            tuple(validation.expression for validation in validations),
            any(AUTHORIZERS.keys() & variable.expression.program.variables for variable in policy.variables),
            sum(validation.message_expression is not None for validation in validations),
        )

    def can_afford_messages(self, evaluated: Container[Expression]) -> bool:
        """Whether its message expressions cannot exhaust its budget, whatever they read.

        They may read every variable; one that is not `evaluated` before them costs extra.
        """
        if not self.message_expressions:
            return True
        read = {expression for _, expression in self.variables}
        declared = (variable.expression for variable in self.policy.variables)
        extra = sum(expression not in read and expression not in evaluated for expression in declared)
        return self.message_expressions + extra <= REPEATED_LIMIT


def _unconditional(match: MatchResources) -> bool:
    return match.namespace_selector.empty and match.object_selector.empty and not match.exclude_rules


def _variables_read(
    policy: ValidatingPolicy | MutatingPolicy, validations: Sequence[Validation]
) -> tuple[tuple[str, Expression], ...]:
    names = {name for validation in validations for name in validation.expression.reads}
    found: list[tuple[str, Expression]] = []
    for variable in reversed(policy.variables):
        if variable.name in names:
            names.update(variable.expression.reads)
            found.append((variable.name, variable.expression))
    return tuple(reversed(found))
