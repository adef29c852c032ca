"""Match conditions (admission/plugin/webhook/matchconditions/matcher.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatekeeper_py.cel import EXPRESSION_LIMIT, Budget
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.evaluation.expression import (
    CONDITIONS_BUDGET,
    ExpressionError,
    OutOfBudget,
    value_or_error,
)
from gatekeeper_py.policy.evaluation.invocation import Invocation
from gatekeeper_py.policy.model import FailurePolicy, MatchCondition, Policy

__all__ = ["ConditionError", "applies", "hold"]


class ConditionError(Exception):
    """It cannot be told whether the conditions hold, and failurePolicy is Fail."""


def applies(invocation: Invocation[Policy]) -> bool:
    """Whether the policy's match conditions hold for the object as it is now; raise `ConditionError`."""
    policy = invocation.policy
    if not policy.match_conditions or invocation.variables is not None:
        return True
    activation = invocation.facts.condition(invocation.match, invocation.value, invocation.params)
    return hold(policy.match_conditions, activation, policy.failure_policy, invocation.deadline)


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
            result = value_or_error(condition.expression, activation, budget)
            if isinstance(result, ExpressionError):
                errors.append(str(result))
            met &= result is not False
            if not met and budget.remaining >= (len(conditions) - index - 1) * EXPRESSION_LIMIT:
                return False
    except OutOfBudget as error:
        met, errors = True, [str(error)]
    if met and errors and failure_policy == "Fail":
        raise ConditionError(messages.aggregate(errors))
    return met and not errors
