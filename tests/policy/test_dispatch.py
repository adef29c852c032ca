"""What the verdicts of all policies, bindings and params add up to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.dispatch import ANNOTATION_LIMIT, FAILURE_ANNOTATION
from tests.policy.support import CONFIG_MAP, Json, bound, engine, mutating, request, validating

CASES: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cases", "labels": {"a": "1"}}}
PARAM_KIND = {"apiVersion": "v1", "kind": "ConfigMap"}


def param(name: str, **labels: str) -> Json:
    metadata = {"name": name, "namespace": "cases", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"name": name}}


def decide(*objects: Json, cluster: tuple[Json, ...] = (), **fields: Any) -> Decision:
    return engine(*objects, cluster=(CASES, *cluster)).review(request(CONFIG_MAP, **fields))


def fails(name: str, message: str = "no", **spec: Any) -> Json:
    return validating(name, validations=[{"expression": "false", "message": message}], **spec)


def causes(decision: Decision) -> list[str]:
    return [] if decision.status is None else [cause.message for cause in decision.status.causes]


def test_bindings_deny_in_the_order_of_their_names_each_in_its_own() -> None:
    decision = decide(bound(fails("p"), "b-z"), bound(fails("p"), "b-a"), fails("p"))
    assert [(finding.policy, finding.binding) for finding in decision.findings] == [
        ("p", "b-a"),
        ("p", "b-z"),
    ]
    assert causes(decision) == [
        "ValidatingAdmissionPolicy 'p' with binding 'b-a' denied request: no",
        "ValidatingAdmissionPolicy 'p' with binding 'b-z' denied request: no",
    ]


@pytest.mark.parametrize(
    ("actions", "allowed", "warned", "annotated"),
    [
        (["Deny"], False, False, False),
        (["Warn"], True, True, False),
        (["Audit"], True, False, True),
        (["Warn", "Audit"], True, True, True),
        (["Deny", "Audit"], False, False, True),
    ],
)
def test_actions_say_what_a_failure_does(
    actions: list[str], allowed: bool, warned: bool, annotated: bool
) -> None:
    decision = decide(fails("p"), bound(fails("p"), "b", validationActions=actions))
    assert (decision.allowed, bool(decision.warnings)) == (allowed, warned)
    assert (FAILURE_ANNOTATION in decision.audit_annotations) == annotated
    assert [finding.actions for finding in decision.findings] == [tuple(actions)]


def test_the_audit_annotation_holds_the_first_failure() -> None:
    audit = {"validationActions": ["Audit"]}
    one, two = fails("a", "<one>"), fails("b", "two")
    decision = decide(one, two, bound(one, "x", **audit), bound(two, "y", **audit))
    raw = decision.audit_annotations[FAILURE_ANNOTATION]
    assert "\\u003cone\\u003e" in raw
    assert json.loads(raw) == [
        {
            "message": "<one>",
            "policy": "a",
            "binding": "x",
            "expressionIndex": 0,
            "validationActions": ["Audit"],
        }
    ]


@pytest.mark.parametrize(
    ("selected", "denied"),
    [
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
    ],
)
def test_a_binding_narrows_its_policy(selected: Json, denied: bool) -> None:
    narrow = bound(fails("p"), "b", matchResources={"namespaceSelector": selected})
    assert decide(fails("p"), narrow).allowed is not denied


@pytest.mark.parametrize("kind", ["validating", "mutating"])
@pytest.mark.parametrize(("failure_policy", "allowed"), [("Fail", False), ("Ignore", True)])
def test_a_param_that_is_not_there_is_a_failure_of_the_binding(
    kind: str, failure_policy: str, allowed: bool
) -> None:
    spec: Json = {"paramKind": PARAM_KIND, "failurePolicy": failure_policy}
    policy = (
        validating("p", validations=[{"expression": "true"}], **spec)
        if kind == "validating"
        else mutating("p", "[JSONPatch{op: 'test', path: '/data/a', value: '1'}]", **spec)
    )
    reference = {"name": "gone", "parameterNotFoundAction": "Deny"}
    decision = decide(policy, bound(policy, "b", paramRef=reference))
    assert decision.allowed is allowed
    assert [(f.policy, f.binding, f.error) for f in decision.findings] == (
        [] if allowed else [("p", "b", True)]
    )


def test_each_param_is_judged() -> None:
    policy = validating(
        "p",
        paramKind=PARAM_KIND,
        validations=[{"expression": "false", "messageExpression": "string(params.data.name)"}],
    )
    selected = bound(
        policy, "b", paramRef={"selector": {"matchLabels": {"x": "1"}}, "parameterNotFoundAction": "Deny"}
    )
    params = (param("two", x="1"), param("one", x="1"), param("other", x="2"))
    found = decide(policy, selected, cluster=params).findings
    assert sorted(finding.message for finding in found) == ["one", "two"]


def test_a_long_annotation_is_cut_between_characters() -> None:
    annotations = [{"key": "k", "valueExpression": "string(object.data.a)"}]
    value = {**CONFIG_MAP, "data": {"a": "é" * ANNOTATION_LIMIT}}
    policy = validating("p", validations=[{"expression": "true"}], auditAnnotations=annotations)
    decision = engine(policy, cluster=(CASES,)).review(request(value))
    assert decision.audit_annotations == {"p/k": "é" * (ANNOTATION_LIMIT // 2)}


def test_a_failing_mutation_denies_and_nothing_is_changed() -> None:
    good = mutating("a", "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]")
    bad = mutating("b", "[JSONPatch{op: 'remove', path: '/data/gone'}]")
    decision = decide(good, bad)
    assert (decision.allowed, decision.patch, decision.object) == (False, (), CONFIG_MAP)
    assert [finding.policy for finding in decision.findings] == ["b"]


def test_what_matches_is_settled_before_anything_changes() -> None:
    first = mutating("a", "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'x': '1'}}]")
    by_label = mutating(
        "b",
        "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]",
        matchConstraints={
            "resourceRules": [
                {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
            ],
            "objectSelector": {"matchLabels": {"x": "1"}},
        },
    )
    decision = decide(first, by_label)
    assert decision.object is not None
    assert (decision.object["metadata"]["labels"], decision.object["data"]) == ({"x": "1"}, {"a": "1"})


def test_a_condition_sees_what_policies_before_it_made() -> None:
    first = mutating("a", "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]")
    second = mutating(
        "b",
        "[JSONPatch{op: 'add', path: '/data/c', value: '1'}]",
        matchConditions=[{"name": "c", "expression": "'b' in object.data"}],
    )
    decision = decide(first, second)
    assert decision.object is not None
    assert decision.object["data"] == {"a": "1", "b": "1", "c": "1"}
