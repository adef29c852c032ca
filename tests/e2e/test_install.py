"""The engine comes into a cluster, is upgraded and goes again, and at no moment is anybody locked out.

No kubelet runs: the test says of a pod what a kubelet would, and the server that it stands for listens on this
machine's address, which the API server calls through the Service and its endpoints as it would in a cluster.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.e2e.conftest import CLASSES, ROOT, admin_of, in_force, namespace
from tests.e2e.gatekeeper import COMMAND, OwnServer
from tests.e2e.harness import (
    ADMIN,
    ALICE,
    GATEKEEPER,
    ControlPlane,
    Kubectl,
    Unavailable,
    control_plane,
    wait_for,
)
from tests.e2e.judge import Judge
from tests.e2e.test_isolation import pod
from tests.shipped import POLICIES

Json = dict[str, Any]

PORT = 8443
"""What the Deployment says: the Service leads there."""
SYSTEM = "gatekeeper-system"
CONFIGURATIONS = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
SECONDS = 40
NODES = ("one", "two", "three")


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """An API server that finds Services without kube-proxy."""
    try:
        flags = ["--enable-aggregator-routing=true"]
        patient = ["--node-monitor-grace-period=1h"]  # nobody reports these nodes
        with control_plane(api_server_flags=flags, controller_flags=patient) as running:
            running.kubectl().apply(*CLASSES, namespace("foo"), *admin_of("foo"), *map(node, NODES))
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def address() -> str:
    """One of this machine that endpoints may have: no loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            found = str(probe.getsockname()[0])
        except OSError:
            found = "127.0.0.1"
    if found.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return found


@pytest.fixture
def replica(plane: ControlPlane, address: str, tmp_path: Path) -> Iterator[OwnServer]:
    """The server that runs when a kubelet has got the image."""
    options = ("--kubeconfig", plane.kubeconfig(GATEKEEPER))
    made = OwnServer(POLICIES, tmp_path, options, port=PORT, host=address, register_as="service")
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def clean(plane: ControlPlane) -> Iterator[None]:
    """Every test begins without the engine."""
    yield
    run(plane, "uninstall", "--tenants", "--timeout", "60")


def run(plane: ControlPlane, command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [*COMMAND, command, *arguments, "--kubeconfig", plane.kubeconfig(ADMIN)]
    return subprocess.run(line, capture_output=True, text=True, timeout=150)


def install(plane: ControlPlane, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(plane, "install", "--apply", "--policies", POLICIES, *arguments)


def webhooks(kubectl: Kubectl) -> list[str]:
    found: list[Json] = [kubectl.get(kind, "gatekeeper") for kind in CONFIGURATIONS]
    return [webhook["name"] for each in found for webhook in each.get("webhooks") or []]


def replicas(kubectl: Kubectl) -> list[Json]:
    found: Json = kubectl.get("pods", "-n", SYSTEM, "-l", "app.kubernetes.io/name=gatekeeper")
    items: list[Json] = found["items"]
    return items


def say(kubectl: Kubectl, pod: Json, status: Json) -> None:
    """What a kubelet would say of a pod."""
    patch = orjson.dumps({"status": status}).decode()
    name = pod["metadata"]["name"]
    kubectl("patch", "pod", name, "-n", SYSTEM, "--subresource=status", "--type=merge", "-p", patch)


def node(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def run_on(kubectl: Kubectl, pod: Json, where: str, address: str) -> None:
    """A scheduler has found a node, whose kubelet has started the pod; only it, or force, ends the pod."""
    bind(kubectl, pod["metadata"]["name"], where)
    say(kubectl, pod, ready(address))


def bind(kubectl: Kubectl, name: str, node: str) -> None:
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": name, "namespace": SYSTEM},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }
    path = f"/api/v1/namespaces/{SYSTEM}/pods/{name}/binding"
    kubectl("create", "--raw", path, "-f", "-", stdin=orjson.dumps(binding).decode())


def pulling(image: str) -> Json:
    waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
    status = {"name": "gatekeeper", "image": image, "imageID": "", "ready": False, "restartCount": 0}
    return {"containerStatuses": [{**status, "state": {"waiting": waiting}}]}


def ready(address: str) -> Json:
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")],
    }


def free_for_all(plane: ControlPlane) -> None:
    """Nobody is asked, and everybody may go on."""
    plane.kubectl(ALICE, "foo").apply(pod("unasked"))
    plane.kubectl(ALICE, "foo")("delete", "pod", "unasked", "--now")


def test_without_the_image_it_says_so_in_time_and_nobody_is_locked_out(plane: ControlPlane) -> None:
    kubectl = plane.kubectl()
    telling = threading.Thread(target=_tell_of_pulling, args=(kubectl, "example.com/nothing:1"))
    telling.start()
    done = install(plane, "--image", "example.com/nothing:1", "--timeout", "15")
    telling.join()
    assert done.returncode == 2
    assert done.stderr == (
        "not ready within 15 s: no replica is ready\n"
        '  ImagePullBackOff: Back-off pulling image "example.com/nothing:1"\n'
        "Nothing is registered, so nobody is locked out."
        " Mend it and install again, or take it away: gatekeeper uninstall\n"
    )
    assert webhooks(kubectl) == []
    free_for_all(plane)


def _tell_of_pulling(kubectl: Kubectl, image: str) -> None:
    wait_for("the pods", lambda: _has_replicas(kubectl), SECONDS)
    for each in replicas(kubectl):
        say(kubectl, each, pulling(image))


def _has_replicas(kubectl: Kubectl) -> bool:
    found = kubectl.run("get", "pods", "-n", SYSTEM, "-o", "name")
    return len(found.stdout.split()) == 3


def bring(plane: ControlPlane, replica: OwnServer, count: int = 1) -> None:
    """As many replicas come as a kubelet can start."""
    kubectl = plane.kubectl()
    wait_for("the pods", lambda: _has_replicas(kubectl), SECONDS)
    replica.start()
    for each, where in zip(replicas(kubectl)[:count], NODES, strict=False):
        run_on(kubectl, each, where, replica.host)


def test_with_the_image_it_returns_when_the_api_server_asks_the_engine(
    plane: ControlPlane, replica: OwnServer
) -> None:
    kubectl = plane.kubectl()
    assert install(plane, "--timeout", "3").returncode == 2
    coming = threading.Thread(target=bring, args=(plane, replica))
    coming.start()
    done = install(plane, "--timeout", "60")
    coming.join()
    assert (done.returncode, done.stdout) == (0, "installed: the API server asks the engine\n"), done.stderr
    assert len(webhooks(kubectl)) == 3
    assert in_force(plane)


def test_a_replica_that_the_api_server_does_not_reach_registers_nothing(
    plane: ControlPlane, replica: OwnServer
) -> None:
    """It is ready, says the kubelet, but a firewall is between it and the API server."""
    kubectl = plane.kubectl()
    assert install(plane, "--timeout", "1").returncode == 2
    wait_for("the pods", lambda: _has_replicas(kubectl), SECONDS)
    address, replica.host = replica.host, "127.0.0.1"
    replica.start()
    run_on(kubectl, replicas(kubectl)[0], NODES[0], address)
    done = install(plane, "--timeout", "25")
    assert done.returncode == 2
    assert "it has not registered itself" in done.stderr
    assert [name for name in webhooks(kubectl) if not name.startswith("reach.")] == []
    free_for_all(plane)


def test_an_upgrade_that_fails_changes_nothing_for_anybody_and_one_that_works_goes_unnoticed(
    plane: ControlPlane, replica: OwnServer
) -> None:
    kubectl = plane.kubectl()
    assert install(plane, "--timeout", "1").returncode == 2
    bring(plane, replica, 3)
    assert install(plane, "--timeout", "60").returncode == 0
    wait_for("the webhooks to be in force", lambda: in_force(plane), SECONDS)
    with Judge(plane, ALICE, "foo").judging() as judge:
        done = install(plane, "--image", "example.com/nothing:2", "--timeout", "10")
        assert done.returncode == 2
        assert "The engine stays registered, and the replicas that ran before are asked." in done.stderr
        assert len(webhooks(kubectl)) == 3
        assert install(plane, "--timeout", "60").returncode == 0
    assert judge.wrong == []
    assert judge.answers["unanswered"] == 0
    assert judge.answers["right"] > 50


def everything(kubectl: Kubectl) -> set[str]:
    """All that exists, by kind and name, but for what comes and goes by itself."""
    kinds = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    kept = [kind for kind in kinds if not kind.startswith(("events", "leases", "endpointslices"))]
    found = kubectl("get", ",".join(kept), "-A", "-o", "name", "--ignore-not-found")
    return set(found.split())


def test_uninstall_leaves_nothing_behind_though_the_server_is_dead(
    plane: ControlPlane, replica: OwnServer
) -> None:
    kubectl = plane.kubectl()
    before = everything(kubectl)
    assert install(plane, "--timeout", "1").returncode == 2
    bring(plane, replica)
    assert install(plane, "--timeout", "60").returncode == 0
    wait_for("the webhooks to be in force", lambda: in_force(plane), SECONDS)
    replica.stop()
    assert "failed calling webhook" in plane.kubectl(ALICE, "foo").refused(pod("locked"))
    done = run(plane, "uninstall", "--tenants")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        "deleted MutatingWebhookConfiguration gatekeeper",
        "deleted ValidatingWebhookConfiguration gatekeeper",
    ]
    wait_for("all to be gone", lambda: everything(kubectl) <= before, SECONDS)
    free_for_all(plane)
    assert run(plane, "uninstall").stdout == "nothing was installed\n"


def test_kubectl_apply_locks_nobody_and_an_edit_of_the_policies_reaches_the_volume(
    plane: ControlPlane, replica: OwnServer, tmp_path: Path
) -> None:
    """`kubectl apply -k webhooks/` with the component of the policies, applied again after an edit."""
    kubectl = plane.kubectl()
    for name in ("webhooks", "policies"):
        shutil.copytree(ROOT / name, tmp_path / name)
    with (tmp_path / "webhooks" / "kustomization.yaml").open("a") as file:
        file.write("components: [../policies]\n")
    apply = ("apply", "-k", str(tmp_path / "webhooks"))
    done = kubectl.run(*apply)
    if done.returncode:  # the definitions are not served yet, as ever with kubectl
        kubectl(*apply)
    free_for_all(plane)
    bring(plane, replica)
    wait_for("the webhooks to be in force", lambda: in_force(plane), SECONDS)
    edited = tmp_path / "policies" / "tenants" / "settings.yaml"
    edited.write_text(f"{edited.read_text()}# edited\n")
    kubectl(*apply)
    found: Json = kubectl.get("configmap", "gatekeeper-policies-tenants", "-n", SYSTEM)
    assert found["data"]["tenants.settings.yaml"].endswith("# edited\n")
    # What the engine wrote is still there: the registration, its certificates, the lease.
    assert len(webhooks(kubectl)) == 3
    assert in_force(plane)
    deployed: Json = kubectl.get("deployment", "gatekeeper", "-n", SYSTEM)
    assert deployed["metadata"]["generation"] == 1
