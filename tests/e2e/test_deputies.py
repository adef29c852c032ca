"""Controllers of the control plane do to the platform's objects only what the platform has them do.

kube-controller-manager runs, with an account for each controller; what it deletes, adopts and makes is real.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper_py.tenancy.tenant import Claim, Tenancy, Tenant
from gatekeeper_py.webhook.registration import Client, configurations
from tests.e2e.harness import ControlPlane, Kubectl, wait_for

PROTECTED = {"tenancy.gatekeeper-py.dev/protected": "true"}
SECONDS = 30
"""How long a controller may take to do its work."""
PATIENCE_SECONDS = 5
"""How long a controller is given to do what it must not do. Measured: adoption takes under one second."""
Json = dict[str, Any]


def pod(name: str, labels: Json | None = None, **spec: Any) -> Json:
    metadata = {"name": name, "namespace": "foo", "labels": labels or {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template(name, **spec)["spec"]}


def template(app: str, **spec: Any) -> Json:
    containers = [{"name": "web", "image": "nginx"}]
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": containers, **spec}}


def workload(kind: str, name: str, labels: Json | None = None, **spec: Any) -> Json:
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "foo", "labels": labels or {}},
        "spec": {"replicas": 1, "selector": selector, "template": template(name), **spec},
    }


def items(kubectl: Kubectl, kind: str, selector: str) -> list[Json]:
    found: Any = kubectl.get(kind, "-n", "foo", "-l", selector)
    return list(found["items"])


@pytest.fixture
def agent(admin: Kubectl) -> Iterator[Json]:
    """A Deployment of the platform in the tenant's namespace: the name of its ReplicaSet and of its pod."""
    admin.apply(workload("Deployment", "agent", PROTECTED))
    wait_for("the pod of the agent", lambda: bool(items(admin, "pods", "app=agent")), SECONDS)
    names = {kind: items(admin, kind, "app=agent")[0]["metadata"]["name"] for kind in ("pods", "replicasets")}
    yield names
    admin("delete", "deployment", "agent", "-n", "foo", "--ignore-not-found", "--cascade=foreground")


def test_nothing_below_the_platforms_workload_is_touched(agent: Json, alice: Kubectl) -> None:
    for command in (
        ("delete", "pod", agent["pods"]),
        ("delete", "pods", "-l", "app=agent"),
        ("delete", "replicaset", agent["replicasets"]),
        ("label", "pod", agent["pods"], "app=none", "--overwrite"),
        ("scale", "replicaset", agent["replicasets"], "--replicas=0"),
        ("annotate", "replicaset", agent["replicasets"], "a=b"),
    ):
        assert "was put here by the platform" in alice.run(*command).stderr, command


def test_its_own_controllers_roll_it_out_and_clean_it_up(agent: Json, admin: Kubectl) -> None:
    admin("set", "image", "deployment/agent", "web=nginx:2", "-n", "foo")
    wait_for("a second ReplicaSet", lambda: len(items(admin, "replicasets", "app=agent")) == 2, SECONDS)
    admin("scale", "deployment", "agent", "--replicas=0", "-n", "foo")
    wait_for("no pods", lambda: not items(admin, "pods", "app=agent"), SECONDS)
    admin("delete", "deployment", "agent", "-n", "foo")
    wait_for("no ReplicaSets", lambda: not items(admin, "replicasets", "app=agent"), SECONDS)


def test_a_bare_pod_is_not_adopted_now(admin: Kubectl, alice: Kubectl) -> None:
    admin.apply(pod("bare", {"app": "bare", **PROTECTED}))
    assert "reaches Pod" in alice.refused(workload("ReplicaSet", "bare", replicas=0))
    admin("delete", "pod", "bare", "-n", "foo", "--now")


def test_a_bare_pod_is_not_adopted_later(admin: Kubectl, alice: Kubectl) -> None:
    alice.apply(workload("ReplicaSet", "late", replicas=0))
    admin.apply(pod("late", {"app": "late", **PROTECTED}))
    time.sleep(PATIENCE_SECONDS)
    found: Any = admin.get("pod", "late", "-n", "foo")
    assert "ownerReferences" not in found["metadata"]
    assert "deletionTimestamp" not in found["metadata"]
    admin("delete", "pod/late", "replicaset/late", "-n", "foo", "--now")


def test_a_claim_of_the_platform_is_not_taken_over(admin: Kubectl, alice: Kubectl) -> None:
    admin.apply(claim("data-audit-0"))
    claims = [{"metadata": {"name": "data"}, "spec": claim("")["spec"]}]
    retention = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    mine = workload(
        "StatefulSet",
        "audit",
        serviceName="audit",
        volumeClaimTemplates=claims,
        persistentVolumeClaimRetentionPolicy=retention,
    )
    assert "reaches PersistentVolumeClaim" in alice.refused(mine)
    admin("delete", "pvc", "data-audit-0", "-n", "foo")


def claim(name: str) -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": name, "namespace": "foo", "labels": PROTECTED}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def test_an_ephemeral_claim_is_made_but_bears_no_mark(admin: Kubectl, alice: Kubectl) -> None:
    def scratch(labels: Json) -> list[Json]:
        made = {"metadata": {"labels": labels}, "spec": claim("")["spec"]}
        return [{"name": "tmp", "ephemeral": {"volumeClaimTemplate": made}}]

    assert "tags-templates" in alice.refused(pod("forged", volumes=scratch(PROTECTED)))
    alice.apply(pod("honest", volumes=scratch({"app": "honest"})))
    wait_for("the claim", lambda: bool(items(admin, "pvc", "app=honest")), SECONDS)
    alice("delete", "pod", "honest", "--now")


def test_a_tenants_own_workloads_are_its_own(admin: Kubectl, alice: Kubectl) -> None:
    alice.apply(pod("orphan", {"app": "own"}))
    alice.apply(workload("ReplicaSet", "own", replicas=1))
    wait_for("the adoption", lambda: bool(_owners(admin, "orphan")), SECONDS)
    alice("scale", "replicaset", "own", "--replicas=0")
    wait_for("no pods", lambda: not items(admin, "pods", "app=own"), SECONDS)
    alice("delete", "replicaset", "own")


def _owners(kubectl: Kubectl, name: str) -> object:
    found: Any = kubectl.get("pod", name, "-n", "foo")
    return found["metadata"].get("ownerReferences")


ARGO = ("--as=system:serviceaccount:argocd:controller", "--as-group=system:masters")
"""With every right there is, as Argo CD has, by a group that the tenancy of this test does not trust."""
TRACKED = "argocd.argoproj.io/tracking-id"
DEPLOYERS = (
    Tenant("platform", trusted=True, writes_as_platform=True, claim=Claim(names=("kube-system",))),
    Tenant("gitops", trusted=True, claim=Claim(names=("argocd",))),
)


def test_what_a_tenant_has_deployed_into_kube_system_is_asked_about(bare_plane: ControlPlane) -> None:
    """Nobody answers at that address: what is asked about fails, and what is not passes."""
    nowhere = Client(url="https://127.0.0.1:1")
    validating = configurations(nowhere, Tenancy(tenants=DEPLOYERS))[1]
    asking = [each for each in validating["webhooks"] if each["name"].startswith("deputies.")]
    kubectl = bare_plane.kubectl()
    kubectl.apply({**validating, "webhooks": asking})
    try:
        wait_for(
            "the webhook to be asked",
            lambda: "deputies." in deployed(kubectl, "kube-system", "foo_app"),
            SECONDS,
        )
        assert deployed(kubectl, "kube-system", "app") == ""
        assert deployed(kubectl, "default", "foo_app") == ""
    finally:
        kubectl("delete", "validatingwebhookconfiguration", validating["metadata"]["name"])


def deployed(kubectl: Kubectl, namespace: str, application: str) -> str:
    """What the API server says to an object that Argo CD has for an Application; nothing when it takes it."""
    metadata = {
        "name": application.replace("_", "-"),
        "namespace": namespace,
        "annotations": {TRACKED: f"{application}:x"},
    }
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    return kubectl.run("create", "--dry-run=server", "-f", "-", *ARGO, stdin=json.dumps(value)).stderr
