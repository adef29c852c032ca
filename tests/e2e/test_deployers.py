"""What a tenant has a GitOps controller deploy for the whole cluster is refused by the API server itself.

The controller is cluster-admin, as Argo CD is: nothing but admission keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cluster import Cluster, guarded
from tests.e2e.conftest import RBAC, namespace
from tests.e2e.harness import ControlPlane, wait_for

Json = dict[str, Any]
SECONDS = 20
ACCOUNT = "system:serviceaccount:argocd:controller"
TRACKED = "argocd.argoproj.io/tracking-id"
GITOPS = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: gitops}
spec: {trusted: true, namespaces: {names: [argocd]}}
"""
RIGHTS: Json = {
    "apiVersion": f"{RBAC}/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "argocd"},
    "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "ServiceAccount", "name": "controller", "namespace": "argocd"}],
}
OF_A_TENANT, OF_THE_PLATFORM = "foo_shop", "addons"
"""Applications: one in a tenant's namespace, one in Argo CD's own."""


@pytest.fixture(scope="module")
def cluster(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("deployers")
    tenants = folder / "policies" / "tenants"
    tenants.mkdir(parents=True)
    (tenants / "gitops.yaml").write_text(GITOPS)
    with guarded(bare_plane, folder, ("argocd",)) as made:
        made.admin.apply(RIGHTS)
        wait_for(
            "the webhook for what is deployed",
            lambda: "tenants-deputies" in deployed(made, config_map("kube-system"), OF_A_TENANT),
            SECONDS,
        )
        yield made


def config_map(where: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": where}}


def cluster_role() -> Json:
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "x"}, "rules": []}


def deployed(cluster: Cluster, value: Json, application: str = "") -> str:
    """What the API server says to an object that Argo CD has for an Application; nothing when it takes it."""
    marks = {TRACKED: f"{application}:x"} if application else {}
    marked = {**value, "metadata": {**value["metadata"], "annotations": marks}}
    arguments = ("create", "--dry-run=server", f"--as={ACCOUNT}", "-f", "-")
    return cluster.admin.run(*arguments, stdin=json.dumps(marked)).stderr


WIDE = (
    cluster_role(),
    {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "x"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/"}},
    },
    {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "x"}, "value": 1},
)


@pytest.mark.parametrize("value", WIDE, ids=lambda value: value["kind"])
def test_nothing_cluster_wide_is_made_for_a_tenant(cluster: Cluster, value: Json) -> None:
    said = deployed(cluster, value, OF_A_TENANT)
    assert "tenants-deputies" in said
    assert "hold for the whole cluster, and by its marks tenant foo has this one deployed" in said
    assert deployed(cluster, value, OF_THE_PLATFORM) == ""


def test_what_bears_no_mark_is_made_for_nobody(cluster: Cluster) -> None:
    assert "nothing tells for whom this one is" in deployed(cluster, cluster_role())


@pytest.mark.parametrize("where", ["kube-system", "argocd"])
def test_nothing_is_made_for_a_tenant_in_the_platforms_namespaces(cluster: Cluster, where: str) -> None:
    said = deployed(cluster, config_map(where), OF_A_TENANT)
    assert f'namespace "{where}" is the platform\'s, and by its marks tenant foo has' in said
    assert deployed(cluster, config_map(where), OF_THE_PLATFORM) == ""


def test_nothing_is_made_for_a_tenant_in_anothers_namespace(cluster: Cluster) -> None:
    assert "denied the request" in deployed(cluster, config_map("bar"), OF_A_TENANT)
    assert deployed(cluster, config_map("foo"), OF_A_TENANT) == ""


def test_one_namespace_is_judged_as_if_the_tenant_wrote_it(cluster: Cluster) -> None:
    assert "denied the request" in deployed(cluster, namespace("kube-evil"), OF_A_TENANT)
