"""What the verdicts of all validating policies, bindings and params add up to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.validating import ANNOTATION_LIMIT, FAILURE_ANNOTATION, WARNINGS_ANNOTATION
from tests.policy.support import CONFIG_MAP, Json, bound, engine, request, validating

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


def test_a_policy_may_ask_for_brief_warnings_that_name_the_object() -> None:
    brief = fails("p")
    brief["metadata"]["annotations"] = {WARNINGS_ANNOTATION: "brief"}
    assert decide(brief, bound(brief, validationActions=["Warn"])).warnings == ('p: ConfigMap "x": no',)


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
