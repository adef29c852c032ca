"""The value of one expression, or in the API server's words why it has none (admission/plugin/cel)."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper_py.cel import Budget, CostExceeded, DeadlineExceeded, EvaluationError
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.model import Expression

__all__ = [
    "CONDITIONS_BUDGET",
    "PASS_BUDGET",
    "ExpressionError",
    "OutOfBudget",
    "evaluate",
    "value_or_error",
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


def evaluate(expression: Expression, activation: Mapping[str, object], budget: Budget) -> object:
    """The value of an expression; raise `ExpressionError` or `OutOfBudget`.

    `DeadlineExceeded` passes through: a request out of time has no decision.
    """
    budget.check_deadline()
    try:
        return expression.program.evaluate(activation, budget)
    except DeadlineExceeded:
        raise
    except EvaluationError as error:
        if isinstance(error, CostExceeded) and budget.remaining < 0:
            raise OutOfBudget from error
        raise ExpressionError(messages.evaluation_error(expression.text, error)) from error


def value_or_error(
    expression: Expression, activation: Mapping[str, object], budget: Budget
) -> object | ExpressionError:
    """The value of an expression, or the error it ends in; raise `OutOfBudget`."""
    try:
        return evaluate(expression, activation, budget)
    except ExpressionError as error:
        return error
