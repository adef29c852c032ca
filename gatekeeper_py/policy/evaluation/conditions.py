"""Match conditions (admission/plugin/webhook/matchconditions/matcher.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatekeeper_py.cel import EXPRESSION_LIMIT, Budget, CostExceeded, DeadlineExceeded, EvaluationError
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.activation import Facts
from gatekeeper_py.policy.matching.match import Match
from gatekeeper_py.policy.model import Expression, FailurePolicy, MatchCondition, Policy

__all__ = [
    "CONDITIONS_BUDGET",
    "PASS_BUDGET",
    "ConditionError",
    "ExpressionError",
    "OutOfBudget",
    "applies",
    "evaluate",
    "hold",
]

CONDITIONS_BUDGET = 2_500_000
"""Units all match conditions of a policy may spend together (RuntimeCELCostBudgetMatchConditions)."""

PASS_BUDGET = 10_000_000
"""Units the validations and messages of one policy, binding and param may spend together, the audit
annotations once more, and each mutation (RuntimeCELCostBudget)."""


class OutOfBudget(Exception):
    """The expressions of one pass have spent all they may; nothing they gave counts."""

    def __init__(self) -> None:
        super().__init__(messages.OUT_OF_BUDGET)


class ExpressionError(Exception):
    """An expression that has no value for this request; the message is the API server's.

    No `EvaluationError`, so that who handles it lets `DeadlineExceeded` pass.
    """


class ConditionError(Exception):
    """It cannot be told whether the conditions hold, and failurePolicy is Fail."""


def evaluate(expression: Expression, activation: Mapping[str, object], budget: Budget) -> object:
    """The value of an expression; raise `ExpressionError` or `OutOfBudget`.

    `DeadlineExceeded` passes through: a request out of time has no decision.
    """
    budget.look()
    try:
        return expression.program.evaluate(activation, budget)
    except DeadlineExceeded:
        raise
    except EvaluationError as error:
        if isinstance(error, CostExceeded) and budget.remaining < 0:
            raise OutOfBudget from error
        raise ExpressionError(messages.evaluation_error(expression.text, error)) from error


def applies(
    policy: Policy,
    facts: Facts,
    match: Match,
    value: Object | None,
    params: Object | None,
    deadline: float | None,
) -> bool:
    """Whether a policy's match conditions hold for an object as it is now; raise `ConditionError`."""
    if not policy.match_conditions:
        return True
    words = facts.condition(match, value, params)
    return hold(policy.match_conditions, words, policy.failure_policy, deadline)


def hold(
    conditions: Sequence[MatchCondition],
    activation: Mapping[str, object],
    failure_policy: FailurePolicy,
    deadline: float | None,
) -> bool:
    """Whether a policy applies: one false condition says no, whatever errors others have.

    Otherwise an error says no under Ignore and raises `ConditionError` under Fail.
    """
    budget = Budget(CONDITIONS_BUDGET, deadline)
    errors: list[str] = []
    met = True
    try:
        for index, condition in enumerate(conditions):
            met &= _met(condition, activation, budget, errors)
            if not met and budget.remaining >= (len(conditions) - index - 1) * EXPRESSION_LIMIT:
                return False
    except OutOfBudget as error:
        met, errors = True, [str(error)]
    if met and errors and failure_policy == "Fail":
        raise ConditionError(messages.aggregate(errors))
    return met and not errors


def _met(
    condition: MatchCondition, activation: Mapping[str, object], budget: Budget, errors: list[str]
) -> bool:
    """Whether a condition is not false; an error is none and is kept."""
    try:
        return evaluate(condition.expression, activation, budget) is not False
    except ExpressionError as error:
        errors.append(str(error))
        return True
