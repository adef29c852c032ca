"""AdmissionReview in and out: what is refused, and what the API server lets through of an answer."""

from __future__ import annotations

import base64
import copy
from typing import Any

import orjson
import pytest

from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.admission_review import (
    ReviewError,
    parse_review,
    render_request,
    render_review,
)
from gatekeeper_py.policy.admission.decision import Cause, Decision, Status
from gatekeeper_py.policy.admission.request import UserInfo

REVIEW: dict[str, Any] = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "subResource": "scale",
        "requestKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
        "requestResource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "requestSubResource": "scale",
        "name": "web",
        "namespace": "foo",
        "operation": "UPDATE",
        "userInfo": {
            "username": "alice",
            "uid": "1",
            "groups": ["foo-admins"],
            "extra": {"scopes": ["a", "b"]},
        },
        "object": {"spec": {"replicas": 2}},
        "oldObject": {"spec": {"replicas": 1}},
        "dryRun": True,
        "options": {"kind": "UpdateOptions"},
    },
}


def edited(path: str, value: object) -> dict[str, Any]:
    """REVIEW with the field at a dotted path replaced, or removed when the value is ...."""
    document = copy.deepcopy(REVIEW)
    *parents, last = path.split(".")
    target = document
    for name in parents:
        target = target[name]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return document


def test_every_field_is_read() -> None:
    request = parse_review(REVIEW)
    assert request.conversions is None
    assert parse_review(REVIEW, frozenset()).conversions == frozenset()
    assert request.uid == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert request.kind == GroupVersionKind("apps", "v1", "Deployment")
    assert request.resource == GroupVersionResource("apps", "v1", "deployments")
    assert (request.name, request.namespace, request.subresource) == ("web", "foo", "scale")
    assert request.operation == "UPDATE"
    assert request.user == UserInfo("alice", "1", ("foo-admins",), {"scopes": ("a", "b")})
    assert (request.object, request.old_object) == ({"spec": {"replicas": 2}}, {"spec": {"replicas": 1}})
    assert request.dry_run is True
    assert request.options == {"kind": "UpdateOptions"}
    assert request.request_kind == GroupVersionKind("autoscaling", "v1", "Scale")
    assert request.request_resource == GroupVersionResource("apps", "v1", "deployments")
    assert request.request_subresource == "scale"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "an AdmissionReview is a JSON object, not a list"),
        (None, "an AdmissionReview is a JSON object, not null"),
        (7, "an AdmissionReview is a JSON object, not a number"),
        ({}, 'kind must be "AdmissionReview", got null'),
        ({"kind": "Pod", "apiVersion": "v1"}, 'kind must be "AdmissionReview", got "Pod"'),
        (edited("kind", "x" * 100), f'kind must be "AdmissionReview", got "{"x" * 60}..."'),
        (edited("kind", "a\nb"), 'kind must be "AdmissionReview", got "a\\nb"'),
        (
            edited("apiVersion", "admission.k8s.io/v1beta1"),
            'apiVersion must be "admission.k8s.io/v1", got "admission.k8s.io/v1beta1"',
        ),
        (edited("apiVersion", ["v1"]), 'apiVersion must be "admission.k8s.io/v1", got a list'),
        (edited("request", ...), "request is missing"),
        (edited("request", "x"), "request must be a JSON object, not a string"),
        (edited("request.uid", ...), "request.uid is missing"),
        (edited("request.uid", ""), "request.uid is empty"),
        (edited("request.uid", 7), "request.uid must be a string, not a number"),
        (edited("request.operation", ...), "request.operation is missing"),
        (
            edited("request.operation", "PATCH"),
            'request.operation must be one of CREATE, UPDATE, DELETE, CONNECT, got "PATCH"',
        ),
        (
            edited("request.operation", "create"),
            'request.operation must be one of CREATE, UPDATE, DELETE, CONNECT, got "create"',
        ),
        (edited("request.object", None), "request.object is null, but UPDATE has an object"),
        (edited("request.object", ...), "request.object is null, but UPDATE has an object"),
        (edited("request.object", []), "request.object must be a JSON object, not a list"),
        (edited("request.oldObject", "x"), "request.oldObject must be a JSON object, not a string"),
        (
            edited("request.object.metadata", "x"),
            "request.object.metadata must be a JSON object, not a string",
        ),
        (
            edited("request.oldObject.metadata", [1]),
            "request.oldObject.metadata must be a JSON object, not a list",
        ),
        (edited("request.operation", "DELETE"), "request.object must be null, DELETE has only an oldObject"),
        (edited("request.kind", ...), "request.kind is missing"),
        (edited("request.kind.kind", ...), "request.kind.kind is missing"),
        (edited("request.kind.version", ""), "request.kind.version is empty"),
        (
            edited("request.resource.resource", False),
            "request.resource.resource must be a string, not a boolean",
        ),
        (edited("request.userInfo.groups", "x"), "request.userInfo.groups must be a list, not a string"),
        (
            edited("request.userInfo.groups", ["x", 1]),
            "request.userInfo.groups[1] must be a string, not a number",
        ),
        (
            edited("request.userInfo.extra.scopes", [None]),
            "request.userInfo.extra.scopes[0] must be a string, not null",
        ),
        (edited("request.dryRun", "yes"), "request.dryRun must be a boolean, not a string"),
    ],
)
def test_what_cannot_be_answered_gets_a_reason_in_one_line(document: object, reason: str) -> None:
    with pytest.raises(ReviewError) as refused:
        parse_review(document)
    assert str(refused.value) == reason
    assert "\n" not in reason


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "CONNECT"])
def test_optional_fields_may_be_absent(operation: str) -> None:
    request = {name: REVIEW["request"][name] for name in ("uid", "kind", "resource", "object")}
    parsed = parse_review({**REVIEW, "request": {**request, "operation": operation}})
    assert (parsed.name, parsed.namespace, parsed.user, parsed.request_kind) == ("", "", UserInfo(), None)


@pytest.mark.parametrize("document", [REVIEW, edited("request", {**REVIEW["request"], "subResource": ""})])
def test_what_is_rendered_is_read_back(document: dict[str, Any]) -> None:
    request = parse_review(document)
    again = parse_review(render_request(request))
    assert again.request_subresource == "scale"
    assert again == request


def test_deletion_has_no_object() -> None:
    parsed = parse_review(edited("request", {**REVIEW["request"], "operation": "DELETE", "object": None}))
    assert parsed.object is None
    assert parsed.old_object == {"spec": {"replicas": 1}}


def response(decision: Decision, *, patch: bool = True) -> dict[str, Any]:
    document = render_review("u", decision, patch=patch)
    assert (document["apiVersion"], document["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert document["response"]["uid"] == "u"
    rendered: dict[str, Any] = document["response"]
    return rendered


def test_plain_consent_says_nothing_more() -> None:
    assert response(Decision(allowed=True)) == {"uid": "u", "allowed": True}


def test_a_patch_is_base64_of_json_with_its_type() -> None:
    operations = ({"op": "add", "path": "/metadata/labels", "value": {"ünïcode": "é"}},)
    rendered = response(Decision(allowed=True, patch=operations))
    assert rendered["patchType"] == "JSONPatch"
    assert orjson.loads(base64.b64decode(rendered["patch"])) == list(operations)


@pytest.mark.parametrize(("in_tree", "key"), [(False, "p.k"), (True, "p/k")])
def test_audit_annotations_have_a_bare_name_unless_they_are_for_comparison(in_tree: bool, key: str) -> None:
    decision = Decision(allowed=True, audit_annotations={"p/k": "v"})
    document = render_review("u", decision, patch=True, in_tree=in_tree)
    assert document["response"]["auditAnnotations"] == {key: "v"}


@pytest.mark.parametrize("allowed", [True, False])
def test_the_validating_webhook_and_a_denial_never_carry_a_patch(allowed: bool) -> None:
    status = None if allowed else Status(422, "Invalid", "no")
    decision = Decision(allowed, status, patch=({"op": "add", "path": "/a", "value": 1},))
    rendered = response(decision, patch=not allowed)
    assert "patch" not in rendered
    assert "patchType" not in rendered


def test_a_denial_carries_status_and_causes_as_kubectl_prints_them() -> None:
    status = Status(
        422,
        "Invalid",
        'pods "x" is forbidden: no',
        name="x",
        kind="pods",
        causes=(Cause("first"), Cause("second", field="spec.hostNetwork")),
    )
    assert response(Decision(False, status))["status"] == {
        "metadata": {},
        "status": "Failure",
        "message": 'pods "x" is forbidden: no',
        "reason": "Invalid",
        "details": {
            "name": "x",
            "kind": "pods",
            "causes": [{"message": "first"}, {"message": "second", "field": "spec.hostNetwork"}],
        },
        "code": 422,
    }


def test_a_denial_never_has_a_code_below_400() -> None:
    assert response(Decision(False, Status(0, "", "no")))["status"]["code"] == 400


def test_the_status_of_an_admitted_request_is_not_sent() -> None:
    assert "status" not in response(Decision(True, Status(422, "Invalid", "no")))


@pytest.mark.parametrize(
    ("warnings", "sent"),
    [
        (("one", "two", "one"), ["one", "two"]),
        (("line one\nline two\ttab",), ["line one line two tab"]),
        (("nul\x00del\x7fcsi\x9b31m",), ["nul del csi 31m"]),
        (("separator\u2028here",), ["separator here"]),
        (("", "\n"), []),
        (("x" * 4096,), ["x" * 4096]),
        (("é" * 4097,), ["é" * 255 + "…"]),
        (("x" * 4000, "y" * 97), ["x" * 255 + "…", "y" * 97]),
    ],
)
def test_warnings_are_what_the_api_server_lets_through(warnings: tuple[str, ...], sent: list[str]) -> None:
    assert response(Decision(True, warnings=warnings)).get("warnings", []) == sent


@pytest.mark.parametrize(
    ("warnings", "sent"),
    [
        (("one", "two", "one", ""), ["one", "two"]),
        (("line one\nline two", "tab\t", "nul\x00", "csi\x9b", "line"), ["line"]),
        (("separator\u2028here",), ["separator\u2028here"]),
        (("x" * 4096,), ["x" * 4096]),
        (("é" * 4097,), ["é" * 256]),
        (("x" * 4000, "y" * 97), ["x" * 256, "y" * 97]),
        (tuple(f"{n:03}" + "x" * 300 for n in range(50)), [f"{n:03}" + "x" * 253 for n in range(16)]),
    ],
)
def test_in_tree_warnings_are_what_its_clients_get(warnings: tuple[str, ...], sent: list[str]) -> None:
    document = render_review("u", Decision(True, warnings=warnings), patch=True, in_tree=True)
    assert document["response"].get("warnings", []) == sent


def test_too_many_long_warnings_are_cut_and_the_rest_dropped() -> None:
    sent = response(Decision(True, warnings=tuple(f"{n:03}" + "x" * 300 for n in range(50))))["warnings"]
    assert len(sent) == 16
    assert {len(text) for text in sent} == {256}


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("p/k0", "p.k0"),
        (
            "validation.policy.admission.k8s.io/validation_failure",
            "validation.policy.admission.k8s.io.validation_failure",
        ),
        ("p" * 70 + "/k", "p" * 54 + "-be404203"),
    ],
)
def test_audit_annotation_keys_are_bare_names(key: str, sent: str) -> None:
    assert response(Decision(True, audit_annotations={key: "v"}))["auditAnnotations"] == {sent: "v"}
    assert len(sent) <= 63
