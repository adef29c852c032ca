"""The engine is gone and the nodes of both its replicas are silent: the cluster heals, and tenants stay refused.

Nodes are objects here, and a node lives as long as somebody renews its Lease; everything that then happens is the
real kube-controller-manager's doing.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.conftest import CLASSES, IN_FORCE_SECONDS, admin_of, in_force, namespace
from tests.e2e.gatekeeper import OwnServer, gatekeeper
from tests.e2e.harness import (
    ADMIN,
    ALICE,
    GATEKEEPER,
    USERS,
    ControlPlane,
    Unavailable,
    User,
    control_plane,
    wait_for,
)
from tests.e2e.judge import Judge
from tests.e2e.repeating import repeating
from tests.e2e.test_isolation import pod
from tests.shipped import POLICIES

Json = dict[str, Any]

APISERVER = User("system:apiserver", ("system:masters",))
BOOTSTRAP = User("system:bootstrap:abcdef", ("system:bootstrappers", "system:authenticated"))
SILENT = ("silent-1", "silent-2")
LIVING, JOINING = "living", "joining"
GRACE = 8
"""Seconds of silence after which a node is given up; 50 by default."""
PAUSE_SECONDS = 1.0
"""Between two reports of a kubelet."""
SECONDS = 60

CONTROLLER_FLAGS = (
    f"--node-monitor-grace-period={GRACE}s",
    "--node-monitor-period=2s",
    "--node-eviction-rate=10",
    "--controllers=*,bootstrapsigner,tokencleaner",
)
API_SERVER_FLAGS = (
    "--default-unreachable-toleration-seconds=3",
    "--default-not-ready-toleration-seconds=3",
)


def kubelet(name: str) -> User:
    return User(f"system:node:{name}", ("system:nodes", "system:authenticated"))


NODES = (*SILENT, LIVING, JOINING)


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    users = (*USERS, APISERVER, BOOTSTRAP, *map(kubelet, NODES))
    try:
        with control_plane(
            api_server_flags=API_SERVER_FLAGS, controller_flags=CONTROLLER_FLAGS, users=users
        ) as running:
            running.kubectl().apply(*CLASSES, namespace("foo"), *admin_of("foo"), *KUBEADM)
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


def _group_may(name: str, role: str, group: str) -> Json:
    rbac = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": rbac, "kind": "Group", "name": group}],
    }


KUBEADM = (
    _group_may("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", "system:bootstrappers"),
    _group_may(
        "kubeadm:node-autoapprove-bootstrap",
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        "system:bootstrappers",
    ),
    _group_may("nodes", "system:node", "system:nodes"),
)
"""How kubeadm lets machines join; nodes by RBAC, for the node authorizer is not on here."""


@pytest.fixture(scope="module")
def server(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    printed = gatekeeper("install", "--policies", POLICIES, "--url", "https://127.0.0.1:1")
    plane.kubectl()("apply", "--server-side", "-f", "-", stdin=printed)
    options = ("--kubeconfig", plane.kubeconfig(GATEKEEPER))
    started = OwnServer(POLICIES, tmp_path_factory.mktemp("engine"), options)
    try:
        started.start()
        wait_for("the webhooks to be in force", lambda: in_force(plane), IN_FORCE_SECONDS)
        yield started
    finally:
        started.stop()


class Kubelets:
    """Nodes that report for as long as they are told to."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.reporting: set[str] = set()
        self.refused: list[str] = []

    def join(self, name: str) -> None:
        """As a kubelet does when it starts: its Node, its state, its Lease."""
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        }
        self.plane.send("POST", "/api/v1/nodes", node, kubelet(name))
        lease = {"metadata": {"name": name, "namespace": "kube-node-lease"}, "spec": _renewed(name)}
        self.plane.send("POST", LEASES, {**LEASE, **lease}, kubelet(name))
        self.report(name)
        self.reporting.add(name)

    def report(self, name: str) -> None:
        found = orjson.loads(self.plane.get(f"/api/v1/nodes/{name}", kubelet(name)))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now}
        del found["metadata"]["resourceVersion"]  # whoever else has written the node: it is about its status
        found["status"]["conditions"] = [{**ready, "lastTransitionTime": now}]
        self.plane.send("PUT", f"/api/v1/nodes/{name}/status", found, kubelet(name))

    @contextmanager
    def running(self) -> Iterator[Kubelets]:
        with repeating(self._report_all, PAUSE_SECONDS):
            yield self

    def _report_all(self) -> None:
        for name in sorted(self.reporting):
            try:
                self._renew(name)
                self.report(name)
            except OSError as error:
                self.refused.append(f"{name}: {error}")

    def _renew(self, name: str) -> None:
        found = orjson.loads(self.plane.get(f"{LEASES}/{name}", kubelet(name)))
        self.plane.send("PUT", f"{LEASES}/{name}", {**found, "spec": _renewed(name)}, kubelet(name))


LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
LEASE = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}


def _renewed(name: str) -> Json:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now}


def bind(plane: ControlPlane, where: str, name: str, node: str) -> None:
    """What a scheduler does."""
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": name, "namespace": where},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }
    plane.send("POST", f"/api/v1/namespaces/{where}/pods/{name}/binding", binding)


def node_is(plane: ControlPlane, name: str, status: str) -> bool:
    found: Json = plane.kubectl().get("node", name)
    conditions = {each["type"]: each["status"] for each in found["status"].get("conditions", [])}
    return conditions.get("Ready") == status


def taints(plane: ControlPlane, name: str) -> set[tuple[str, str]]:
    found: Json = plane.kubectl().get("node", name)
    return {(each["key"], each["effect"]) for each in found["spec"].get("taints", [])}


def is_tainted(plane: ControlPlane, name: str) -> bool:
    return taints(plane, name) >= UNREACHABLE


def leaves(plane: ControlPlane, where: str, name: str) -> bool:
    """Whether a pod has been told to go, or has gone."""
    done = plane.kubectl().run("get", "pod", name, "-n", where, "-o", "json")
    return done.returncode != 0 or "deletionTimestamp" in orjson.loads(done.stdout)["metadata"]


UNREACHABLE = {
    ("node.kubernetes.io/unreachable", "NoSchedule"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
}


def test_while_the_engine_is_gone_the_cluster_heals_and_tenants_are_refused(
    plane: ControlPlane, server: OwnServer
) -> None:
    alice, admin = plane.kubectl(ALICE, "foo"), plane.kubectl()
    with Kubelets(plane).running() as kubelets:
        for name in (*SILENT, LIVING):
            kubelets.join(name)
        alice.apply(pod("tenants"))
        for number, node in enumerate(SILENT):
            admin.apply(pod(f"engine-{number}", "gatekeeper-system", **RESTRICTED))
            bind(plane, "gatekeeper-system", f"engine-{number}", node)
        bind(plane, "foo", "tenants", SILENT[0])
        judge = Judge(plane, ALICE, "foo")
        with server.stopped():
            kubelets.reporting -= set(SILENT)
            with judge.judging():
                _nodes_are_given_up(plane)
                _an_administrator_ends_what_a_dead_node_holds(plane)
                _a_machine_joins(plane, kubelets)
                _an_administrator_cordons(plane)
                _the_api_server_keeps_its_own(plane)
                assert "failed calling webhook" in alice.refused(pod("meanwhile"))
        assert judge.wrong == []
        assert judge.answers["right"] == 0
        assert judge.answers["unanswered"] > 20
        wait_for("the engine to be asked again", lambda: in_force(plane), IN_FORCE_SECONDS)
        assert kubelets.refused == []


RESTRICTED = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "engine",
            "image": "gatekeeper-py",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}


def _nodes_are_given_up(plane: ControlPlane) -> None:
    for node in SILENT:
        wait_for(f"{node} to be marked", partial(node_is, plane, node, "Unknown"), SECONDS)
        wait_for(f"{node} to be tainted", partial(is_tainted, plane, node), SECONDS)
    for where, name in (
        ("gatekeeper-system", "engine-0"),
        ("gatekeeper-system", "engine-1"),
        ("foo", "tenants"),
    ):
        wait_for(f"{name} to be evicted", partial(leaves, plane, where, name), SECONDS)
    assert node_is(plane, LIVING, "True")


def _an_administrator_ends_what_a_dead_node_holds(plane: ControlPlane) -> None:
    """No kubelet says that the pods have ended; the pod garbage collector does, once the node is said to be dead."""
    kubectl = plane.kubectl()
    for node in SILENT:
        kubectl("taint", "node", node, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    wait_for("the tenant's pod to be gone", lambda: kubectl.run("get", "pod", "tenants", "-n", "foo").returncode != 0, SECONDS)  # fmt: skip


def _a_machine_joins(plane: ControlPlane, kubelets: Kubelets) -> None:
    """With a bootstrap token it asks for a certificate, which is approved and signed; then it is a node."""
    request = signing_request(JOINING)
    plane.send("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", request, BOOTSTRAP)
    path = f"/apis/certificates.k8s.io/v1/certificatesigningrequests/{JOINING}"
    wait_for(
        "its certificate", lambda: bool(orjson.loads(plane.get(path))["status"].get("certificate")), SECONDS
    )
    kubelets.join(JOINING)
    wait_for("it to be ready", lambda: node_is(plane, JOINING, "True"), SECONDS)
    wait_for("it to take pods", lambda: not taints(plane, JOINING), SECONDS)


def signing_request(node: str) -> Json:
    """A CertificateSigningRequest as `kubelet --bootstrap-kubeconfig` sends it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{node}"),
        ]
    )
    signed = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": node},
        "spec": {
            "request": base64.b64encode(pem).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["digital signature", "client auth"],
        },
    }


def _an_administrator_cordons(plane: ControlPlane) -> None:
    kubectl = plane.kubectl(ADMIN)
    kubectl("cordon", LIVING)
    found: Json = kubectl.get("node", LIVING)
    assert found["spec"]["unschedulable"] is True
    kubectl("uncordon", LIVING)


def _the_api_server_keeps_its_own(plane: ControlPlane) -> None:
    """What is taken away in its name it makes again; its roles it only writes when it starts."""
    for path in OWN:
        before = orjson.loads(plane.get(path))["metadata"]["uid"]
        plane.send("DELETE", path, user=APISERVER)
        again = partial(_made_again, plane, path, before)
        wait_for(f"{path} to be made again", again, APISERVER_SECONDS)
    role = orjson.loads(plane.get(ROLE))
    plane.send("PUT", ROLE, {**role, "rules": role["rules"]}, APISERVER)


OWN = (
    "/api/v1/namespaces/default/endpoints/kubernetes",
    "/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.tenancy.gatekeeper-py.dev",
    "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/probes",
)
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:basic-user"
APISERVER_SECONDS = 100
"""It looks after its flow schemas once a minute."""


def _made_again(plane: ControlPlane, path: str, before: str) -> bool:
    try:
        return bool(orjson.loads(plane.get(path))["metadata"]["uid"] != before)
    except OSError:
        time.sleep(1)
        return False


def test_with_the_engine_back_pods_of_dead_nodes_run_elsewhere_isolated(
    plane: ControlPlane, server: OwnServer
) -> None:
    alice = plane.kubectl(ALICE, "foo")
    alice.apply(pod("again"))
    bind(plane, "foo", "again", JOINING)
    found: Json = alice.get("pod", "again")
    assert (found["spec"]["runtimeClassName"], found["spec"]["nodeName"]) == ("kata", JOINING)
