"""Which expressions of a policy are explained, and why none may be."""

from __future__ import annotations

import pytest

from gatekeeper_py.authoring.trace import Explained, NotEvaluated, explain_policy
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.policy.model import Policy
from tests.policy.support import CONFIG_MAP, EVERYTHING, Json, bound, manifests, mutating, request, validating

CASES: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cases"}}
PARAM_KIND = {"apiVersion": "v1", "kind": "ConfigMap"}
NOWHERE = {"namespaceSelector": {"matchLabels": {"no": "where"}}}


def explained(*objects: Json, cluster: tuple[Json, ...] = (CASES,)) -> list[Explained]:
    made = Engine.load(manifests(*objects), Snapshot(cluster, complete=True))
    policies: list[Policy] = [*made.policies.validating, *made.policies.mutating]
    return explain_policy(made, policies[0], request(CONFIG_MAP))


def test_a_validating_policy_is_explained_expression_by_expression_whatever_they_give() -> None:
    policy = validating(
        matchConditions=[{"name": "never", "expression": "false"}],
        variables=[{"name": "data", "expression": "object.data"}],
        validations=[{"expression": "variables.data.a == '2'", "messageExpression": "'no'"}],
    )
    found = explained(policy, bound(policy, "b"))
    assert {each.binding for each in found} == {"b"}
    assert [(each.place, each.explanation.outcomes[0].value) for each in found] == [
        ("matchConditions never", False),
        ("variables.data", {"a": "1"}),
        ("validations[0].expression", False),
        ("validations[0].messageExpression", "no"),
    ]


def test_a_mutating_policy_is_explained_mutation_by_mutation() -> None:
    policy = mutating("p", *["[JSONPatch{op: 'test', path: '/data'}]"] * 2)
    found = explained(policy, bound(policy))
    assert [each.place for each in found] == ["mutations[0]", "mutations[1]"]


PLAIN = validating(validations=[{"expression": "true"}])
WITH_PARAMS = validating(validations=[{"expression": "true"}], paramKind=PARAM_KIND)
ELSEWHERE = validating(
    validations=[{"expression": "true"}], matchConstraints={"resourceRules": [EVERYTHING], **NOWHERE}
)
GONE = {"name": "gone", "parameterNotFoundAction": "Deny"}
UNEXPLAINED = {
    "another namespace": (
        [ELSEWHERE, bound(ELSEWHERE)],
        "the rules and selectors of the policy do not select the request",
    ),
    "another binding": (
        [PLAIN, bound(PLAIN, "b", matchResources=NOWHERE)],
        "no binding of the policy selects the request, or none has params for it",
    ),
    "no params": (
        [WITH_PARAMS, bound(WITH_PARAMS, "b", paramRef=GONE)],
        "binding b: no params found for policy binding with `Deny` parameterNotFoundAction",
    ),
}


@pytest.mark.parametrize(("objects", "reason"), UNEXPLAINED.values(), ids=UNEXPLAINED)
def test_a_policy_that_evaluates_nothing_says_why(objects: list[Json], reason: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        explained(*objects)
    assert str(caught.value) == reason


def test_a_request_into_a_namespace_that_is_not_there_says_so() -> None:
    with pytest.raises(NotEvaluated, match=r'^namespaces "cases" not found$'):
        explained(PLAIN, bound(PLAIN), cluster=())
