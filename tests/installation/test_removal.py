"""Taking the engine away, whatever state it is in."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.engine import load_policies
from gatekeeper_py.installation.contents import Installation
from gatekeeper_py.installation.identifiers import LABELS, NAMESPACE, NAMESPACE_KIND
from gatekeeper_py.installation.removal import NotGone, Removal
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.installation.support import Clock, Cluster

POLICIES = Installation(load_policies(()), {"a/x.yaml": "x"})


def installed() -> Cluster:
    cluster = Cluster()
    for value in POLICIES.objects():
        cluster.apply(value)
    cluster.log.clear()
    return cluster


@pytest.mark.parametrize("audit", ["hourly", "background"])
def test_what_audits_goes_too(audit: Any) -> None:
    cluster = Cluster()
    for value in Installation(load_policies(()), {"a/x.yaml": "x"}, audit=audit).objects():
        cluster.apply(value)
    removed = remove(cluster, tenants=True)
    assert cluster.objects == {}
    name = {"hourly": "audit", "background": "background"}[audit]
    roles = [f"ClusterRole gatekeeper-{name}{part}" for part in ("", "-kinds", "-reports")]
    assert set(roles) <= set(removed)


def test_pods_of_jobs_are_ended_too() -> None:
    cluster = Stuck()
    metadata = {"name": "gatekeeper-audit-1", "namespace": NAMESPACE, "labels": {"a": "b"}}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    with pytest.raises(NotGone):
        remove(cluster)
    assert "delete Pod gatekeeper-audit-1 now" in cluster.log


def remove(cluster: Cluster, *, tenants: bool = False) -> list[str]:
    clock = Clock()
    return Removal(cluster, 10, clock, clock.pause).remove(tenants=tenants)


def test_the_webhooks_go_first_and_nothing_of_the_installation_is_left() -> None:
    cluster = installed()
    removed = remove(cluster, tenants=True)
    assert cluster.objects == {}
    assert removed == [
        "MutatingWebhookConfiguration gatekeeper",
        "ValidatingWebhookConfiguration gatekeeper",
        "Deployment gatekeeper-system/gatekeeper",
        "Namespace gatekeeper-system",
        "ClusterRoleBinding gatekeeper",
        "ClusterRole gatekeeper",
        "CustomResourceDefinition tenants.tenancy.gatekeeper-py.dev",
        "CustomResourceDefinition tenancysettings.tenancy.gatekeeper-py.dev",
        "CustomResourceDefinition waivers.tenancy.gatekeeper-py.dev",
        "CustomResourceDefinition controlplanes.tenancy.gatekeeper-py.dev",
    ]


def test_tenants_stay_unless_they_are_named() -> None:
    cluster = installed()
    remove(cluster)
    left = {kind.kind for kind, _, _ in cluster.objects}
    assert left == {"CustomResourceDefinition"}


def test_done_twice_it_finds_nothing() -> None:
    cluster = installed()
    remove(cluster)
    assert remove(cluster) == []


class Stuck(Cluster):
    """Its namespaces go only when no pod is left, and pods only by force: no kubelet says that they ended."""

    def delete(self, kind: GroupVersionKind, name: str, namespace: str = "", *, now: bool = False) -> bool:
        pods = [each for each, _, _ in self.objects if each.kind == "Pod"]
        if (kind == NAMESPACE_KIND and pods) or (kind.kind == "Pod" and not now):
            return True
        return super().delete(kind, name, namespace, now=now)


def test_pods_of_nodes_that_are_gone_are_ended_by_force() -> None:
    cluster = Stuck()
    labels = {"name": "gatekeeper-1", "namespace": NAMESPACE, "labels": LABELS}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": labels})
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    with pytest.raises(NotGone) as told:
        remove(cluster)
    assert "delete Pod gatekeeper-1 now" in cluster.log
    assert str(told.value) == "not gone within 10 s: Namespace gatekeeper-system"
    assert remove(cluster) == ["Namespace gatekeeper-system"]
