"""What each kind of expression sees of a request."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cel.library.authorizer import Subject
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.evaluation.activation import Facts, NamespaceMissing, describe
from gatekeeper_py.policy.evaluation.extension import Extension
from gatekeeper_py.policy.matching.match import Match
from tests.policy.support import CONFIG_MAP, Json, request

NAMESPACE: Json = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "cases", "labels": {"a": "b"}, "managedFields": [{}], "ownerReferences": [{}]},
    "spec": {"finalizers": ["kubernetes"]},
}
TRIMMED: Json = {"metadata": {"name": "cases", "labels": {"a": "b"}}, "spec": {"finalizers": ["kubernetes"]}}
CLUSTER = Snapshot((NAMESPACE,), complete=True)
PARAMS: Json = {"data": {"p": "1"}}
OLD: Json = {"metadata": {"name": "old"}}

V1 = GroupVersionKind("apps", "v1", "Deployment")
BETA = GroupVersionKind("extensions", "v1beta1", "Deployment")
V1_RESOURCE = GroupVersionResource("apps", "v1", "deployments")
BETA_RESOURCE = GroupVersionResource("extensions", "v1beta1", "deployments")


def matched(asked: AdmissionRequest) -> Match:
    return Match(asked.kind, asked.resource)


def words(way: str, asked: AdmissionRequest, match: Match | None = None, **given: Any) -> dict[str, Any]:
    facts = Facts(asked, CLUSTER, given.get("extensions", ()))
    found: dict[str, Any] = getattr(facts, way)(match or matched(asked), CONFIG_MAP, PARAMS)
    return found


SEEN = {
    "condition": (None, True),
    "validation": (TRIMMED, True),
    "message": (TRIMMED, False),
    "annotation": (NAMESPACE, False),
    "mutation": (NAMESPACE, True),
}


@pytest.mark.parametrize(("way", "namespace", "authorized"), [(way, *seen) for way, seen in SEEN.items()])
def test_each_kind_of_expression_has_its_words(way: str, namespace: Json | None, authorized: bool) -> None:
    found = words(way, request(CONFIG_MAP, old_object=OLD))
    shown = found["namespaceObject"]
    names = namespace and namespace.keys()
    assert (shown and {name: shown[name] for name in names or ()}) == namespace
    assert (shown and shown["metadata"]) == (namespace and namespace["metadata"])
    assert [found[name] for name in ("object", "oldObject", "params")] == [CONFIG_MAP, OLD, PARAMS]
    for name in ("authorizer", "authorizer.requestResource"):
        if authorized:
            assert found[name] is found[name]
        else:
            with pytest.raises(KeyError):
                _ = found[name]


@pytest.mark.parametrize("way", SEEN)
def test_only_match_conditions_see_the_resource_as_it_was_sent(way: str) -> None:
    converted = request(
        kind=V1, resource=V1_RESOURCE, request_kind=BETA, request_resource=BETA_RESOURCE, namespace="cases"
    )
    shown = words(way, converted, Match(V1, V1_RESOURCE))["request"]
    expected = "v1beta1" if way == "condition" else "v1"
    assert (shown["kind"]["version"], shown["resource"]["version"]) == ("v1", expected)
    assert (shown["requestKind"]["version"], shown["requestResource"]["version"]) == ("v1beta1", "v1beta1")


def test_one_policy_s_resource_is_not_shown_to_the_next() -> None:
    facts = Facts(request(CONFIG_MAP), CLUSTER, ())
    matches = [Match(V1, V1_RESOURCE), Match(V1, BETA_RESOURCE), Match(BETA, BETA_RESOURCE)]
    shown = [facts.validation(match, CONFIG_MAP, None)["request"] for match in matches]
    assert [each["kind"]["version"] for each in shown] == ["v1", "v1", "v1beta1"]
    assert [each["resource"]["version"] for each in shown] == ["v1", "v1beta1", "v1beta1"]


def test_the_authorizer_is_asked_about_the_user_and_what_was_sent() -> None:
    user = UserInfo("eve", "7", ("g",), {"k": ("v",)})
    asked = request(
        CONFIG_MAP, user=user, resource=V1_RESOURCE, request_resource=BETA_RESOURCE, subresource="scale"
    )
    resource = words("validation", asked)["authorizer.requestResource"]
    shown = (resource.group.group, resource.resource, resource.subresource, resource.namespace, resource.name)
    assert shown == ("extensions", "deployments", "scale", "cases", "x")
    assert resource.group.asking.subject == Subject("eve", ("g",), "7", {"k": ("v",)})


def test_what_is_empty_is_absent_from_the_request() -> None:
    bare = request(name="", namespace="", user=UserInfo())
    shown = describe(bare, matched(bare))
    assert not shown.keys() & {"subResource", "requestSubResource", "name", "namespace"}
    assert (shown["userInfo"], shown["dryRun"], shown["options"]) == ({}, False, None)


def test_the_request_is_described_whole() -> None:
    user = UserInfo("eve", "7", ("g",), {"k": ("v",)})
    asked = request(CONFIG_MAP, user=user, subresource="scale", dry_run=True, options={"a": 1})
    kind = {"group": "", "version": "v1", "kind": "ConfigMap"}
    resource = {"group": "", "version": "v1", "resource": "configmaps"}
    assert describe(asked, matched(asked)) == {
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "operation": "CREATE",
        "userInfo": {"username": "eve", "uid": "7", "groups": ["g"], "extra": {"k": ["v"]}},
        "dryRun": True,
        "options": {"a": 1},
        "subResource": "scale",
        "requestSubResource": "scale",
        "name": "x",
        "namespace": "cases",
    }


def test_the_subresource_as_it_was_sent_stands_apart() -> None:
    asked = request(CONFIG_MAP, subresource="scale", request_subresource="status")
    shown = describe(asked, matched(asked))
    assert (shown["subResource"], shown["requestSubResource"]) == ("scale", "status")


@pytest.mark.parametrize(
    "asked",
    [
        request({**NAMESPACE, "metadata": {"name": "new"}}, namespace="new"),
        request({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}),
    ],
    ids=["a namespace in itself", "what is cluster-wide"],
)
def test_what_belongs_to_no_namespace_has_none(asked: AdmissionRequest) -> None:
    facts = Facts(asked, CLUSTER, ())
    facts.require_namespace()
    assert facts.namespace is None
    assert words("validation", asked)["namespaceObject"] is None


@pytest.mark.parametrize("way", [way for way in SEEN if way != "condition"])
def test_a_namespace_that_does_not_exist_is_missing_not_null(way: str) -> None:
    with pytest.raises(NamespaceMissing, match=r'^namespaces "gone" not found$'):
        words(way, request(CONFIG_MAP, namespace="gone"))


def test_a_match_condition_needs_no_namespace() -> None:
    assert words("condition", request(CONFIG_MAP, namespace="gone"))["namespaceObject"] is None


def test_an_extension_adds_words_once_a_request_and_hides_none_of_kubernetes() -> None:
    calls: list[AdmissionRequest] = []

    def activation(asked: AdmissionRequest, cluster: ClusterView) -> dict[str, object]:
        calls.append(asked)
        return {"tenant": cluster is CLUSTER, "object": "forged", "request": "forged"}

    asked = request(CONFIG_MAP)
    facts = Facts(asked, CLUSTER, (Extension(activation=activation),))
    for _ in range(2):
        found = facts.validation(matched(asked), CONFIG_MAP, None)
        assert (found["tenant"], found["object"], found["request"]["name"]) == (True, CONFIG_MAP, "x")
    assert calls == [asked]
