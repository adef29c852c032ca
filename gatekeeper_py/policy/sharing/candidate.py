"""A policy that may match a request, and what can be said of it before any object is seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from gatekeeper_py.cel import EXPRESSION_LIMIT
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.compilation import AUTHORIZERS
from gatekeeper_py.policy.evaluation.expression import CONDITIONS_BUDGET, PASS_BUDGET
from gatekeeper_py.policy.matching.match import concerns_as_sent, may_concern
from gatekeeper_py.policy.model import (
    Expression,
    MatchResources,
    MutatingPolicy,
    ValidatingPolicy,
    Validation,
)
from gatekeeper_py.policy.sharing.certainty import surely_read

__all__ = ["Candidate", "Conditions", "NamedExpressions"]

P = TypeVar("P", bound=ValidatingPolicy | MutatingPolicy)

Conditions: TypeAlias = tuple[Expression, ...]
"""All match conditions of a policy."""

NamedExpressions: TypeAlias = tuple[tuple[str, Expression], ...]
"""Variables of a policy: their names, and what gives their values."""

REPEATED_LIMIT = (PASS_BUDGET - 2 * CONDITIONS_BUDGET) // EXPRESSION_LIMIT
"""Expressions that a policy can pay for besides those that `required_budget` counts. Of these the variables
may have to be paid for twice (hence the 2), because messages evaluate variables anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate(Generic[P]):
    """The policy, for all requests for one operation on one resource."""

    policy: P
    conditions: Conditions
    variables: NamedExpressions
    """The variables that the validations may read, directly or through other variables; each stands after
    those that it may read itself."""
    surely_read: frozenset[str]
    """Those among them that are evaluated whatever the data say."""
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
    told_variables: NamedExpressions
    """The variables that its message expressions may read."""
    message_expressions: int
    """How many of them it has. The API server evaluates those of passing validations too; they are left out
    here as long as they cannot exhaust a budget."""

    @classmethod
    def of(cls, policy: P, request: AdmissionRequest) -> Candidate[P]:
        """A policy, for requests like this one."""
        validations = policy.validations if isinstance(policy, ValidatingPolicy) else ()
        expressions = len(policy.match_conditions) + len(policy.variables) + len(validations)
        variables = _variables_of(policy, [validation.expression for validation in validations])
        told = [each.message_expression for each in validations if each.message_expression is not None]
        shareable = policy.param_kind is None and concerns_as_sent(policy.match.rules, request)
        return cls(
            policy,
            tuple(condition.expression for condition in policy.match_conditions),
            variables,
            _surely_read(validations, variables),
            shareable,
            shareable and _unconditional(policy.match, request),
            CONDITIONS_BUDGET - CONDITIONS_BUDGET // max(expressions, 1),
            tuple(validation.expression for validation in validations),
            any(AUTHORIZERS.keys() & variable.expression.program.variables for variable in policy.variables),
            _variables_of(policy, told),
            len(told),
        )

    @property
    def surely_and_perhaps_read(self) -> tuple[NamedExpressions, NamedExpressions]:
        """The variables that are evaluated whatever the data say, and those that depend on them."""
        surely = tuple(each for each in self.variables if each[0] in self.surely_read)
        return surely, tuple(each for each in self.variables if each not in surely)

    @property
    def admits_silently(self) -> bool:
        """Whether it says nothing about the request when all validations are true."""
        if not isinstance(self.policy, ValidatingPolicy):
            return False
        return not self.policy.audit_annotations and self.affords_messages

    @property
    def affords_messages(self) -> bool:
        """Whether its message expressions cannot exhaust its budget where all validations are true, when all
        variables have been paid for that validations may read.

        A variable that only messages may read costs extra.
        """
        extra = sum(each not in self.variables for each in self.told_variables)
        return not self.message_expressions or self.message_expressions + extra <= REPEATED_LIMIT

    @property
    def to_be_paid(self) -> NamedExpressions:
        """The variables that must be paid for because messages could exhaust the budget with them: none where
        they could not even if no validation had read them."""
        if not self.message_expressions:
            return ()
        unread = tuple(each for each in self.told_variables if each[0] not in self.surely_read)
        return unread if self.message_expressions + len(unread) > REPEATED_LIMIT else ()


def _unconditional(match: MatchResources, request: AdmissionRequest) -> bool:
    """Whether nothing is left that could say no to requests like this one, which the rules name."""
    selects = not (match.namespace_selector.empty and match.object_selector.empty)
    return not selects and not may_concern(match.exclude_rules, request)


def _variables_of(
    policy: ValidatingPolicy | MutatingPolicy, expressions: Iterable[Expression]
) -> NamedExpressions:
    """The variables that expressions may read, in the policy's order."""
    names = {name for expression in expressions for name in expression.reads}
    found: list[tuple[str, Expression]] = []
    for variable in reversed(policy.variables):
        if variable.name in names:
            names.update(variable.expression.reads)
            found.append((variable.name, variable.expression))
    return tuple(reversed(found))


def _surely_read(validations: Sequence[Validation], variables: NamedExpressions) -> frozenset[str]:
    """Those of the variables that are read whatever the data say, by a validation or by one of themselves."""
    names = {name for validation in validations for name in surely_read(validation.expression)}
    for name, expression in reversed(variables):
        if name in names:
            names |= surely_read(expression)
    return frozenset(names)
