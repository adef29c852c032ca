"""Validations: verdicts, messages, actions, annotations and budgets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper_py.policy.admission.decision import Decision
from tests.policy.support import CONFIG_MAP, bound, engine, request, validating

GONE = "object.data.gone == 'x'"
SAID_GONE = f"expression '{GONE}' resulted in error: no such key: gone"
SHORTAGE = "validation failed due to running out of cost budget, no further validation rules will be run"
LARGE = {**CONFIG_MAP, "data": {"text": "x" * 7_000}}
HEAVY = "object.data.text.contains(object.data.text)"
"""Of a large object: about a half of what one expression may spend, at once."""


def decide(*checks: dict[str, Any], value: Any = CONFIG_MAP, bind: Any = None, **spec: Any) -> Decision:
    policy = validating("p", **({"validations": list(checks)} if checks else {}), **spec)
    return engine(policy, bound(policy, **(bind or {}))).review(request(value))


def denied(*checks: dict[str, Any], **spec: Any) -> list[str]:
    """What the policy has to say, denial by denial."""
    status = decide(*checks, **spec).status
    said = "ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: "
    return [cause.message.removeprefix(said) for cause in status.causes] if status else []


def check(expression: str, **fields: str) -> dict[str, Any]:
    return {"expression": expression, **fields}


MESSAGES = [
    ({}, "failed expression: 1 ==\n 2"),
    ({"message": "  plain "}, "plain"),
    ({"messageExpression": "'made'", "message": "plain"}, "made"),
    ({"messageExpression": "'  made\\n'", "message": "plain"}, "made"),
    ({"messageExpression": "'one\\ntwo'", "message": "plain"}, "plain"),
    ({"messageExpression": "'  '", "message": "plain"}, "plain"),
    ({"messageExpression": "string(object.data.gone)", "message": "plain"}, "plain"),
    ({"messageExpression": "'a\\tb'"}, "a\tb"),
    ({"messageExpression": f"'{'é' * 2560}'"}, "é" * 2560),
    ({"messageExpression": f"'{'é' * 2561}'", "message": "plain"}, "plain"),
]


@pytest.mark.parametrize(("fields", "message"), MESSAGES, ids=range(len(MESSAGES)))
def test_the_message_is_the_first_that_can_be_shown(fields: dict[str, str], message: str) -> None:
    assert denied(check(" 1 ==\n 2 ", **fields)) == [message]


def test_every_denial_is_told_on_a_line_of_its_own() -> None:
    status = decide(check("false", message="one"), check("true"), check(GONE, reason="Forbidden")).status
    assert status is not None
    head = "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: "
    assert status.message == f"{head}one\n{head}{SAID_GONE}"
    assert [cause.message for cause in status.causes] == [
        "ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: one",
        f"ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: {SAID_GONE}",
    ]
    assert (status.name, status.group, status.kind) == ("x", "", "configmaps")


@pytest.mark.parametrize(
    ("reason", "code"), [("", 422), ("Invalid", 422), ("Forbidden", 403), ("RequestEntityTooLarge", 413)]
)
def test_the_reason_gives_the_code(reason: str, code: int) -> None:
    fields = {"reason": reason} if reason else {}
    status = decide(check("false", **fields)).status
    assert status is not None
    assert (status.code, status.reason) == (code, reason or "Invalid")


def test_an_error_is_invalid_whatever_reason_the_validation_has() -> None:
    status = decide(check(GONE, reason="Forbidden")).status
    assert status is not None
    assert (status.code, status.reason) == (422, "Invalid")


def test_ignore_forgives_errors_and_not_falsehoods() -> None:
    assert denied(check(GONE), check("false", message="no"), failurePolicy="Ignore") == ["no"]


def test_warn_and_audit_soften_errors_too() -> None:
    decision = decide(
        check(GONE), check("false", message="no"), bind={"validationActions": ["Warn", "Audit"]}
    )
    assert decision.allowed
    said = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': "
    assert decision.warnings == (said + SAID_GONE, said + "no")
    written = decision.audit_annotations["validation.policy.admission.k8s.io/validation_failure"]
    assert json.loads(written) == [
        {
            "message": SAID_GONE,
            "policy": "p",
            "binding": "p-b",
            "expressionIndex": 0,
            "validationActions": ["Warn", "Audit"],
        }
    ]


def test_what_html_could_mistake_is_escaped_in_the_audit_log() -> None:
    decision = decide(check("false", message="<b>&"), bind={"validationActions": ["Audit"]})
    written = decision.audit_annotations["validation.policy.admission.k8s.io/validation_failure"]
    assert "\\u003cb\\u003e\\u0026" in written


def annotation(key: str, value: str) -> dict[str, str]:
    return {"key": key, "valueExpression": value}


def test_annotations_are_trimmed_and_left_out_when_empty() -> None:
    values = [("a", "' kept '"), ("b", "null"), ("c", "'  '"), ("d", "string(object.data.long)")]
    long = {**CONFIG_MAP, "data": {"long": "y" * 10_241}}
    decision = decide(auditAnnotations=[annotation(*each) for each in values], value=long)
    assert decision.audit_annotations == {"p/a": "kept", "p/d": "y" * 10_240}


def test_an_annotation_that_fails_denies_whatever_the_actions() -> None:
    broken = [annotation("a", "string(object.data.gone)"), annotation("b", "'kept'")]
    bind = {"validationActions": ["Warn"]}
    said = "expression 'string(object.data.gone)' resulted in error: no such key: gone"
    assert denied(auditAnnotations=broken, bind=bind) == [said]
    ignored = decide(auditAnnotations=broken, bind=bind, failurePolicy="Ignore")
    assert ignored.allowed
    assert ignored.audit_annotations == {"p/b": "kept"}


@pytest.mark.parametrize("word", ["authorizer.requestResource.check('get').allowed()", "variables.may"])
def test_annotations_have_no_authorizer_though_they_may_name_it(word: str) -> None:
    variables = [{"name": "may", "expression": "authorizer.requestResource.check('get').allowed()"}]
    (said,) = denied(auditAnnotations=[annotation("a", f"string({word})")], variables=variables)
    assert said.endswith("no such attribute(s): authorizer.requestResource")


def test_values_of_several_bindings_are_joined() -> None:
    policy = validating(
        auditAnnotations=[annotation("a", "string(params.data.word)")],
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    )
    words = [
        {**CONFIG_MAP, "metadata": {"name": name, "namespace": "cases"}, "data": {"word": name}}
        for name in ("red", "blue")
    ]
    bindings = [
        bound(policy, name, paramRef={"name": word, "parameterNotFoundAction": "Deny"})
        for name, word in (("b1", "red"), ("b2", "blue"), ("b3", "red"))
    ]
    decision = engine(policy, *bindings, cluster=tuple(words)).review(request(CONFIG_MAP))
    assert decision.audit_annotations == {"p/a": "red, blue"}


# --- match conditions and params ----------------------------------------------------------------------


def test_a_condition_that_is_false_leaves_the_request_alone() -> None:
    assert decide(check("false"), matchConditions=[{"name": "c", "expression": "false"}]).allowed


def test_a_condition_that_fails_is_softened_like_a_validation() -> None:
    conditions = [{"name": "c", "expression": GONE}]
    assert denied(check("true"), matchConditions=conditions) == [SAID_GONE]
    softened = decide(check("true"), matchConditions=conditions, bind={"validationActions": ["Warn"]})
    assert softened.allowed
    assert softened.warnings[0].endswith(SAID_GONE)


def test_params_that_are_missing_deny_whatever_the_actions() -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    bind = {
        "validationActions": ["Warn"],
        "paramRef": {"name": "none", "parameterNotFoundAction": "Deny"},
    }
    said = (
        "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    )
    assert denied(check("true"), paramKind=kind, bind=bind) == [said]
    assert decide(check("true"), paramKind=kind, bind=bind, failurePolicy="Ignore").allowed


def test_a_param_kind_nobody_serves_denies_in_the_policys_name() -> None:
    decision = decide(check("true"), paramKind={"apiVersion": "foo.bar/v1", "kind": "Foo"})
    assert decision.status is not None
    assert [cause.message for cause in decision.status.causes] == [
        "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: "
        "failed to find resource referenced by paramKind: 'foo.bar/v1, Kind=Foo'"
    ]


# --- budgets ------------------------------------------------------------------------------------------


def test_an_expression_that_costs_too_much_is_an_error_of_its_own() -> None:
    twice = f"{HEAVY} && {HEAVY} && {HEAVY}"
    said = f"expression '{twice}' resulted in error: operation cancelled: actual cost limit exceeded"
    assert denied(check(twice), check("false", message="no"), value=LARGE) == [said, "no"]


def test_an_exhausted_budget_is_all_there_is_to_say() -> None:
    checks = [check("false", message="no"), *[check(HEAVY)] * 30]
    assert denied(*checks, value=LARGE) == [SHORTAGE]
    assert decide(*checks, value=LARGE, failurePolicy="Ignore").allowed


def test_messages_that_cannot_be_afforded_make_errors_of_validations_that_pass() -> None:
    checks = [check("true", messageExpression=f"{HEAVY} ? 'a' : 'b'")] * 30
    assert denied(*checks, value=LARGE) == [f"failed messageExpression: {SHORTAGE}"]


def test_findings_hold_every_failure_whatever_the_actions() -> None:
    decision = decide(check("false", message="one"), check(GONE), bind={"validationActions": ["Audit"]})
    found = [(each.message, each.error, each.actions, each.expression) for each in decision.findings]
    assert found == [("one", False, ("Audit",), "false"), (SAID_GONE, True, ("Audit",), GONE)]
