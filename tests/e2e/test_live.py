"""The live view of a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper_py.cel.library.authorizer import AccessReview, Subject
from gatekeeper_py.cluster.live import LiveCluster, configuration, list_cluster
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.e2e.conftest import namespace
from tests.e2e.harness import ADMIN, ALICE, ControlPlane, wait_for

Json = dict[str, Any]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
GAUGE = GroupVersionKind("live.example.com", "v1", "Gauge")
SECONDS = 20.0

DEFINITION: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gauges.live.example.com"},
    "spec": {
        "group": "live.example.com",
        "scope": "Cluster",
        "names": {"kind": "Gauge", "plural": "gauges"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}


@pytest.fixture
def live(plane: ControlPlane) -> Iterator[LiveCluster]:
    started = LiveCluster(configuration(plane.kubeconfig(ADMIN)), [CONFIG_MAP, GAUGE])
    started.start()
    assert started.wait_until_synced(SECONDS), started.problems
    yield started
    started.stop()


def test_what_is_made_is_seen_and_what_is_deleted_is_gone(plane: ControlPlane, live: LiveCluster) -> None:
    kubectl = plane.kubectl()
    kubectl("create", "configmap", "seen", "-n", "kube-public", "--from-literal=a=b")
    wait_for("the ConfigMap", lambda: live.view.get(CONFIG_MAP, "kube-public", "seen") is not None, SECONDS)
    found = live.view.get(CONFIG_MAP, "kube-public", "seen")
    assert found is not None
    assert found["data"] == {"a": "b"}
    assert "managedFields" not in found["metadata"]
    kubectl("delete", "configmap", "seen", "-n", "kube-public")
    wait_for("its end", lambda: live.view.get(CONFIG_MAP, "kube-public", "seen") is None, SECONDS)


def test_a_new_namespace_is_seen_at_once(plane: ControlPlane, live: LiveCluster) -> None:
    plane.kubectl().apply(namespace("seen-at-once"))
    wait_for("it", lambda: live.view.get(NAMESPACE, "", "seen-at-once") is not None, SECONDS)


def test_a_kind_defined_later_is_followed_then(plane: ControlPlane, live: LiveCluster) -> None:
    kubectl = plane.kubectl()
    assert GAUGE in live.problems
    kubectl.apply(DEFINITION)
    kubectl("wait", "--for=condition=Established", "crd/gauges.live.example.com")
    kubectl.apply(
        {"apiVersion": "live.example.com/v1", "kind": "Gauge", "metadata": {"name": "g"}, "level": 3}
    )
    wait_for("the Gauge", lambda: live.view.get(GAUGE, "", "g") is not None, SECONDS)
    kubectl("delete", "crd", "gauges.live.example.com")
    wait_for("its end", lambda: live.view.get(GAUGE, "", "g") is None, SECONDS)


def test_rbac_is_decided_as_the_api_server_does(plane: ControlPlane, live: LiveCluster) -> None:
    for verb, resource, where in (("create", "pods", "foo"), ("create", "pods", "bar"), ("get", "nodes", "")):
        review = AccessReview(Subject(ALICE.name, ALICE.groups), verb, resource=resource, namespace=where)
        said = plane.kubectl(ALICE, where).run("auth", "can-i", verb, resource).stdout.strip()
        assert live.view.authorize(review).allowed is (said == "yes"), (verb, resource, where)


def test_everything_that_exists_is_listed(plane: ControlPlane) -> None:
    listing = list_cluster(configuration(plane.kubeconfig(ADMIN)))
    assert listing.problems == {}
    names = {(value["kind"], value["metadata"]["name"]) for value in listing.objects}
    assert {("Namespace", "foo"), ("RuntimeClass", "kata"), ("Service", "kubernetes")} <= names


def test_what_a_user_may_not_list_is_said(plane: ControlPlane) -> None:
    listing = list_cluster(configuration(plane.kubeconfig(ALICE)), [NAMESPACE])
    assert listing.objects == []
    assert "cannot list" in listing.problems[NAMESPACE]
