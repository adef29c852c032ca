from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object, Served


def definition(*versions: dict[str, Any], scope: str = "Namespaced") -> Object:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": scope,
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": list(versions),
        },
    }


V1 = {"name": "v1", "served": True, "subresources": {"status": {}}}
V2 = {"name": "v2", "served": True, "subresources": {"scale": {}, "status": {}}}
V3 = {"name": "v3", "served": False}


@pytest.mark.parametrize(
    ("kind", "resource", "namespaced"),
    [
        (("", "v1", "Pod"), ("", "v1", "pods"), True),
        (("", "v1", "Namespace"), ("", "v1", "namespaces"), False),
        (
            ("networking.k8s.io", "v1", "NetworkPolicy"),
            ("networking.k8s.io", "v1", "networkpolicies"),
            True,
        ),
        (("node.k8s.io", "v1", "RuntimeClass"), ("node.k8s.io", "v1", "runtimeclasses"), False),
        (("", "v1", "Endpoints"), ("", "v1", "endpoints"), True),
    ],
)
def test_built_in_kinds(kind: tuple[str, str, str], resource: tuple[str, str, str], namespaced: bool) -> None:
    kinds = Kinds.builtin()
    served = Served(GroupVersionKind(*kind), GroupVersionResource(*resource), namespaced)
    assert kinds.served(served.kind) == served
    assert kinds.resource(served.resource) == served


def test_unknown_kinds_and_resources_are_none() -> None:
    kinds = Kinds.builtin()
    assert kinds.served(GroupVersionKind("a", "v1", "B")) is None
    assert kinds.resource(GroupVersionResource("a", "v1", "bs")) is None
    assert kinds.equivalents(GroupVersionResource("a", "v1", "bs")) == ()


def test_custom_kinds_are_served_in_their_served_versions() -> None:
    kinds = Kinds.builtin().with_definitions([definition(V1, V2, V3)])
    served = kinds.served(GroupVersionKind("example.com", "v1", "Widget"))
    assert served is not None
    assert served.namespaced
    assert served.resource == GroupVersionResource("example.com", "v1", "widgets")
    assert kinds.served(GroupVersionKind("example.com", "v3", "Widget")) is None
    assert kinds.served(GroupVersionKind("", "v1", "Pod")) is not None


def test_versions_of_a_custom_kind_are_equivalent() -> None:
    kinds = Kinds.builtin().with_definitions([definition(V1, V2, V3, scope="Cluster")])
    first = GroupVersionResource("example.com", "v1", "widgets")
    second = Served(
        GroupVersionKind("example.com", "v2", "Widget"),
        GroupVersionResource("example.com", "v2", "widgets"),
        False,
    )
    assert kinds.equivalents(first) == (second,)
    scale = kinds.equivalents(first, "scale")
    assert [other.kind for other in scale] == [GroupVersionKind("autoscaling", "v1", "Scale")]
    assert kinds.equivalents(second.resource, "scale") == ()


@pytest.mark.parametrize(
    ("resource", "subresource", "equivalents"),
    [
        (
            ("autoscaling", "v2", "horizontalpodautoscalers"),
            "status",
            [("autoscaling", "v1", "horizontalpodautoscalers")],
        ),
        (("", "v1", "events"), "", [("events.k8s.io", "v1", "events")]),
        (("events.k8s.io", "v1", "events"), "", [("", "v1", "events")]),
        (("apps", "v1", "deployments"), "", []),
        (("autoscaling", "v2", "horizontalpodautoscalers"), "scale", []),
    ],
)
def test_built_in_equivalents(
    resource: tuple[str, str, str], subresource: str, equivalents: list[tuple[str, str, str]]
) -> None:
    found = Kinds.builtin().equivalents(GroupVersionResource(*resource), subresource)
    assert [tuple(other.resource) for other in found] == equivalents


def test_subresources_take_their_own_kinds() -> None:
    pods = Kinds.builtin().resources[GroupVersionResource("", "v1", "pods")]
    assert pods.kind("") == GroupVersionKind("", "v1", "Pod")
    assert pods.kind("exec") == GroupVersionKind("", "v1", "PodExecOptions")
    assert pods.kind("eviction") == GroupVersionKind("policy", "v1", "Eviction")
    assert pods.kind("status") == GroupVersionKind("", "v1", "Pod")
    assert pods.kind("scale") is None


@pytest.mark.parametrize(
    "spec",
    [
        None,
        [],
        {},
        {"names": []},
        {"names": {}, "versions": None},
        {"names": {}, "versions": ["v1"]},
        {"names": {}, "versions": [{"name": "v1", "served": False}]},
    ],
)
def test_definitions_without_sense_define_nothing(spec: Any) -> None:
    assert Kinds.builtin().with_definitions([{"spec": spec}]) is Kinds.builtin()
