"""The engine runs in the cluster as an operator would have it: three replicas, each on a node of its own.

All the while a tenant applies, and each answer is judged: not one is wrong, and none is open.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest

from gatekeeper_py.pki.rotation import certificates_in
from tests.e2e.conftest import admin_of, in_force, namespace
from tests.e2e.gatekeeper import gatekeeper
from tests.e2e.harness import (
    ADMIN,
    ALICE,
    INNER_ADDRESS,
    USERS,
    ControlPlane,
    Kubectl,
    control_plane,
    wait_for,
)
from tests.e2e.judge import Judge
from tests.e2e.node.conftest import CLASSES, demo_pod, policies_in, refusal, runs
from tests.e2e.node.images import ENGINE, ENGINE_ARCHIVE
from tests.e2e.node.machine import SCHEDULER, Node, kubelet_of, node, scheduler
from tests.e2e.node.names import name_server

Json = dict[str, Any]

NAMES = ("e1", "e2", "e3")
FIRST_SUBNET = 10
SYSTEM = "gatekeeper-system"
NEXT = "docker.io/library/gatekeeper-py:next"
SECONDS = 180
"""For what takes a rollout of three replicas, one after another. Measured: 30 to 60 s."""
LOST_SECONDS = 8
"""After which the control plane takes a node that says nothing for lost; 50 s unless it is told otherwise."""
OVERLAP = 20
"""Seconds between two steps of a rotation; in production an hour."""


@pytest.fixture(autouse=True)
def _node() -> None:
    """It has nodes of its own."""


@pytest.fixture(scope="module")
def archive() -> Path:
    """The engine's image."""
    if ENGINE_ARCHIVE not in os.environ:
        pytest.skip("there is no image of the engine: make image-archive says why")
    return Path(os.environ[ENGINE_ARCHIVE])


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """One that pods reach at the address of the Service, and that reaches pods without kube-proxy."""
    subprocess.run(["ip", "address", "add", f"{INNER_ADDRESS}/32", "dev", "lo"], check=True, timeout=10)
    flags = [
        "--enable-admission-plugins=NodeRestriction",
        "--enable-aggregator-routing=true",
        "--bind-address=0.0.0.0",
    ]
    patient = [f"--node-monitor-grace-period={LOST_SECONDS}s", "--node-monitor-period=2s"]
    users = (*USERS, SCHEDULER, *map(kubelet_of, NAMES))
    with control_plane(api_server_flags=flags, controller_flags=patient, users=users, port=443) as running:
        running.kubectl().apply(*CLASSES, namespace("foo"), *admin_of("foo"))
        yield running


@pytest.fixture(scope="module")
def nodes(
    plane: ControlPlane, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Node]]:
    """Three, each with the image."""
    folder = tmp_path_factory.mktemp("nodes")
    with ExitStack() as stack:
        stack.enter_context(name_server())
        stack.enter_context(scheduler(plane))
        joined = {}
        for number, name in enumerate(NAMES, FIRST_SUBNET):
            joined[name] = stack.enter_context(node(plane, folder, name, number))
            joined[name].import_image(archive)
            joined[name].ctr("images", "tag", ENGINE, NEXT)
        yield joined


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ships, for the tenants of these tests."""
    return policies_in(tmp_path_factory.mktemp("policies"))


@pytest.fixture(scope="module")
def installed(plane: ControlPlane, nodes: dict[str, Node], policies: Path) -> Kubectl:
    """The operator's kubectl, once `gatekeeper install --apply` has come back and all replicas are there."""
    install(plane, policies)
    kubectl = plane.kubectl()
    three(kubectl)
    wait_for("the webhooks to be in force", lambda: in_force(plane), SECONDS, 0.5)
    return kubectl


def install(plane: ControlPlane, policies: Path, *options: str) -> None:
    common = ("--policies", policies, "--kubeconfig", plane.kubeconfig(ADMIN), "--timeout", str(SECONDS))
    try:
        said = gatekeeper("install", "--apply", *common, *options, seconds=SECONDS + 30)
    except AssertionError as error:
        logs = plane.kubectl().run("logs", "-n", SYSTEM, "deployment/gatekeeper", "--tail=30").stdout
        told = plane.kubectl().run("describe", "pods", "-n", SYSTEM).stdout
        raise AssertionError(f"{error}\n{logs}{told}") from error
    assert said == "installed: the API server asks the engine\n"


def replicas(kubectl: Kubectl) -> list[Json]:
    found: Json = kubectl.get("pods", "-n", SYSTEM, "-l", "app.kubernetes.io/name=gatekeeper")
    items: list[Json] = found["items"]
    return items


def ready(kubectl: Kubectl) -> list[Json]:
    """The replicas whose probes pass, without those that go."""
    return [pod for pod in replicas(kubectl) if "deletionTimestamp" not in pod["metadata"] and is_ready(pod)]


def three(kubectl: Kubectl) -> list[Json]:
    """All replicas, once their probes pass: on a busy machine one may be late for a moment."""
    wait_for("three replicas", lambda: len(ready(kubectl)) == 3, SECONDS, 0.5)
    return replicas(kubectl)


def is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def judge(plane: ControlPlane) -> Judge:
    return Judge(plane, ALICE, "foo", "gvisor")


def assert_right(found: Judge) -> None:
    """Not one wrong decision, none open, none refused for want of an answer."""
    assert found.wrong == []
    assert found.answers["unanswered"] == 0, found.answers
    assert found.answers["right"] > 20, found.answers


def test_three_replicas_run_each_on_a_node_of_its_own(installed: Kubectl) -> None:
    assert {pod["spec"]["nodeName"] for pod in three(installed)} == set(NAMES)
    for pod in three(installed):
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


def test_a_tenants_pod_runs_in_gvisor_and_a_hostile_one_is_refused(
    installed: Kubectl, plane: ControlPlane
) -> None:
    alice = plane.kubectl(ALICE, "foo")
    alice.apply(demo_pod("web"))
    runs(alice, "web")
    assert "gvisor" in alice("exec", "web", "--", "uname", "-r")
    assert "host-access-host-namespaces" in alice.refused(demo_pod("hostile", hostPID=True))


def test_a_rolling_update_goes_unnoticed(installed: Kubectl, plane: ControlPlane, policies: Path) -> None:
    with judge(plane).judging() as judged:
        install(plane, policies, "--image", NEXT)
        wait_for("the update", lambda: images(installed) == [NEXT] * 3, SECONDS, 0.5)
    assert_right(judged)


def images(kubectl: Kubectl) -> list[str]:
    return [pod["spec"]["containers"][0]["image"] for pod in ready(kubectl)]


def test_one_replica_at_a_time_may_be_evicted(installed: Kubectl, plane: ControlPlane) -> None:
    first, second, _ = (pod["metadata"]["name"] for pod in three(installed))
    with judge(plane).judging() as judged:
        plane.send("POST", eviction_path(first), eviction(first))
        code, said = refusal(plane, eviction_path(second), eviction(second), ADMIN)
        assert (code, "disruption budget" in said) == (429, True)
        wait_for(
            "another replica",
            lambda: first not in names(installed) and len(ready(installed)) == 3,
            SECONDS,
            0.5,
        )
    assert_right(judged)


def names(kubectl: Kubectl) -> list[str]:
    return [pod["metadata"]["name"] for pod in replicas(kubectl)]


def eviction_path(name: str) -> str:
    return f"/api/v1/namespaces/{SYSTEM}/pods/{name}/eviction"


def eviction(name: str) -> Json:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": SYSTEM}}


def test_its_own_certificates_rotate(installed: Kubectl, plane: ControlPlane) -> None:
    """An operator shortens the overlap, and takes the CA's key away: another is announced, signs, and stays."""
    option = {
        "op": "add",
        "path": "/spec/template/spec/containers/0/args/-",
        "value": f"--rotation-overlap={OVERLAP}",
    }
    patch = orjson.dumps([option]).decode()
    installed("patch", "deployment", "gatekeeper", "-n", SYSTEM, "--type=json", "-p", patch)
    installed.run("rollout", "status", "deployment/gatekeeper", "-n", SYSTEM, "--timeout=55s")
    wait_for("the option", lambda: overlaps(installed) == [f"--rotation-overlap={OVERLAP}"] * 3, SECONDS, 0.5)
    before = authorities(installed)
    with judge(plane).judging() as judged:
        removal = orjson.dumps({"data": {"ca.key": None}}).decode()
        installed("patch", "secret", "gatekeeper-certificates", "-n", SYSTEM, "--type=merge", "-p", removal)
        wait_for("two authorities", lambda: len(authorities(installed)) == 2, SECONDS, 0.5)
        wait_for("one authority", lambda: len(authorities(installed)) == 1, SECONDS, 0.5)
    assert authorities(installed)[0] not in before
    assert_right(judged)


def overlaps(kubectl: Kubectl) -> list[str]:
    return [pod["spec"]["containers"][0]["args"][-1] for pod in ready(kubectl)]


def authorities(kubectl: Kubectl) -> list[Any]:
    found: Json = kubectl.get("secret", "gatekeeper-certificates", "-n", SYSTEM)
    return list(certificates_in(base64.b64decode(found["data"]["ca.crt"])))


def test_a_node_is_lost_and_comes_back(
    installed: Kubectl, plane: ControlPlane, nodes: dict[str, Node]
) -> None:
    """Until the control plane knows, it asks the dead replica, too: what is not answered is refused."""
    lost = nodes[NAMES[-1]]
    with judge(plane).judging() as losing:
        lost.lose()
        wait_for("the node to be lost", lambda: not lost.is_ready(), SECONDS, 0.5)
        wait_for("its replica to be out of service", lambda: len(ready(installed)) == 2, SECONDS, 0.5)
    assert losing.wrong == []
    with judge(plane).judging() as two:
        plane.kubectl(ALICE, "foo").apply(demo_pod("meanwhile"))
        runs(plane.kubectl(ALICE, "foo"), "meanwhile")
        lost.come_back()
        wait_for("three replicas", lambda: len(ready(installed)) == 3, SECONDS, 0.5)
    assert_right(two)
