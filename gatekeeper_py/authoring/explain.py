"""Why a policy decided so: every expression it evaluated for a request, with the value of each part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper_py.cel import Budget, Explanation, explain
from gatekeeper_py.engine import Engine
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.activation import Facts
from gatekeeper_py.policy.evaluation.expression import PASS_BUDGET
from gatekeeper_py.policy.evaluation.variables import Variables
from gatekeeper_py.policy.matching.match import Match, MatchError, match
from gatekeeper_py.policy.matching.parameters import ParameterError, collect
from gatekeeper_py.policy.model import Expression, MutatingPolicy, ValidatingPolicy

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


def explain_policy(
    engine: Engine, policy: ValidatingPolicy | MutatingPolicy, request: AdmissionRequest
) -> list[Explained]:
    """Every expression, for each binding and param; raises `NotEvaluated`.

    Expressions are explained whether or not the policy would get to them: a validation also when a match
    condition is false.
    """
    found = _match(engine, policy, request)
    explained: list[Explained] = []
    for binding in policy.bindings:
        try:
            if binding.match and match(binding.match, request, engine.cluster) is None:
                continue
            params = collect(
                policy.param_kind,
                binding.param_ref,
                request.namespace,
                engine.cluster,
                engine.policies.parameters,
            )
        except (MatchError, ParameterError) as error:
            raise NotEvaluated(f"binding {binding.name}: {error}") from error
        for param in params:
            explained += _explained(engine, policy, binding.name, request, found, param)
    if not explained:
        raise NotEvaluated("no binding of the policy selects the request, or none has params for it")
    return explained


def _match(engine: Engine, policy: ValidatingPolicy | MutatingPolicy, request: AdmissionRequest) -> Match:
    try:
        found = match(policy.match, request, engine.cluster)
    except MatchError as error:
        raise NotEvaluated(str(error)) from error
    if found is None:
        raise NotEvaluated("the rules and selectors of the policy do not select the request")
    return found


def _explained(
    engine: Engine,
    policy: ValidatingPolicy | MutatingPolicy,
    binding: str,
    request: AdmissionRequest,
    found: Match,
    params: Object | None,
) -> Iterator[Explained]:
    facts = Facts(request, engine.cluster, engine.policies.extensions)
    conditions = facts.condition(found, request.object, params)
    for condition in policy.match_conditions:
        yield _one(binding, f"matchConditions {condition.name}", condition.expression, conditions)
    words = (facts.validation if isinstance(policy, ValidatingPolicy) else facts.mutation)(
        found, request.object, params
    )
    words["variables"] = Variables(
        {variable.name: variable.expression for variable in policy.variables}, words, Budget(PASS_BUDGET)
    )
    for variable in policy.variables:
        yield _one(binding, f"variables.{variable.name}", variable.expression, words)
    for place, expression in _rules(policy):
        yield _one(binding, place, expression, words)


def _rules(policy: ValidatingPolicy | MutatingPolicy) -> Iterator[tuple[str, Expression]]:
    if isinstance(policy, MutatingPolicy):
        for index, mutation in enumerate(policy.mutations):
            yield f"mutations[{index}]", mutation.expression
        return
    for index, validation in enumerate(policy.validations):
        yield f"validations[{index}].expression", validation.expression
        if validation.message_expression is not None:
            yield f"validations[{index}].messageExpression", validation.message_expression


def _one(binding: str, place: str, expression: Expression, words: Mapping[str, Any]) -> Explained:
    return Explained(binding, place, explain(expression.program, words, Budget(PASS_BUDGET)))
