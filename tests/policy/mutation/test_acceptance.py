"""What of the metadata that policies left is refused as an API server refuses it, and before who validates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest, Operation
from gatekeeper_py.policy.mutation.acceptance import check_metadata
from gatekeeper_py.policy.mutation.mutation import StatusError

METADATA = {"name": "web", "namespace": "foo", "labels": {"app": "web"}}
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u", "controller": True}


def request(operation: Operation = "CREATE", resource: str = "pods", **fields: Any) -> AdmissionRequest:
    kind = "Namespace" if resource == "namespaces" else "Pod"
    sent = {"apiVersion": "v1", "kind": kind, "metadata": METADATA, "spec": {}}
    gvk, gvr = GroupVersionKind("", "v1", kind), GroupVersionResource("", "v1", resource)
    return AdmissionRequest("u", gvk, gvr, operation, "web", object=sent, **{"namespace": "foo", **fields})


def refusal(asked: AdmissionRequest, **metadata: Any) -> tuple[int, str] | None:
    changed: Object = {**(asked.object or {}), "metadata": {**METADATA, **metadata}}
    try:
        check_metadata(asked, changed)
    except StatusError as error:
        return error.code, str(error)
    return None


ELSEWHERE = "the namespace of the provided object does not match the namespace sent on the request"


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
def test_no_policy_moves_an_object_into_another_namespace(operation: Operation) -> None:
    assert refusal(request(operation), namespace="bar") == (400, ELSEWHERE)
    assert refusal(request(operation), namespace="") is None


@pytest.mark.parametrize("asked", [request(namespace=""), request(resource="namespaces", namespace="web")])
def test_of_what_is_of_the_whole_cluster_a_namespace_is_dropped(asked: AdmissionRequest) -> None:
    assert refusal(asked, namespace="bar") is None


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"name": ""}, 'Pod "" is invalid: metadata.name: Required value: name or generateName is required'),
        ({"finalizers": ["orphan", "foregroundDeletion"]},
         'Pod "web" is invalid: metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: '
         "finalizer orphan and foregroundDeletion cannot be both set"),
        ({"ownerReferences": [{**OWNER, "uid": ""}]},
         'Pod "web" is invalid: metadata.ownerReferences.uid: Invalid value: "": must not be empty'),
        ({"ownerReferences": [{**OWNER, "kind": "Event", "controller": False}]},
         'Pod "web" is invalid: metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event",'
         '"name":"x","uid":"u","controller":false}: /v1, Kind=Event is disallowed from being an owner'),
    ],
)  # fmt: skip
def test_it_is_refused_in_the_words_of_the_api_server(metadata: Object, said: str) -> None:
    assert refusal(request(), **metadata) == (422, said)


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"a b": "c"}},
        {"labels": {"a": "c d"}},
        {"annotations": {"a b": "c"}},
        {"finalizers": ["bad name"]},
        {"ownerReferences": [OWNER, {**OWNER, "name": "y"}]},
    ],
)
def test_what_no_api_server_stores_is_invalid(metadata: Object) -> None:
    told = refusal(request(), **metadata)
    assert told is not None
    assert told[0] == 422


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": "other"},
        {"name": "", "generateName": "web-"},
        {"labels": {"app": "web", "tenancy.example.com/tenant": "foo"}},
        {"labels": {"app": 5}},
        {"annotations": {"A": "any thing"}},
        {"ownerReferences": [OWNER]},
        {"finalizers": ["example.com/x"]},
    ],
)
def test_all_else_is_the_policies_to_change(metadata: Object) -> None:
    assert refusal(request(), **metadata) is None


def test_a_name_does_not_change_when_it_is_stored() -> None:
    told = 'Pod "other" is invalid: metadata.name: Invalid value: "other": field is immutable'
    assert refusal(request("UPDATE"), name="other") == (422, told)


def test_what_policies_left_alone_is_not_asked_about() -> None:
    asked = request()
    bad = {**(asked.object or {}), "metadata": {**METADATA, "labels": {"a b": "c"}}}
    check_metadata(replace(asked, object=bad), {**bad, "spec": {"hostNetwork": False}})
    check_metadata(request("UPDATE", subresource="status"), {**bad, "metadata": {"name": "web"}})
    check_metadata(asked, None)


def test_a_name_that_no_policy_gave_is_the_api_server_s_to_refuse() -> None:
    kind, resource = (
        GroupVersionKind("example.com", "v1", "Widget"),
        GroupVersionResource("example.com", "v1", "widgets"),
    )
    sent = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "dist_exp"}}
    asked = AdmissionRequest("u", kind, resource, "CREATE", "dist_exp", "foo", object=sent)
    check_metadata(asked, {**sent, "metadata": {"name": "dist_exp", "labels": {"a": "b"}}})
    with pytest.raises(StatusError, match="name: Invalid value"):
        check_metadata(asked, {**sent, "metadata": {"name": "other_exp"}})


def test_metadata_that_are_no_map_are_an_error_of_the_server() -> None:
    asked = request()
    with pytest.raises(StatusError, match="system metadata was not initialized") as error:
        check_metadata(asked, {**(asked.object or {}), "metadata": "x"})
    assert error.value.code == 500
