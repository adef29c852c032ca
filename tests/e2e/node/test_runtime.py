"""What a tenant applies truly runs in gVisor, and what would run outside is refused."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import IN_FORCE_SECONDS
from tests.e2e.harness import ALICE, ControlPlane, Kubectl, wait_for
from tests.e2e.node.conftest import OVERHEAD, START_SECONDS, demo_pod, refusal, running, runs
from tests.e2e.node.machine import Node

Json = dict[str, Any]

GVISOR = "gvisor"
CRON_SECONDS = START_SECONDS + 60
"""A CronJob may wait a minute for its time."""


def template(name: str, **spec: object) -> Json:
    made = demo_pod(name, **spec)
    return {"metadata": {"labels": made["metadata"]["labels"]}, "spec": made["spec"]}


def workload(kind: str) -> Json:
    """A workload of one pod, labelled app=KIND."""
    name = kind.lower()
    selected = {"selector": {"matchLabels": {"app": name}}, "template": template(name)}
    job = {"template": template(name, restartPolicy="Never")}
    specs: dict[str, Json] = {
        "Deployment": {"replicas": 1, **selected},
        "StatefulSet": {"replicas": 1, "serviceName": name, **selected},
        "DaemonSet": selected,
        "Job": job,
        "CronJob": {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": job}},
    }
    group = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": specs[kind]}


KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


@pytest.fixture(scope="module")
def tenant(plane: ControlPlane, worker: Node) -> Kubectl:
    """Alice, once the node is there."""
    return plane.kubectl(ALICE, "foo")


@pytest.fixture(scope="module")
def workloads(tenant: Kubectl) -> Iterator[Kubectl]:
    """One of each kind, which start side by side; alice may ask for them."""
    tenant.apply(*map(workload, KINDS))
    yield tenant
    tenant("delete", ",".join(KINDS).lower(), "--all", "--wait=false")


@pytest.mark.parametrize("kind", KINDS)
def test_pods_of_every_workload_run_in_gvisor(workloads: Kubectl, kind: str) -> None:
    selector = f"app={kind.lower()}"
    wait_for(f"a pod of the {kind}", lambda: bool(running(workloads, selector)), CRON_SECONDS, 0.5)
    (name, *_) = running(workloads, selector)
    assert GVISOR in workloads("exec", name, "--", "uname", "-r")
    assert "Starting gVisor" in workloads("exec", name, "--", "dmesg")
    assert GVISOR in workloads("logs", name)


def test_a_pod_of_the_platform_runs_on_the_kernel_of_the_node(admin: Kubectl) -> None:
    agent = demo_pod("agent")
    agent["metadata"]["namespace"] = "kube-system"
    admin.apply(agent)
    system = Kubectl(admin.binary, admin.kubeconfig, "kube-system")
    runs(system, "agent")
    assert system("exec", "agent", "--", "uname", "-r").strip() == platform.release()
    system("delete", "pod", "agent", "--wait=false")


@pytest.mark.parametrize(
    ("spec", "policy"),
    [
        ({"runtimeClassName": "runc"}, "isolation-runtime-class"),
        ({"runtimeClassName": "kata"}, "isolation-runtime-class"),
        ({"hostNetwork": True}, "host-access-host-namespaces"),
        ({"hostPID": True}, "host-access-host-namespaces"),
        ({"hostIPC": True}, "host-access-host-namespaces"),
        ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, "host-access-host-path"),
        ({"nodeName": "n1"}, "isolation-"),
    ],
    ids=lambda value: (
        next(iter(value)) + str(next(iter(value.values())))[:6] if isinstance(value, dict) else ""
    ),
)
def test_nothing_runs_outside(tenant: Kubectl, spec: Json, policy: str) -> None:
    assert policy in tenant.refused(demo_pod("outside", **spec))
    assert tenant.run("get", "pod", "outside").returncode != 0


def test_a_tenant_binds_no_pod_to_a_node(tenant: Kubectl, plane: ControlPlane) -> None:
    tenant.apply(demo_pod("unbound", nodeSelector={"there-is": "none"}))
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "unbound", "namespace": "foo"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "n1"},
    }
    _, said = refusal(plane, "/api/v1/namespaces/foo/pods/unbound/binding", binding, ALICE)
    assert "only the scheduler binds pods to nodes" in said
    found: Json = tenant.get("pod", "unbound")
    assert "nodeName" not in found["spec"]
    tenant("delete", "pod", "unbound", "--wait=false")


def test_the_scheduler_counts_the_overhead(tenant: Kubectl, admin: Kubectl) -> None:
    """What just fits without the sandbox of its class does not fit with it."""
    room = free_millicores(admin) - 100
    assert OVERHEAD["cpu"] == "200m"
    wide = {"resources": {"requests": {"cpu": f"{room}m"}}}
    tenant.apply(demo_pod("wide", container=wide))
    wait_for(
        "the scheduler's no", lambda: "Insufficient cpu" in unscheduled(tenant, "wide"), IN_FORCE_SECONDS
    )
    tenant("delete", "pod", "wide")
    narrow = {"resources": {"requests": {"cpu": f"{room - 200}m"}}}
    tenant.apply(demo_pod("narrow", container=narrow))
    runs(tenant, "narrow")
    tenant("delete", "pod", "narrow", "--wait=false")


def unscheduled(kubectl: Kubectl, name: str) -> str:
    """Why a pod has no node yet."""
    found: Json = kubectl.get("pod", name)
    conditions = found["status"].get("conditions", ())
    return "".join(each.get("message", "") for each in conditions if each["type"] == "PodScheduled")


def free_millicores(admin: Kubectl) -> int:
    """What of the node's processors no pod has asked for."""
    node: Json = admin.get("node", "n1")
    pods: Json = admin.get("pods", "-A", "--field-selector=spec.nodeName=n1")
    asked = sum(
        millicores_of(pod) for pod in pods["items"] if pod["status"]["phase"] in ("Pending", "Running")
    )
    return millicores(node["status"]["allocatable"]["cpu"]) - asked


def millicores_of(pod: Json) -> int:
    requests = [container.get("resources", {}).get("requests", {}) for container in pod["spec"]["containers"]]
    return sum(millicores(each.get("cpu", "0")) for each in (*requests, pod["spec"].get("overhead", {})))


def millicores(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1000
