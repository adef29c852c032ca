"""`gatekeeper audit --kubeconfig` of two thousand objects of twenty kinds: a report of each, read back by kubectl."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import orjson
import pytest

from tests.e2e.conftest import CLASSES, namespace
from tests.e2e.gatekeeper import COMMAND
from tests.e2e.harness import ADMIN, ALICE, ControlPlane, User
from tests.e2e.test_isolation import CONTAINER
from tests.e2e.test_reports import serve_reports
from tests.shipped import POLICIES

Json = dict[str, Any]

EACH = 100
"""Objects of every kind."""
SENDERS = 8
SECONDS = 240
"""For one audit at a loaded machine."""

LABELS = {"app": "many"}
PRIVILEGED = CONTAINER | {"securityContext": {"privileged": True}}
TEMPLATE: Json = {"metadata": {"labels": LABELS}, "spec": {"containers": [PRIVILEGED]}}
ONCE: Json = {"spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}
SELECTED: Json = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
RBAC = "rbac.authorization.k8s.io"
ROLE = {"apiGroup": RBAC, "kind": "Role", "name": "many-0"}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "many-0"}
BACKEND = {"service": {"name": "many-0", "port": {"number": 80}}}


class Kind(NamedTuple):
    """A kind, where it is served, and what an object of it is besides its name."""

    api_version: str
    kind: str
    resource: str
    fields: Json

    @property
    def path(self) -> str:
        root = "/api" if "/" not in self.api_version else "/apis"
        return f"{root}/{self.api_version}/namespaces/foo/{self.resource}"

    @property
    def name(self) -> str:
        """As a report names it."""
        return f"{self.api_version} {self.kind}"

    @property
    def group_resource(self) -> str:
        """As kubectl create role names it."""
        group, slash, _ = self.api_version.rpartition("/")
        return f"{self.resource}.{group}" if slash else self.resource


KINDS = (
    Kind("v1", "ConfigMap", "configmaps", {"data": {"a": "b"}}),
    Kind("v1", "Secret", "secrets", {"stringData": {"a": "b"}}),
    Kind("v1", "ServiceAccount", "serviceaccounts", {}),
    Kind("v1", "Service", "services", {"spec": {"clusterIP": "None", "ports": [{"port": 80}]}}),
    Kind("v1", "Pod", "pods", {"spec": {"containers": [PRIVILEGED]}}),
    Kind("v1", "PodTemplate", "podtemplates", {"template": TEMPLATE}),
    Kind("v1", "ReplicationController", "replicationcontrollers", {"spec": {"template": TEMPLATE}}),
    Kind("v1", "Endpoints", "endpoints", {}),
    Kind("apps/v1", "Deployment", "deployments", {"spec": SELECTED}),
    Kind("apps/v1", "StatefulSet", "statefulsets", {"spec": {**SELECTED, "serviceName": "many-0"}}),
    Kind("apps/v1", "DaemonSet", "daemonsets", {"spec": SELECTED}),
    Kind("apps/v1", "ReplicaSet", "replicasets", {"spec": SELECTED}),
    Kind("batch/v1", "Job", "jobs", {"spec": {"template": ONCE}}),
    Kind(
        "batch/v1",
        "CronJob",
        "cronjobs",
        {"spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": ONCE}}}},
    ),
    Kind("networking.k8s.io/v1", "Ingress", "ingresses", {"spec": {"defaultBackend": BACKEND}}),
    Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", {"spec": {"podSelector": {}}}),
    Kind(
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        {"spec": {"selector": {"matchLabels": LABELS}}},
    ),
    Kind(f"{RBAC}/v1", "Role", "roles", {"rules": []}),
    Kind(f"{RBAC}/v1", "RoleBinding", "rolebindings", {"roleRef": ROLE, "subjects": []}),
    Kind(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        {"spec": {"scaleTargetRef": TARGET, "maxReplicas": 2}},
    ),
)
RUNNING = frozenset(
    {"Pod", "PodTemplate", "ReplicationController", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}
)
"""Kinds whose containers are privileged here."""


@pytest.fixture(scope="module")
def filled(bare_plane: ControlPlane) -> ControlPlane:
    """An API server with all these objects, and the kinds of reports."""
    kubectl = bare_plane.kubectl()
    serve_reports(bare_plane)
    kubectl.apply(*CLASSES, namespace("foo"))
    made = [(kind, f"many-{number}") for kind in KINDS for number in range(EACH)]

    def send(kind: Kind, name: str) -> None:
        head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}}
        bare_plane.send("POST", kind.path, {**head, **kind.fields})

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, *zip(*made, strict=True)))
    return bare_plane


def audit(plane: ControlPlane, *arguments: str, user: User = ADMIN) -> subprocess.CompletedProcess[str]:
    config = str(plane.kubeconfig(user))
    command = [*COMMAND, "audit", "--policies", str(POLICIES), "--kubeconfig", config, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)


def test_each_object_has_its_report(filled: ControlPlane) -> None:
    done = audit(filled, "--write", "-o", "csv")
    assert done.returncode == 1, done.stderr
    told: Json = filled.kubectl().get("policyreports", "-n", "foo")
    reports = [each for each in told["items"] if each["scope"]["name"].startswith("many-")]
    found = {(each["scope"]["kind"], each["scope"]["name"]) for each in reports}
    assert found == {(kind.kind, f"many-{number}") for kind in KINDS for number in range(EACH)}
    assert len(reports) == len(KINDS) * EACH
    failing = {
        (each["scope"]["kind"], result["policy"])
        for each in reports
        for result in each["results"]
        if result["policy"] == "host-access-privileged" and result["result"] == "fail"
    }
    assert failing == {(kind, "host-access-privileged") for kind in RUNNING}
    assert " 0 written, 0 removed, " in audit(filled, "--write", "-o", "csv").stderr


def test_who_may_list_half_of_the_kinds_is_told_the_other_half(filled: ControlPlane) -> None:
    half = KINDS[::2]
    kubectl = filled.kubectl()
    listed = [
        "namespaces",
        "customresourcedefinitions.apiextensions.k8s.io",
        *(k.group_resource for k in half),
    ]
    kubectl("create", "clusterrole", "half", "--verb=list", f"--resource={','.join(listed)}")
    kubectl("create", "clusterrolebinding", "half", "--clusterrole=half", f"--user={ALICE.name}")
    done = audit(filled, "-o", "json", user=ALICE)
    assert done.returncode == 2, done.stderr
    report = orjson.loads(done.stdout)
    unread = {each["path"] for each in report["notAudited"]}
    assert {kind.name for kind in KINDS[1::2]} <= unread
    assert not {kind.name for kind in half} & unread
    assert report["summary"]["objects"] >= len(half) * EACH
