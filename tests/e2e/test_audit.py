"""`gatekeeper audit --kubeconfig`: what exists in a real cluster, judged."""

from __future__ import annotations

import csv
import io
import subprocess
from typing import Any

import orjson

from tests.e2e.conftest import CLASSES, namespace
from tests.e2e.gatekeeper import COMMAND, Server
from tests.e2e.harness import ADMIN, ALICE, ControlPlane, Kubectl, wait_for
from tests.e2e.test_isolation import CONTAINER, pod, pods_of, workload
from tests.shipped import POLICIES

Json = dict[str, Any]


def audit(plane: ControlPlane, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = str(plane.kubeconfig(ADMIN))
    command = [*COMMAND, "audit", "--policies", str(POLICIES), "--kubeconfig", config, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


TAGS = "tags-labels-present"


def test_a_fresh_cluster_lacks_nothing_but_tags(bare_plane: ControlPlane) -> None:
    """The API server makes a Service in namespace default, which is a tenant of its own."""
    done = audit(bare_plane, "-o", "json")
    results = orjson.loads(done.stdout)["results"]
    assert {(result["namespace"], result["name"].partition("-")[0]) for result in results} <= {
        ("default", "kubernetes")
    }
    assert {finding["policy"] for result in results for finding in result["findings"]} <= {TAGS}


def test_what_came_before_the_webhook_is_found(bare_plane: ControlPlane) -> None:
    privileged = CONTAINER | {"securityContext": {"privileged": True}}
    kubectl = bare_plane.kubectl()
    kubectl.apply(*CLASSES, namespace("foo"))
    kubectl.apply(pod("left-over", "foo", runtimeClassName="kata", containers=[privileged]))
    done = audit(bare_plane)
    assert done.returncode == 1, done.stdout + done.stderr
    for part in ("left-over", "host-access-privileged", "foo"):
        assert part in done.stdout


# --- where the webhook is in force ---------------------------------------------------------------------

OWN = "audited"
"""How everything of these tests is called: other tests leave more behind."""


def judged(plane: ControlPlane, server: Server) -> dict[str, list[tuple[str, str]]]:
    """Level and policy of what is said of our objects in the tenant's namespace, by kind and name.

    Warnings, which their author has seen, are left out.
    """
    config = str(plane.kubeconfig(ADMIN))
    command = [*COMMAND, "audit", "--policies", str(server.policies), "--kubeconfig", config, "-o", "csv"]
    done = subprocess.run([*command, "--namespace", "foo"], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(done.stdout)):
        if row["name"].startswith(OWN) and row["level"] != "warn":
            found.setdefault(f"{row['kind']} {row['name']}", []).append((row["level"], row["policy"]))
    return found


SERVICE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": OWN},
    "spec": {"selector": {"app": OWN}, "ports": [{"port": 80}]},
}
CLAIM: Json = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": OWN},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
JOB: Json = {"template": {"spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}}
BOUND: Json = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": OWN},
    "spec": {"hard": {"configmaps": "500"}},
}


def test_what_the_webhook_admitted_is_clean_and_so_is_what_controllers_made_of_it(
    plane: ControlPlane, admin: Kubectl, alice: Kubectl, server: Server
) -> None:
    """Judged as the tenant: not one false alarm."""
    admin.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": OWN}})
    kinds = ("Deployment", "StatefulSet", "DaemonSet")
    alice.apply(
        *(workload("apps/v1", kind, f"{OWN}-{kind.lower()}") for kind in kinds), SERVICE, CLAIM, BOUND
    )
    alice.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": OWN}, "spec": JOB})
    for kind in kinds:
        pods_of(alice, f"{OWN}-{kind.lower()}", 1)
    service = f"kubernetes.io/service-name={OWN}"
    wait_for("endpoints", lambda: alice.get("endpointslices", "-l", service)["items"] != [])
    assert judged(plane, server) == {}


def test_what_tenants_are_refused_is_found_though_it_came_before_the_webhook(
    plane: ControlPlane, admin: Kubectl, server: Server
) -> None:
    """The administrator writes it, as if it had been there: the platform is refused none of it."""
    endpoints: Json = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{OWN}-by-hand", "namespace": "foo"},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.9.9.9"]}],
    }
    admin.apply(endpoints)
    found = judged(plane, server)
    admin("delete", "endpointslice", "-n", "foo", f"{OWN}-by-hand")
    assert found == {f"EndpointSlice {OWN}-by-hand": [("deny", "references-endpoints")]}


def test_the_platforms_own_is_told_and_is_no_violation(
    plane: ControlPlane, admin: Kubectl, server: Server
) -> None:
    marked: Json = {
        "name": f"{OWN}-agent",
        "namespace": "foo",
        "labels": {"tenancy.gatekeeper-py.dev/protected": "true"},
        "annotations": {"kubernetes.io/service-account.name": "default"},
    }
    secret: Json = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token"}
    admin.apply(secret | {"metadata": marked})
    found = judged(plane, server)
    admin("delete", "secret", "-n", "foo", f"{OWN}-agent")
    policies = ("tags-labels", "references-token-secrets")
    assert found == {f"Secret {OWN}-agent": [("platform", policy) for policy in policies]}


def test_who_may_list_some_kinds_is_told_all_others(bare_plane: ControlPlane) -> None:
    kubectl = bare_plane.kubectl()
    resources = "pods,namespaces,customresourcedefinitions.apiextensions.k8s.io"
    kubectl("create", "clusterrole", OWN, "--verb=list", f"--resource={resources}")
    kubectl("create", "clusterrolebinding", OWN, f"--clusterrole={OWN}", f"--user={ALICE.name}")
    config = str(bare_plane.kubeconfig(ALICE))
    command = [*COMMAND, "audit", "--policies", str(POLICIES), "--kubeconfig", config]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert 'v1 Secret: not audited: secrets is forbidden: User "alice" cannot list' in done.stdout
    assert "v1 Pod: " not in done.stdout
