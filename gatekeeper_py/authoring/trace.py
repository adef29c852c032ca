"""Why a policy decided so: every expression it evaluated for a request, with the value of each part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper_py.cel import Budget, Explanation, explain
from gatekeeper_py.engine import Engine
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.activation import Facts, NamespaceMissing
from gatekeeper_py.policy.evaluation.expression import PASS_BUDGET
from gatekeeper_py.policy.evaluation.invocation import Invocation
from gatekeeper_py.policy.matching.match import MatchError, match
from gatekeeper_py.policy.model import Expression, MutatingPolicy, Policy, ValidatingPolicy
from gatekeeper_py.policy.selection import Misconfiguration, Review, select
from gatekeeper_py.policy.sharing.candidate import Candidate

__all__ = ["Explained", "NotEvaluated", "explain_policy"]


class NotEvaluated(Exception):
    """The policy evaluates nothing for the request; the message says why."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One expression of a policy with what each of its parts gave."""

    binding: str
    place: str
    """`matchConditions of-a-tenant`, `variables.spec`, `validations[0].expression`."""
    explanation: Explanation
    cost: int = 0
    """Units of Kubernetes' cost model that it took; what a variable took is the variable's own."""


def explain_policy(engine: Engine, policy: Policy, request: AdmissionRequest) -> list[Explained]:
    """Every expression, for each binding and param; raises `NotEvaluated`.

    Expressions are explained whether or not the policy would get to them: a validation also when a match
    condition is false.
    """
    try:
        if match(policy.match, request, engine.cluster) is None:
            raise NotEvaluated("the rules and selectors of the policy do not select the request")
        invocations = list(_invocations(engine, policy, request))
    except (MatchError, NamespaceMissing) as error:
        raise NotEvaluated(str(error)) from error
    if not invocations:
        raise NotEvaluated("no binding of the policy selects the request, or none has params for it")
    return [explained for invocation in invocations for explained in _explained(invocation)]


def _invocations(engine: Engine, policy: Policy, request: AdmissionRequest) -> Iterator[Invocation[Policy]]:
    facts = Facts(request, engine.cluster, engine.policies.extensions)
    review = Review(request, facts, engine.policies.parameters)
    for selected in select(Candidate.of(policy, request), review):
        if isinstance(selected, Misconfiguration):
            where = f"binding {selected.binding}: " if selected.binding else ""
            raise NotEvaluated(f"{where}{selected.error}")
        yield selected


def _explained(invocation: Invocation[Policy]) -> Iterator[Explained]:
    policy, facts, binding = invocation.policy, invocation.facts, invocation.binding.name
    conditions = facts.condition(invocation.match, invocation.value, invocation.params)
    for condition in policy.match_conditions:
        yield _one(binding, f"matchConditions {condition.name}", condition.expression, conditions)
    names = facts.validation if isinstance(policy, ValidatingPolicy) else facts.mutation
    activation = invocation.activation(names, Budget(PASS_BUDGET))
    for variable in policy.variables:
        yield _one(binding, f"variables.{variable.name}", variable.expression, activation)
    for place, expression in _rules(policy):
        yield _one(binding, place, expression, activation)


def _rules(policy: Policy) -> Iterator[tuple[str, Expression]]:
    if isinstance(policy, MutatingPolicy):
        for index, mutation in enumerate(policy.mutations):
            yield f"mutations[{index}]", mutation.expression
        return
    for index, validation in enumerate(policy.validations):
        yield f"validations[{index}].expression", validation.expression
        if validation.message_expression is not None:
            yield f"validations[{index}].messageExpression", validation.message_expression


def _one(binding: str, place: str, expression: Expression, activation: Mapping[str, Any]) -> Explained:
    budget = Budget(PASS_BUDGET)
    explanation = explain(expression.program, activation, budget)
    return Explained(binding, place, explanation, PASS_BUDGET - budget.remaining)
