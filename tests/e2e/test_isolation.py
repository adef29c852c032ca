"""What a tenant's `kubectl apply` becomes on a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import OVERHEAD
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import Kubectl, wait_for

Json = dict[str, Any]

TENANT_LABELS = {"tenancy.gatekeeper-py.dev/tenant": "foo", "cost-center": "foo"}
CONTAINER: Json = {"name": "web", "image": "nginx:1.27"}


def pod(name: str, namespace: str = "", **spec: object) -> Json:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [CONTAINER]} | spec,
    }


def workload(api_version: str, kind: str, name: str, **spec: object) -> Json:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [CONTAINER]}}
    selected: Json = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": selected | spec}


def assert_tagged(value: Json) -> None:
    assert TENANT_LABELS.items() <= value["metadata"]["labels"].items()


def test_a_pod_comes_back_in_a_virtual_machine_with_overhead_and_labels(alice: Kubectl) -> None:
    alice.apply(pod("plain"))
    found: Json = alice.get("pod", "plain")
    assert found["spec"]["runtimeClassName"] == "kata"
    assert found["spec"]["overhead"] == OVERHEAD
    assert_tagged(found)


def test_an_allowed_runtime_class_stays_as_chosen(alice: Kubectl) -> None:
    alice.apply(pod("chosen", runtimeClassName="kata-clh"))
    found: Json = alice.get("pod", "chosen")
    assert found["spec"]["runtimeClassName"] == "kata-clh"
    assert found["spec"]["overhead"] == {"memory": "130Mi"}


def test_a_second_apply_of_the_same_manifest_changes_nothing(alice: Kubectl) -> None:
    alice.apply(workload("apps/v1", "Deployment", "twice", replicas=0))
    assert "unchanged" in alice.apply(workload("apps/v1", "Deployment", "twice", replicas=0))


def test_a_deployment_and_the_pods_its_controllers_make_are_isolated_and_tagged(alice: Kubectl) -> None:
    alice.apply(workload("apps/v1", "Deployment", "web", replicas=2))
    found: Json = alice.get("deployment", "web")
    assert_tagged(found)
    assert_tagged(found["spec"]["template"])
    assert found["spec"]["template"]["spec"]["runtimeClassName"] == "kata"
    for made in pods_of(alice, "web", 2):
        assert_tagged(made)
        assert made["spec"]["runtimeClassName"] == "kata"
        assert made["spec"]["overhead"] == OVERHEAD


def pods_of(kubectl: Kubectl, app: str, count: int) -> list[Json]:
    """The pods of an app, once its controllers have made them."""

    def made() -> list[Json]:
        items: list[Json] = kubectl.get("pods", "-l", f"app={app}")["items"]  # type: ignore[assignment]
        return items

    wait_for(f"{count} pods of {app}", lambda: len(made()) == count, 30)
    return made()


@pytest.mark.parametrize(
    ("manifest", "template"),
    [
        (workload("apps/v1", "StatefulSet", "state", replicas=0, serviceName="state"), ("spec", "template")),
        (workload("apps/v1", "DaemonSet", "daemon"), ("spec", "template")),
        (workload("apps/v1", "ReplicaSet", "replica", replicas=0), ("spec", "template")),
        (
            {
                "apiVersion": "v1",
                "kind": "ReplicationController",
                "metadata": {"name": "old"},
                "spec": {
                    "replicas": 0,
                    "selector": {"app": "old"},
                    "template": {"metadata": {"labels": {"app": "old"}}, "spec": {"containers": [CONTAINER]}},
                },
            },
            ("spec", "template"),
        ),
        (
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {"name": "job"},
                "spec": {"template": {"spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}},
            },
            ("spec", "template"),
        ),
        (
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {"name": "cron"},
                "spec": {
                    "schedule": "0 0 1 1 *",
                    "jobTemplate": {
                        "spec": {"template": {"spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}}
                    },
                },
            },
            ("spec", "jobTemplate", "spec", "template"),
        ),
        (
            {
                "apiVersion": "v1",
                "kind": "PodTemplate",
                "metadata": {"name": "template"},
                "template": {"spec": {"containers": [CONTAINER]}},
            },
            ("template",),
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_every_kind_of_template_gets_runtime_class_and_labels(
    alice: Kubectl, manifest: Json, template: tuple[str, ...]
) -> None:
    alice.apply(manifest)
    found: Json = alice.get(manifest["kind"], manifest["metadata"]["name"])
    assert_tagged(found)
    for part in template:
        found = found[part]
    assert_tagged(found)
    assert found["spec"]["runtimeClassName"] == "kata"


def test_kubectl_create_deployment_simply_works(alice: Kubectl) -> None:
    assert alice("create", "deployment", "simple", "--image=nginx", "--replicas=0").strip() == (
        "deployment.apps/simple created"
    )


def foreign_binding() -> Json:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "let-bar-in"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "bar"}],
    }


PRIVILEGED = CONTAINER | {"securityContext": {"privileged": True}}
HOST_PATH = {"name": "root", "hostPath": {"path": "/etc"}}


@pytest.mark.parametrize(
    ("manifest", "policy", "field", "value", "remedy"),
    [
        (
            pod("h", volumes=[HOST_PATH]),
            "host-access-host-path",
            'volumes["root"].hostPath',
            '"/etc"',
            "use an emptyDir",
        ),
        (
            pod("p", containers=[PRIVILEGED]),
            "host-access-privileged",
            "securityContext.privileged",
            "true",
            "remove",
        ),
        (
            pod("r", runtimeClassName="runc"),
            "isolation-runtime-class",
            "spec.runtimeClassName",
            '"runc"',
            "remove the field",
        ),
        (
            foreign_binding(),
            "references-role-binding-subjects",
            "subjects[0]",
            '"bar"',
            "bind ServiceAccounts of its own",
        ),
        (pod("n", hostNetwork=True), "host-access-host-namespaces", "spec.hostNetwork", "true", "remove"),
        (
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "door"},
                "spec": {"type": "ExternalName", "externalName": "db.bar.svc.cluster.local"},
            },
            "references-external-name",
            "spec.externalName",
            "db.bar.svc.cluster.local",
            "",
        ),
        (
            workload(
                "apps/v1",
                "Deployment",
                "deep",
                template={"metadata": {"labels": {"app": "deep"}}, "spec": {"containers": [PRIVILEGED]}},
            ),
            "host-access-privileged",
            "spec.template.spec",
            "true",
            "remove",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_crosses_the_boundary_is_refused_with_policy_field_value_and_remedy(
    alice: Kubectl, manifest: Json, policy: str, field: str, value: str, remedy: str
) -> None:
    said = alice.refused(manifest)
    for part in (policy, field, value, remedy):
        assert part in said, said
    assert alice.run("get", manifest["kind"], manifest["metadata"]["name"]).returncode != 0


def test_one_refusal_names_everything_that_is_wrong(alice: Kubectl) -> None:
    said = alice.refused(pod("all", hostPID=True, volumes=[HOST_PATH], containers=[PRIVILEGED]))
    for policy in ("host-access-host-namespaces", "host-access-host-path", "host-access-privileged"):
        assert policy in said, said


def test_a_tenant_cannot_take_off_its_label(alice: Kubectl) -> None:
    alice.apply(pod("tagged"))
    done = alice.run("label", "pod", "tagged", "tenancy.gatekeeper-py.dev/tenant-")
    assert done.returncode != 0 or TENANT_LABELS.items() <= labels_of(alice, "tagged").items()
    done = alice.run("label", "--overwrite", "pod", "tagged", "cost-center=bar")
    assert done.returncode != 0, done.stdout
    assert labels_of(alice, "tagged")["cost-center"] == "foo"


def labels_of(kubectl: Kubectl, name: str) -> dict[str, str]:
    found: Json = kubectl.get("pod", name)
    labels: dict[str, str] = found["metadata"]["labels"]
    return labels


def test_each_tenant_gets_its_own_labels(bob: Kubectl) -> None:
    bob.apply(pod("theirs"))
    assert labels_of(bob, "theirs")["tenancy.gatekeeper-py.dev/tenant"] == "bar"


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public"])
def test_the_platform_is_left_alone(admin: Kubectl, namespace: str) -> None:
    wait_for(
        "the service account", lambda: admin.run("get", "sa", "default", "-n", namespace).returncode == 0
    )
    admin.apply(pod("agent", namespace, hostNetwork=True, volumes=[HOST_PATH], containers=[PRIVILEGED]))
    found: Json = admin.get("pod", "agent", "-n", namespace)
    assert "runtimeClassName" not in found["spec"]
    assert "labels" not in found["metadata"]


def test_a_namespace_made_a_moment_ago_is_guarded_at_once(admin: Kubectl) -> None:
    admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh"}})
    wait_for("the service account", lambda: admin.run("get", "sa", "default", "-n", "fresh").returncode == 0)
    admin.apply(pod("first", "fresh"))
    found: Json = admin.get("pod", "first", "-n", "fresh")
    assert found["spec"]["runtimeClassName"] == "kata"
    assert found["metadata"]["labels"]["tenancy.gatekeeper-py.dev/tenant"] == "fresh"


def test_without_the_webhook_tenants_are_refused_and_kube_system_works(
    server: Server, admin: Kubectl, alice: Kubectl
) -> None:
    with server.stopped():
        said = alice.refused(pod("unguarded"))
        assert "failed calling webhook" in said
        admin.apply(pod("still-works", "kube-system"))
    alice.apply(pod("guarded-again"))
    found: Json = alice.get("pod", "guarded-again")
    assert found["spec"]["runtimeClassName"] == "kata"
