"""What may be done to a pod that runs: through the tenant's own kubectl, and no further than its machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.e2e.harness import ALICE, BOB, Component, ControlPlane, Kubectl, free_port, wait_for
from tests.e2e.node.conftest import START_SECONDS, demo_pod, is_running, refusal, runs
from tests.e2e.node.images import DEMO
from tests.e2e.node.machine import Node

Json = dict[str, Any]

POD = "running"
EVICTION = "/api/v1/namespaces/foo/pods/{}/eviction"
RESOURCES = {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}


@pytest.fixture(scope="module")
def tenant(plane: ControlPlane, worker: Node) -> Iterator[Kubectl]:
    """Alice, with a pod that runs."""
    kubectl = plane.kubectl(ALICE, "foo")
    kubectl.apply(demo_pod(POD, container={"resources": RESOURCES}))
    runs(kubectl, POD)
    yield kubectl
    kubectl("delete", "pod", POD, "--wait=false", "--ignore-not-found")


def debug(kubectl: Kubectl, name: str, *options: str) -> tuple[int, str]:
    """`kubectl debug` with an ephemeral container; its exit code and what it says."""
    command = ("debug", POD, f"--image={DEMO}", "--image-pull-policy=IfNotPresent", "-c", name, *options)
    done = kubectl.run(*command, "--", "sleep", "1000")
    return done.returncode, done.stdout + done.stderr


def test_a_debugger_runs_in_the_sandbox_of_its_pod(tenant: Kubectl) -> None:
    code, said = debug(tenant, "debugger", "--profile=baseline")
    assert code == 0, said
    wait_for("the debugger", lambda: "debugger" in running_debuggers(tenant), START_SECONDS, 0.5)
    assert "gvisor" in tenant("exec", POD, "-c", "debugger", "--", "uname", "-r")


def running_debuggers(kubectl: Kubectl) -> list[str]:
    found: Json = kubectl.get("pod", POD)
    statuses = found["status"].get("ephemeralContainerStatuses", ())
    return [status["name"] for status in statuses if "running" in status["state"]]


def test_a_privileged_debugger_is_refused(tenant: Kubectl) -> None:
    code, said = debug(tenant, "root", "--profile=sysadmin")
    assert code != 0
    assert "host-access-privileged" in said


def test_nobody_debugs_the_node_from_a_namespace_of_a_tenant(admin: Kubectl, tenant: Kubectl) -> None:
    """Not even who may read nodes: the pod that `kubectl debug node/n1` makes shares the node's namespaces."""
    inside = Kubectl(admin.binary, admin.kubeconfig, "foo")
    done = inside.run("debug", "node/n1", f"--image={DEMO}", "--", "sleep", "1000")
    assert done.returncode != 0
    assert "host-access-host-namespaces" in done.stderr


def resize(kubectl: Kubectl, resources: Json) -> tuple[int, str]:
    patch = orjson.dumps({"spec": {"containers": [{"name": "web", "resources": resources}]}}).decode()
    done = kubectl.run("patch", "pod", POD, "--subresource=resize", "-p", patch)
    return done.returncode, done.stdout + done.stderr


def test_a_pod_grows_within_its_bounds(tenant: Kubectl) -> None:
    code, said = resize(tenant, {"requests": {"cpu": "60m"}, "limits": {"cpu": "120m"}})
    assert code == 0, said
    wait_for("the new limit to be in force", lambda: cpu_limit(tenant) == "120m", START_SECONDS, 0.5)


def cpu_limit(kubectl: Kubectl) -> str:
    """The limit that the runtime holds the container to."""
    found: Json = kubectl.get("pod", POD)
    resources: Json = found["status"]["containerStatuses"][0].get("resources", {})
    limit: str = resources.get("limits", {}).get("cpu", "")
    return limit


def test_a_pod_does_not_grow_past_every_bound(tenant: Kubectl) -> None:
    code, said = resize(tenant, {"limits": {"memory": "3Ti"}})
    assert code != 0
    assert "fairness-resize" in said


def test_eviction_is_the_tenants_own_affair(tenant: Kubectl, plane: ControlPlane) -> None:
    tenant.apply(demo_pod("evicted"))
    runs(tenant, "evicted")
    plane.send("POST", EVICTION.format("evicted"), eviction("evicted"), ALICE)
    wait_for("the pod to go", lambda: is_gone(tenant, "evicted"), START_SECONDS, 0.5)


def test_a_budget_holds_up_an_eviction(tenant: Kubectl, plane: ControlPlane) -> None:
    tenant.apply(budget())
    wait_for("the budget to count", lambda: budget_is_counted(tenant), START_SECONDS, 0.5)
    _, said = refusal(plane, EVICTION.format(POD), eviction(POD), ALICE)
    assert "disruption budget" in said
    tenant("delete", "poddisruptionbudget", POD)


def test_nobody_evicts_another_tenants_pod(tenant: Kubectl, plane: ControlPlane) -> None:
    code, _ = refusal(plane, EVICTION.format(POD), eviction(POD), BOB)
    assert code == HTTPStatus.FORBIDDEN


def budget() -> Json:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": POD},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": POD}}},
    }


def budget_is_counted(kubectl: Kubectl) -> bool:
    found: Json = kubectl.get("poddisruptionbudget", POD)
    return bool(found.get("status", {}).get("observedGeneration"))


def is_gone(kubectl: Kubectl, name: str) -> bool:
    return kubectl.run("get", "pod", name).returncode != 0


def eviction(name: str) -> Json:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "foo"}}


def test_ports_are_forwarded_as_far_as_a_sandbox_lets_them(tenant: Kubectl, admin: Kubectl) -> None:
    """Alice may forward; but containerd dials the pod's loopback from outside, and gVisor has one of its own."""
    tenant.apply(server_pod())
    runs(tenant, "serves")
    assert "connection refused" in forwarded(tenant, b"")
    tenant("delete", "pod", "serves", "--wait=false")
    system = Kubectl(admin.binary, admin.kubeconfig, "kube-system")
    system.apply(server_pod())
    runs(system, "serves")
    forwarded(system, b"hello\n")
    system("delete", "pod", "serves", "--wait=false")


def server_pod() -> Json:
    command = ["sh", "-c", "while true; do echo hello | nc -l -p 8080; done"]
    return demo_pod("serves", container={"command": command})


def forwarded(kubectl: Kubectl, expected: bytes) -> str:
    """What `kubectl port-forward` says while a client gets this answer."""
    port = free_port()
    arguments = ("port-forward", "-n", kubectl.namespace, "pod/serves", f"{port}:8080")
    command: list[str | Path] = [kubectl.binary, "--kubeconfig", kubectl.kubeconfig, *arguments]
    forward = Component.start(command, kubectl.kubeconfig.parent / "forward.log")
    try:
        forward.await_ready(lambda: "Forwarding from" in forward.tail())
        wait_for("an answer", lambda: answer(port) == expected, START_SECONDS, 0.5)
    finally:
        forward.stop()
    return forward.tail()


def answer(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(100)
    except OSError:
        return b""


def test_the_pod_is_as_it_was_after_all_this(tenant: Kubectl) -> None:
    found: Json = tenant.get("pod", POD)
    assert is_running(found)
    assert found["status"]["containerStatuses"][0]["restartCount"] == 0
