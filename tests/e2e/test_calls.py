"""How often the API server calls the engine: for what a policy may mind, and for nothing else.

Scheduler and kubelet are played by the test, with the requests that they send; everything else is the real
kube-controller-manager's doing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.gatekeeper import Server
from tests.e2e.harness import ADMIN, ControlPlane, Kubectl, wait_for

Json = dict[str, Any]

CALLS_TO_RUNNING = 8
"""From `kubectl create deployment` to a running pod."""
DAEMONS = "daemon-set-controller"
"""Other tests leave DaemonSets behind, which try to reach the node that is made here."""
QUIET_SECONDS = 3.0
"""Nothing comes any more when nothing has come for so long."""
NODE = "system:node:n1"
KUBELETS: Json = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "kubelets"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"}],
}
"""No node authorizer runs here."""


def calls(server: Server) -> list[Json]:
    """What was asked so far, by the engine's own log."""
    lines = (json.loads(line) for line in server.log.splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("event") == "decision"]


@contextmanager
def counted(server: Server) -> Iterator[list[str]]:
    """What is asked meanwhile about the namespace foo, until it is quiet."""
    before, found = len(calls(server)), list[str]()
    yield found
    while True:
        seen = len(calls(server))
        time.sleep(QUIET_SECONDS)
        if len(calls(server)) == seen:
            break
    for call in calls(server)[before:]:
        if call["namespace"] == "foo":
            found.append(
                " ".join(
                    str(call[key]) for key in ("webhook", "operation", "resource", "subresource", "user")
                )
            )


def bind(admin: Kubectl, pod: str) -> None:
    """As kube-scheduler does."""
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": pod, "namespace": "foo"},
        "target": {"kind": "Node", "name": "n1"},
    }
    path = f"/api/v1/namespaces/foo/pods/{pod}/binding"
    admin(
        "create",
        "--raw",
        path,
        "-f",
        "-",
        "--as=system:kube-scheduler",
        "--as-group=system:authenticated",
        stdin=json.dumps(binding),
    )


def report_running(admin: Kubectl, pod: str) -> None:
    """As a kubelet does, in the three steps it takes."""
    for phase, ready in (("Pending", "False"), ("Running", "False"), ("Running", "True")):
        conditions = [{"type": kind, "status": ready} for kind in ("Ready", "ContainersReady")]
        patch = {"status": {"phase": phase, "conditions": conditions}}
        admin(
            "patch",
            "pod",
            pod,
            "-n",
            "foo",
            "--subresource=status",
            "--type=strategic",
            f"--patch={json.dumps(patch)}",
            f"--as={NODE}",
            "--as-group=system:nodes",
            "--as-group=system:authenticated",
        )


def test_a_deployment_costs_few_calls_until_its_pod_runs(
    plane: ControlPlane, server: Server, admin: Kubectl, alice: Kubectl
) -> None:
    admin.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}, KUBELETS)
    with counted(server) as found:
        alice("create", "deployment", "counted", "--image=registry.example.com/foo/web")
        wait_for("the pod", lambda: bool(names(alice)))
        (pod,) = names(alice)
        bind(admin, pod)
        report_running(admin, pod)
        wait_for("the deployment", lambda: available(alice))
    assert available(alice)
    calls = [call for call in found if DAEMONS not in call]
    assert len(calls) <= CALLS_TO_RUNNING, "\n".join(calls)
    assert "mutate CREATE pods" in "\n".join(calls)


def names(kubectl: Kubectl) -> list[str]:
    listed: Any = kubectl.get("pods", "-l", "app=counted")
    return [item["metadata"]["name"] for item in listed["items"]]


def available(kubectl: Kubectl) -> bool:
    deployment: Any = kubectl.get("deployment", "counted")
    return bool(deployment.get("status", {}).get("availableReplicas") == 1)


def test_a_cluster_at_rest_asks_nothing(server: Server, plane: ControlPlane) -> None:
    """Leases are renewed, and the controllers look at everything."""
    wait_for("quiet", lambda: quiet(server))
    before = len(calls(server))
    time.sleep(10)
    assert calls(server)[before:] == []
    assert plane.get("/readyz", ADMIN) == b"ok"


def quiet(server: Server) -> bool:
    seen = len(calls(server))
    time.sleep(QUIET_SECONDS)
    return len(calls(server)) == seen
