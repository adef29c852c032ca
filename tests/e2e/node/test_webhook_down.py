"""The webhook is gone: what runs goes on, nothing of a tenant starts, and the cluster heals without it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import IN_FORCE_SECONDS
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import ALICE, ControlPlane, Kubectl, wait_for
from tests.e2e.node.conftest import START_SECONDS, demo_pod, is_running, running, runs
from tests.e2e.node.machine import Node, node
from tests.e2e.node.test_runtime import workload

Json = dict[str, Any]

COUNTS = 'i=0; while true; do echo "$((i += 1))"; sleep 0.2; done'
"""A pod that says each moment that it still runs."""
ENDS = "sleep 8"
"""One that a kubelet has to start again and again."""


def shell(name: str, command: str) -> Json:
    return demo_pod(name, container={"command": ["sh", "-c", command]})


@pytest.fixture(scope="module")
def tenant(plane: ControlPlane, worker: Node) -> Iterator[Kubectl]:
    """Alice, with pods that run and a workload, before the webhook goes."""
    kubectl = plane.kubectl(ALICE, "foo")
    kubectl.apply(shell("counts", COUNTS), shell("ends", ENDS), workload("Deployment"))
    runs(kubectl, "counts")
    runs(kubectl, "ends")
    wait_for("the Deployment", lambda: len(running(kubectl, "app=deployment")) == 1, START_SECONDS, 0.5)
    yield kubectl
    kubectl("delete", "deployment,pod", "--all", "--wait=false")


@pytest.fixture(scope="class")
def outage(tenant: Kubectl, server: Server) -> Iterator[None]:
    """No webhook during all tests of the class that asks for it."""
    with server.stopped():
        yield


@pytest.mark.usefixtures("outage")
class TestWhileItIsDown:
    def test_pods_run_on(self, tenant: Kubectl) -> None:
        before = last_count(tenant)
        wait_for("the pod to count on", lambda: last_count(tenant) > before + 5, IN_FORCE_SECONDS)

    def test_a_container_that_ended_is_started_again(self, tenant: Kubectl) -> None:
        before = restarts(tenant, "ends")
        wait_for("another start", lambda: restarts(tenant, "ends") > before, START_SECONDS, 0.5)

    def test_new_pods_of_tenants_are_refused(self, tenant: Kubectl) -> None:
        assert "failed calling webhook" in tenant.refused(demo_pod("unguarded"))
        assert "failed calling webhook" in tenant.refused(workload("DaemonSet"))

    def test_controllers_start_none_for_them(self, tenant: Kubectl) -> None:
        (name,) = running(tenant, "app=deployment")
        tenant.run("delete", "pod", name, "--wait=false")
        tenant.run("scale", "deployment/deployment", "--replicas=3")
        time.sleep(5)  # nothing to wait for: that it does not happen is what is tested
        assert set(running(tenant, "app=deployment")) <= {name}

    def test_the_platform_starts_pods(self, admin: Kubectl) -> None:
        system = Kubectl(admin.binary, admin.kubeconfig, "kube-system")
        system.apply(demo_pod("healer"))
        runs(system, "healer")
        system("delete", "pod", "healer", "--wait=false")

    def test_a_node_joins_and_is_ready(
        self, plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        with node(plane, tmp_path_factory.mktemp("second"), "n2", 1) as joined:
            assert joined.is_ready()
            plane.kubectl()("cordon", "n2")
        plane.kubectl()("delete", "node", "n2", "--wait=false")


def test_when_it_is_back_the_workload_is_whole_again(tenant: Kubectl, server: Server) -> None:
    tenant("scale", "deployment/deployment", "--replicas=2")
    wait_for("both pods", lambda: len(running(tenant, "app=deployment")) == 2, START_SECONDS, 0.5)
    for name in running(tenant, "app=deployment"):
        assert "gvisor" in tenant("exec", name, "--", "uname", "-r")
    found: Json = tenant.get("pod", "counts")
    assert is_running(found)
    assert restarts(tenant, "counts") == 0


def last_count(kubectl: Kubectl) -> int:
    return int(kubectl("logs", "counts", "--tail=1") or 0)


def restarts(kubectl: Kubectl, name: str) -> int:
    found: Json = kubectl.get("pod", name)
    count: int = found["status"]["containerStatuses"][0]["restartCount"]
    return count
