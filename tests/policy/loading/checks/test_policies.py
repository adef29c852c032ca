"""A policy is read whole: each field of the document is one of what the engine works with."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.policy.evaluation.compilation import Environments
from gatekeeper_py.policy.loading.checks import check_policy
from gatekeeper_py.policy.model import MutatingPolicy, Rule, ValidatingPolicy
from tests.policy.support import mutating, validating

ENVIRONMENTS = Environments()
RULE = Rule(("*",), ("*",), ("*",), ("*",))
TRUE = [{"expression": "true"}]


def read(document: dict[str, Any]) -> Any:
    policy, problems = check_policy(Manifest(document, Source("policy.yaml")), ENVIRONMENTS)
    assert problems == []
    return policy


def test_what_a_validating_policy_says_is_read() -> None:
    policy = read(
        validating(
            "p",
            failurePolicy="Ignore",
            paramKind={"apiVersion": "example.com/v1", "kind": "Limit"},
            matchConditions=[{"name": "c", "expression": "request.name != 'x'"}],
            variables=[{"name": "v", "expression": "1"}],
            validations=[
                {"expression": "variables.v == 1", "message": "no", "reason": "Forbidden"},
                {"expression": "params != null", "messageExpression": "'not ' + 'so'"},
            ],
            auditAnnotations=[{"key": "k", "valueExpression": "'value'"}],
        )
    )
    assert isinstance(policy, ValidatingPolicy)
    assert (policy.name, policy.source, policy.failure_policy) == ("p", Source("policy.yaml"), "Ignore")
    assert policy.param_kind == GroupVersionKind("example.com", "v1", "Limit")
    assert [(each.name, each.expression.text) for each in policy.match_conditions] == [
        ("c", "request.name != 'x'")
    ]
    assert {name: each.text for name, each in policy.declared.items()} == {"v": "1"}
    first, second = policy.validations
    assert (first.expression.text, first.message, first.message_expression, first.reason) == (
        "variables.v == 1",
        "no",
        None,
        "Forbidden",
    )
    assert second.message_expression is not None
    assert (second.expression.text, second.message, second.message_expression.text, second.reason) == (
        "params != null",
        "",
        "'not ' + 'so'",
        "",
    )
    assert [(each.key, each.value.text) for each in policy.audit_annotations] == [("k", "'value'")]


def test_what_a_mutating_policy_says_is_read() -> None:
    patch, merge = "[JSONPatch{op: 'remove', path: '/a'}]", "Object{}"
    document = mutating("p", patch, reinvocationPolicy="IfNeeded")
    document["spec"]["mutations"].append(
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": merge}}
    )
    policy = read(document)
    assert isinstance(policy, MutatingPolicy)
    assert policy.reinvocation_policy == "IfNeeded"
    assert [(each.patch_type, each.expression.text) for each in policy.mutations] == [
        ("JSONPatch", patch),
        ("ApplyConfiguration", merge),
    ]


@pytest.mark.parametrize("document", [validating(validations=TRUE), mutating("p", "[JSONPatch{}]")])
def test_what_a_policy_leaves_out_has_the_default_of_the_api_server(document: dict[str, Any]) -> None:
    policy = read(document)
    assert (policy.failure_policy, policy.param_kind, policy.annotations) == ("Fail", None, {})
    assert (policy.match_conditions, policy.variables, policy.bindings) == ((), (), ())
    assert (policy.match.rules, policy.match.match_policy) == ((RULE,), "Equivalent")


def test_what_a_policy_is_about_is_read() -> None:
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["deployments"],
    }
    match = {
        "resourceRules": [{**rule, "scope": "Namespaced", "resourceNames": ["web"]}],
        "excludeResourceRules": [{**rule, "operations": ["DELETE"]}],
        "namespaceSelector": {"matchLabels": {"a": "b"}},
        "objectSelector": {"matchLabels": {"c": "d"}},
        "matchPolicy": "Exact",
    }
    found = read(validating(matchConstraints=match, validations=TRUE)).match
    assert found.rules == (Rule(("CREATE",), ("apps",), ("v1",), ("deployments",), "Namespaced", ("web",)),)
    assert found.exclude_rules == (Rule(("DELETE",), ("apps",), ("v1",), ("deployments",), "*", ()),)
    assert found.namespace_selector == Selector.of({"matchLabels": {"a": "b"}})
    assert found.object_selector == Selector.of({"matchLabels": {"c": "d"}})
    assert found.match_policy == "Exact"
