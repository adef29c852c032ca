"""A tenant's pods land on a real virtual node and nowhere else, others' never; what it cannot honour is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import IN_FORCE_SECONDS
from tests.e2e.harness import ADMIN, ALICE, ControlPlane, Kubectl, Unavailable, User, wait_for
from tests.e2e.node.conftest import CAROL, START_SECONDS, demo_pod, is_running, refusal, runs
from tests.e2e.node.machine import SCHEDULER, Node
from tests.e2e.node.virtual_kubelet import VIRTUAL, build, virtual_node

Json = dict[str, Any]

REAL = "n1"


@pytest.fixture(scope="module", autouse=True)
def _virtual(plane: ControlPlane, worker: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The virtual node, beside the real one."""
    try:
        build()
    except Unavailable as error:
        pytest.skip(str(error))
    with virtual_node(plane, tmp_path_factory.mktemp("virtual")):
        yield


@pytest.fixture(scope="module")
def carol(plane: ControlPlane, worker: Node) -> Iterator[Kubectl]:
    """The owner of the tenant that runs on virtual nodes."""
    kubectl = plane.kubectl(CAROL, "cloud")
    yield kubectl
    # Waits: where their node is gone nobody says that they have ended.
    kubectl("delete", "deployments,pods", "--all", "--timeout=60s")


@pytest.fixture(scope="module")
def alice(plane: ControlPlane, worker: Node) -> Iterator[Kubectl]:
    kubectl = plane.kubectl(ALICE, "foo")
    yield kubectl
    kubectl("delete", "pods", "--all", "--wait=false")


def node_of(kubectl: Kubectl, name: str) -> str:
    found: Json = kubectl.get("pod", name)
    node: str = found["spec"].get("nodeName", "")
    return node


def test_the_tenants_pod_lands_on_the_virtual_node_and_runs(carol: Kubectl) -> None:
    carol.apply(demo_pod("web"))
    runs(carol, "web")
    found: Json = carol.get("pod", "web")
    assert found["spec"]["nodeName"] == VIRTUAL
    assert found["spec"]["nodeSelector"] == {"type": "virtual-kubelet"}
    assert "runtimeClassName" not in found["spec"]
    assert found["status"]["hostIP"] == "1.2.3.4"  # the mock's: it runs nothing


def test_so_do_those_of_its_workloads(carol: Kubectl) -> None:
    template = {"metadata": {"labels": {"app": "shop"}}, "spec": demo_pod("shop")["spec"]}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "shop"}}, "template": template}
    carol.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec})

    def pods() -> list[Json]:
        found: Json = carol.get("pods", "-l", "app=shop")
        return [pod for pod in found["items"] if is_running(pod)]

    wait_for("three pods", lambda: len(pods()) == 3, START_SECONDS, 0.5)
    assert {pod["spec"]["nodeName"] for pod in pods()} == {VIRTUAL}
    made: Json = carol.get("deployment", "shop")
    assert made["spec"]["template"]["spec"]["nodeSelector"] == {"type": "virtual-kubelet"}


def test_another_tenants_pod_stays_off_it(alice: Kubectl) -> None:
    alice.apply(demo_pod("off"))
    runs(alice, "off")
    assert node_of(alice, "off") == REAL


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"nodeSelector": {"type": "virtual-kubelet"}}, "selects virtual nodes (virtual-kubelet)"),
        (
            {"tolerations": [{"key": "virtual-kubelet.io/provider", "operator": "Exists"}]},
            '"virtual-kubelet.io/provider", which is kept for others',
        ),
        ({"nodeName": VIRTUAL}, "the scheduler chooses nodes"),
    ],
    ids=["selector", "toleration", "nodeName"],
)
def test_another_tenant_does_not_ask_for_it(alice: Kubectl, spec: Json, said: str) -> None:
    assert said in alice.refused(demo_pod("stray", **spec))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"nodeSelector": {"type": "metal"}}, "must have type=virtual-kubelet"),
        ({"nodeName": REAL}, "the scheduler chooses nodes"),
        ({"runtimeClassName": "gvisor"}, 'asks for runtimeClassName "gvisor"'),
        ({"hostNetwork": True}, "asks for hostNetwork"),
        ({"container": {"ports": [{"containerPort": 80, "hostPort": 80}]}}, "asks for hostPort"),
        ({"container": {"securityContext": {"privileged": True}}}, "asks for a privileged container"),
        (
            {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
            'has "data" of kind persistentVolumeClaim',
        ),
    ],
    ids=["other nodes", "nodeName", "class", "hostNetwork", "hostPort", "privileged", "claim"],
)
def test_its_tenant_asks_for_nothing_that_it_cannot_honour(carol: Kubectl, spec: Json, said: str) -> None:
    assert said in carol.refused(demo_pod("bare", **spec))


def test_a_daemon_set_is_refused(carol: Kubectl) -> None:
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": demo_pod("agent")["spec"]}
    spec = {"selector": {"matchLabels": {"app": "agent"}}, "template": template}
    daemon = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": spec}
    assert "asks for a pod on each node" in carol.refused(daemon)


def test_a_command_that_would_do_nothing_is_refused(carol: Kubectl, plane: ControlPlane) -> None:
    """The mock provider says that all went well: that is what an administrator gets, and what carol is spared."""
    lied = plane.kubectl(ADMIN, "cloud").run("exec", "web", "--", "false")
    assert (lied.returncode, lied.stdout) == (0, "")
    refused = carol.run("exec", "web", "--", "id")
    assert refused.returncode != 0
    assert 'pod "web" is on virtual nodes (virtual-kubelet) that have no exec' in refused.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("attach", "web"), "have no attach"),
        (("port-forward", "pod/web", "18080:80"), "have no port-forward"),
        (("debug", "web", "--image=example.test/demo:1", "-c", "debug"), "another ephemeral container"),
    ],
    ids=["attach", "port-forward", "debug"],
)
def test_nor_is_there_another_way_in(carol: Kubectl, command: tuple[str, ...], said: str) -> None:
    refused = carol.run(*command)
    assert refused.returncode != 0
    assert said in refused.stderr


def test_its_logs_are_not_admissions_to_refuse(carol: Kubectl) -> None:
    assert carol("logs", "web") == ""


@pytest.mark.parametrize(
    ("user", "tenant", "node", "said"),
    [
        (CAROL, "cloud", VIRTUAL, "only the scheduler binds pods to nodes"),
        (CAROL, "cloud", REAL, "only the scheduler binds pods to nodes"),
        (
            SCHEDULER,
            "cloud",
            REAL,
            "which is none of the virtual nodes (virtual-kubelet) that tenant cloud runs on only",
        ),
        (SCHEDULER, "foo", VIRTUAL, "a virtual node (virtual-kubelet) that tenant foo was not granted"),
        (ADMIN, "foo", VIRTUAL, "a virtual node (virtual-kubelet) that tenant foo was not granted"),
    ],
    ids=["tenant", "tenant elsewhere", "scheduler elsewhere", "scheduler another's", "administrator"],
)
def test_nobody_binds_a_pod_to_the_wrong_side(
    plane: ControlPlane, user: User, tenant: str, node: str, said: str
) -> None:
    kubectl = plane.kubectl(CAROL if tenant == "cloud" else ALICE, tenant)
    kubectl.apply(demo_pod("unbound", nodeSelector={"there-is": "none"}))
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "unbound", "namespace": tenant},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }
    _, answer = refusal(plane, f"/api/v1/namespaces/{tenant}/pods/unbound/binding", binding, user)
    assert said in answer
    assert node_of(kubectl, "unbound") == ""


def test_the_pod_goes_when_its_tenant_deletes_it(carol: Kubectl) -> None:
    carol.apply(demo_pod("short"))
    runs(carol, "short")
    carol("delete", "pod", "short", "--wait=false")
    wait_for("the pod to go", lambda: carol.run("get", "pod", "short").returncode != 0, IN_FORCE_SECONDS, 0.5)
