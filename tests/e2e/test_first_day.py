"""A cluster that already runs cert-manager, monitoring and a CNI: the drafted folder leaves all of it alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.documents import load_tenancy
from tests.e2e.conftest import IN_FORCE_SECONDS, PERMISSIONS, RBAC, ROOT, namespace
from tests.e2e.gatekeeper import Server, gatekeeper
from tests.e2e.harness import ADMIN, GATEKEEPER, ControlPlane, Kubectl, wait_for

Json = dict[str, Any]

ADDONS = ("cert-manager", "monitoring", "calico-system")
SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "annotations")


def workload(kind: str, name: str, where: str, **spec: Any) -> Json:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": name, "image": f"{name}:1"}], **spec},
    }
    selecting = {"selector": {"matchLabels": labels}, "template": template}
    more = {"serviceName": name} if kind == "StatefulSet" else {}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": where},
        "spec": {**selecting, **more},
    }


def with_rights(name: str, where: str, *rules: Json) -> list[Json]:
    """An account of an add-on that may do something in every namespace."""
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": where}
    group = f"{RBAC}/v1"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": where}},
        {"apiVersion": group, "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)},
        {
            "apiVersion": group,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": role,
            "subjects": [subject],
        },
    ]


def allowed(resources: str, verbs: str) -> Json:
    return {"apiGroups": ["*"], "resources": resources.split(), "verbs": verbs.split()}


CERT_MANAGER_WEBHOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "cert-manager-webhook"},
    "webhooks": [
        {
            "name": "webhook.cert-manager.io",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "clientConfig": {"service": {"name": "webhook", "namespace": "cert-manager", "path": "/v"}},
            "rules": [
                {
                    "apiGroups": ["cert-manager.io"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["*"],
                }
            ],
        }
    ],
}
HOST = [{"name": "root", "hostPath": {"path": "/"}}]
INSTALLED: list[Json] = [
    *with_rights("cert-manager", "cert-manager", allowed("secrets", "get list create update")),
    workload("Deployment", "cert-manager", "cert-manager", serviceAccountName="cert-manager"),
    workload("Deployment", "cert-manager-webhook", "cert-manager"),
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "webhook", "namespace": "cert-manager"},
        "spec": {"ports": [{"port": 443}], "selector": {"app": "cert-manager-webhook"}},
    },
    *with_rights("node-exporter", "monitoring", allowed("tokenreviews subjectaccessreviews", "create")),
    workload(
        "DaemonSet",
        "node-exporter",
        "monitoring",
        hostNetwork=True,
        hostPID=True,
        volumes=HOST,
        serviceAccountName="node-exporter",
        tolerations=[{"operator": "Exists"}],
    ),
    *with_rights("prometheus", "monitoring", allowed("pods services endpoints nodes", "get list watch")),
    workload("StatefulSet", "prometheus", "monitoring", serviceAccountName="prometheus"),
    *with_rights("calico-node", "calico-system", allowed("nodes/status", "patch")),
    workload(
        "DaemonSet",
        "calico-node",
        "calico-system",
        hostNetwork=True,
        priorityClassName="system-node-critical",
        serviceAccountName="calico-node",
        volumes=HOST,
        initContainers=[{"name": "cni", "image": "cni:3", "securityContext": {"privileged": True}}],
    ),
    workload("Deployment", "shop", "shop"),
]
PODS: list[Json] = [
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{value['metadata']['name']}-0", **_metadata},
        "spec": value["spec"]["template"]["spec"],
    }
    for value in INSTALLED
    if value["apiVersion"] == "apps/v1"
    for _metadata in [
        {
            "namespace": value["metadata"]["namespace"],
            "labels": value["spec"]["template"]["metadata"]["labels"],
        }
    ]
]
"""What the controllers would make."""


@dataclass
class Cluster:
    """A control plane in which add-ons run, and an engine over the drafted folder."""

    plane: ControlPlane
    server: Server
    before: list[Json]
    """What there was before the engine came, as it was made."""

    @property
    def kubectl(self) -> Kubectl:
        return self.plane.kubectl()

    def log(self) -> list[Json]:
        lines = (self.server.folder / "gatekeeper.log").read_text().splitlines()
        return [orjson.loads(line) for line in lines if '"event":"decision"' in line]

    def hold(self, enforcement: str) -> None:
        """Edit the settings, and wait until they are in force."""
        path = self.server.policies / "tenants" / "settings.yaml"
        document = yaml.safe_load(path.read_text())
        document["spec"]["enforcement"] = enforcement
        path.write_text(yaml.safe_dump(document))
        wait_for(f"{enforcement} to be in force", lambda: self._held() == enforcement, IN_FORCE_SECONDS)

    def _held(self) -> str:
        probe = ("create", "-f", "-", "--dry-run=server")
        value = {**HOSTILE, "metadata": {"name": "probe", "namespace": "shop"}}
        done = self.kubectl.run(*probe, stdin=orjson.dumps(value).decode())
        return "enforce" if done.returncode else "warn" if "not enforced yet" in done.stderr else "observe"


HOSTILE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "hostile", "namespace": "shop"},
    "spec": {"hostPID": True, "containers": [{"name": "c", "image": "c:1"}]},
}


def made(kubectl: Kubectl, objects: list[Json]) -> list[Json]:
    """Objects as the API server holds them, without what it counts and dates."""
    return [_undated(kubectl.get(*_place(value))) for value in objects]


def _place(value: Json) -> tuple[str, ...]:
    """By what kubectl finds it: `DaemonSet.v1.apps node-exporter -n monitoring`."""
    group, _, version = value["apiVersion"].rpartition("/")
    kind = f"{value['kind']}.{version}.{group}" if group else value["kind"]
    where = value["metadata"].get("namespace")
    return (kind, value["metadata"]["name"], *(("-n", where) if where else ()))


def _undated(value: Json) -> Json:
    metadata = {key: part for key, part in value["metadata"].items() if key not in SERVER_FIELDS}
    rest = {key: part for key, part in value.items() if key not in ("metadata", "status")}
    spec = rest.get("spec")
    if isinstance(spec, dict):
        rest["spec"] = {key: part for key, part in spec.items() if not key.startswith("clusterIP")}
    return {**rest, "metadata": metadata}


@pytest.fixture(scope="module")
def cluster(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Add-ons first, then `gatekeeper init`, then the engine over what it wrote."""
    folder = tmp_path_factory.mktemp("first-day")
    kubectl = bare_plane.kubectl()
    kubectl.apply(*map(namespace, (*ADDONS, "shop")))
    kubectl.apply(*INSTALLED, *PODS, CERT_MANAGER_WEBHOOK)
    before = made(kubectl, [*INSTALLED, *PODS])
    gatekeeper("init", "--kubeconfig", bare_plane.kubeconfig(ADMIN), folder / "policies")
    for file in PERMISSIONS:
        kubectl("apply", "-f", str(ROOT / "webhooks" / file))
    server = Server(folder / "policies", folder, ["--kubeconfig", bare_plane.kubeconfig(GATEKEEPER)])
    server.start()
    running = Cluster(bare_plane, server, before)
    try:
        server.register(kubectl)
        wait_for("the webhooks to be asked", lambda: _asked(running), IN_FORCE_SECONDS)
        yield running
    finally:
        kubectl.run(
            "delete", "-f", "-", stdin=gatekeeper("install", "--url", server.url, "--ca", server.authority)
        )
        server.stop()


def _asked(cluster: Cluster) -> bool:
    cluster._held()
    return {line["webhook"] for line in cluster.log()} == {"mutate", "validate"}


def test_the_draft_knows_the_platform_and_observes(cluster: Cluster) -> None:
    tenancy = load_tenancy(read([cluster.server.policies]))
    assert tenancy.everywhere == "observe"
    trusted = {name for tenant in tenancy.tenants if tenant.trusted for name in tenant.claim.names}
    assert {*ADDONS, "kube-system"} <= trusted
    assert {tenant.name for tenant in tenancy.tenants} >= {"platform", "shop", "default"}
    assert "shop" not in trusted


def test_the_draft_loads_without_a_problem(cluster: Cluster) -> None:
    """That no Argo or Traefik is here yet is no fault of the draft: they may come."""
    text = (cluster.server.folder / "gatekeeper.log").read_text()
    lines = [orjson.loads(line) for line in text.splitlines()]
    said = [line for line in lines if line["level"] in ("warning", "error")]
    assert [line for line in said if not line.get("problem", "").startswith(UNSERVED)] == []


UNSERVED = "the cluster serves nothing that these policies are about: "


def test_nothing_is_changed_or_refused_when_all_is_made_anew(cluster: Cluster) -> None:
    kubectl, everything = cluster.kubectl, [*INSTALLED, *PODS]
    for value in reversed(everything):
        kubectl("delete", *_place(value), "--now", "--ignore-not-found")
    done = kubectl.run("apply", "-f", "-", stdin=_list(everything))
    assert (done.returncode, done.stderr) == (0, "")
    assert made(kubectl, everything) == cluster.before
    assert all(line["allowed"] and line["patch_operations"] == 0 for line in cluster.log())


def _list(objects: list[Json]) -> str:
    return orjson.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).decode()


def test_what_would_have_been_done_is_recorded(cluster: Cluster) -> None:
    kubectl = cluster.kubectl
    kubectl.apply(HOSTILE)

    def told() -> list[Json]:
        return [line for line in cluster.log() if line["name"] == "hostile"]

    wait_for("both lines of the log", lambda: any("would_deny" in line for line in told()), IN_FORCE_SECONDS)
    lines = told()
    assert {line["enforcement"] for line in lines} == {"observe"}
    assert any(line["would_patch"] for line in lines)
    (denied,) = [line for line in lines if "would_deny" in line]
    assert "host-access-host-namespaces" in denied["would_deny"]["message"]
    assert {action for finding in denied["findings"] for action in finding["actions"]} <= {
        "Observed",
        "Audit",
    }
    kubectl("delete", "pod", "hostile", "-n", "shop", "--now")


def test_of_the_platform_nothing_is_recorded_but_that_it_was_asked(cluster: Cluster) -> None:
    lines = [line for line in cluster.log() if line["namespace"] in ADDONS]
    assert lines
    assert [line["name"] for line in lines if "would_deny" in line] == []


def _is_addon(value: Json) -> bool:
    return value["metadata"].get("namespace") in ADDONS


def test_on_the_way_to_enforcement_the_addons_go_on(cluster: Cluster, tmp_path: Path) -> None:
    kept = shutil.copytree(cluster.server.policies, tmp_path / "policies")
    addons = list(filter(_is_addon, [*INSTALLED, *PODS]))
    try:
        for enforcement in ("warn", "enforce"):
            cluster.hold(enforcement)
            for value in reversed(addons):
                cluster.kubectl("delete", *_place(value), "--now", "--ignore-not-found")
            done = cluster.kubectl.run("apply", "-f", "-", stdin=_list(addons))
            assert (done.returncode, "not enforced yet" in done.stderr) == (0, False), done.stderr
            assert made(cluster.kubectl, addons) == [each for each in cluster.before if _is_addon(each)]
        said = cluster.kubectl.refused({**INSTALLED[-1], "metadata": {"name": "late", "namespace": "shop"}})
        assert "spec.template.spec.runtimeClassName is absent; tenant shop may use none" in said
    finally:
        shutil.copytree(kept, cluster.server.policies, dirs_exist_ok=True)
        wait_for("observation", lambda: cluster._held() == "observe", IN_FORCE_SECONDS)
