"""A tenant's own cluster: its own objects, but classes count as the host has them."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cel import AccessReview, Subject
from gatekeeper_py.cluster.overlay import Overlay
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Guarded, Stale, StaleView
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource

CLASS = GroupVersionKind("node.k8s.io", "v1", "RuntimeClass")
NAMESPACE = GroupVersionKind("", "v1", "Namespace")
CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")


def runtime_class(name: str, handler: str) -> dict[str, Any]:
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": handler,
    }


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}}


OWN = Snapshot(
    [runtime_class("kata", "runc"), runtime_class("mine", "kata"), config_map("own")], complete=True
)
HOST = Snapshot(
    [runtime_class("kata", "kata"), runtime_class("runc", "runc"), config_map("host")], complete=True
)
VIEW = Overlay(OWN, HOST)


def test_a_class_is_the_hosts_of_that_name() -> None:
    found = VIEW.get(CLASS, "", "kata")
    assert found is not None
    assert found["handler"] == "kata"
    assert [each["handler"] for each in VIEW.list(CLASS)] == ["kata"]


@pytest.mark.parametrize("name", ["mine", "runc", "none"])
def test_a_class_that_only_one_of_both_has_is_none(name: str) -> None:
    assert VIEW.get(CLASS, "", name) is None


def test_all_else_is_the_tenants_own() -> None:
    assert VIEW.get(CONFIG_MAP, "a", "own") is not None
    assert VIEW.get(CONFIG_MAP, "a", "host") is None
    assert [each["metadata"]["name"] for each in VIEW.list(CONFIG_MAP)] == ["own"]


def test_what_the_host_does_not_know_of_classes_nobody_knows() -> None:
    assert VIEW.knows(CLASS)
    assert not Overlay(OWN, Snapshot()).knows(CLASS)
    assert Overlay(OWN, Snapshot()).knows(CONFIG_MAP)


def test_documents_that_say_what_holds_are_the_hosts_alone() -> None:
    kind = GroupVersionKind("", "v1", "ConfigMap")
    tenants = GroupVersionKind("example.com", "v1", "Tenant")
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "tenants.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Cluster",
            "names": {"kind": "Tenant", "plural": "tenants"},
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    }
    own, host = (
        Snapshot(
            [definition, {"apiVersion": "example.com/v1", "kind": "Tenant", "metadata": {"name": name}}],
            complete=True,
        )
        for name in ("forged", "real")
    )
    view = Overlay(own, host, "example.com")
    assert [each["metadata"]["name"] for each in view.list(tenants)] == ["real"]
    assert view.get(tenants, "", "forged") is None
    assert view.get(tenants, "", "real") is not None
    assert Overlay(own, host).get(tenants, "", "forged") is not None
    assert view.get(kind, "a", "own") is None


def test_kinds_and_rights_are_the_tenants_own() -> None:
    served = VIEW.served(CONFIG_MAP)
    assert served is not None
    assert VIEW.resource(served.resource) == served
    assert VIEW.resource(GroupVersionResource("example.com", "v1", "widgets")) is None
    assert VIEW.equivalents(served.resource) == ()
    assert not VIEW.authorize(AccessReview(Subject("alice", ()), "get", resource="pods")).allowed


@pytest.mark.parametrize("which", ["own", "host"])
def test_who_goes_on_by_what_was_known_last_goes_on_by_both(which: str) -> None:
    stale = {CLASS: Stale(CLASS, 40.0, "gone")}
    own = Guarded(OWN, stale) if which == "own" else OWN
    host = Guarded(HOST, stale) if which == "host" else HOST
    with pytest.raises(StaleView) as told:
        Overlay(own, host).get(CLASS, "", "kata")
    found = told.value.last.get(CLASS, "", "kata")
    assert found is not None
    assert found["handler"] == "kata"
