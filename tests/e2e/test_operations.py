"""Life under the webhook: controllers, updates, subresources and deletions go on as in any cluster."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.e2e.conftest import namespace
from tests.e2e.harness import Kubectl, wait_for
from tests.e2e.test_isolation import CONTAINER, HOST_PATH, TENANT_LABELS, pod, pods_of, workload

Json = dict[str, Any]

REFUSED = "denied the request"
CHOSEN = "10.0.0.77"
"""Within the range of the cluster's Services (harness.py), and nobody's."""


@pytest.mark.parametrize(
    ("manifest", "count"),
    [
        (workload("apps/v1", "StatefulSet", "ordered", serviceName="ordered", replicas=1), 1),
        (workload("apps/v1", "ReplicaSet", "plain-replicas", replicas=2), 2),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_controllers_make_their_pods(alice: Kubectl, manifest: Json, count: int) -> None:
    alice.apply(manifest)
    for made in pods_of(alice, manifest["metadata"]["name"], count):
        assert made["spec"]["runtimeClassName"] == "kata"
        assert TENANT_LABELS.items() <= made["metadata"]["labels"].items()


def test_a_job_makes_its_pod(alice: Kubectl) -> None:
    alice("create", "job", "once", "--image=busybox:1.36")
    wait_for("the pod", lambda: bool(alice.get("pods", "-l", "job-name=once")["items"]), 30)
    made: Json = alice.get("pods", "-l", "job-name=once")["items"][0]  # type: ignore[index]
    assert made["spec"]["runtimeClassName"] == "kata"


def test_scaling_restarting_and_changing_an_image_work(alice: Kubectl) -> None:
    alice.apply(workload("apps/v1", "Deployment", "moving", replicas=0))
    alice("scale", "deployment", "moving", "--replicas=1")
    alice("set", "image", "deployment/moving", "web=nginx:1.28")
    alice("rollout", "restart", "deployment/moving")
    found: Json = alice.get("deployment", "moving")
    assert found["spec"]["replicas"] == 1
    assert found["spec"]["template"]["spec"]["runtimeClassName"] == "kata"
    wait_for("a pod", lambda: bool(alice.get("pods", "-l", "app=moving")["items"]), 30)


def test_an_update_cannot_bring_in_what_creation_could_not(alice: Kubectl) -> None:
    alice.apply(workload("apps/v1", "Deployment", "honest", replicas=0))
    spec = {"containers": [CONTAINER], "volumes": [HOST_PATH]}
    changed = {"metadata": {"labels": {"app": "honest"}}, "spec": spec}
    assert "host-access-host-path" in alice.refused(
        workload("apps/v1", "Deployment", "honest", template=changed)
    )


def test_a_service_gets_no_address_of_its_choice_by_becoming_another_type(alice: Kubectl) -> None:
    alice("create", "service", "externalname", "chooser", "--external-name=example.com")
    chosen = {"type": "ClusterIP", "clusterIP": CHOSEN, "ports": [{"port": 80}], "externalName": None}
    alice("patch", "service", "chooser", "-p", orjson.dumps({"spec": chosen}).decode())
    found: Json = alice.get("service", "chooser")
    assert found["spec"]["clusterIP"] not in ("", CHOSEN)


def test_a_privileged_debug_container_is_refused_and_a_plain_one_is_not(alice: Kubectl) -> None:
    alice.apply(pod("debugged"))
    arguments = ("debug", "debugged", "--image=busybox:1.36", "--quiet")
    said = alice.run(*arguments, "--container=evil", "--profile=sysadmin")
    assert REFUSED in said.stderr, said
    alice(*arguments, "--container=plain", "--profile=baseline", "--attach=false")
    found: Json = alice.get("pod", "debugged")
    assert [container["name"] for container in found["spec"]["ephemeralContainers"]] == ["plain"]


def test_exec_into_a_pod_of_ones_own_gets_past_admission(alice: Kubectl) -> None:
    alice.apply(pod("entered"))
    said = alice.run("exec", "entered", "--", "true").stderr
    assert REFUSED not in said
    assert "does not have a host assigned" in said


def test_a_tenant_cannot_bind_its_pod_to_a_node(alice: Kubectl, admin: Kubectl) -> None:
    admin.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}})
    alice.apply(pod("unbound"))
    binding = """{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "unbound"},
                  "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"}}"""
    path = "/api/v1/namespaces/foo/pods/unbound/binding"
    said = alice.run("create", "--raw", path, "-f", "-", stdin=binding)
    assert REFUSED in said.stderr, said


def test_a_tenant_deletes_what_is_its_own(alice: Kubectl) -> None:
    alice.apply(pod("goes"), pod("goes-too"))
    alice("delete", "pod", "goes", "goes-too", "--now")
    assert alice.run("get", "pod", "goes").returncode != 0


def test_a_namespace_goes_with_all_that_is_in_it(admin: Kubectl) -> None:
    admin.apply(namespace("short-lived"))
    account = ("get", "sa", "default", "-n", "short-lived")
    wait_for("the service account", lambda: admin.run(*account).returncode == 0)
    admin.apply(workload("apps/v1", "Deployment", "inside", replicas=1), arguments=("-n", "short-lived"))
    inside = ("get", "pods", "-n", "short-lived", "-o", "name")
    wait_for("its pod", lambda: bool(admin(*inside).strip()), 30)
    admin("delete", "namespace", "short-lived", "--wait=false")
    wait_for("its end", lambda: admin.run("get", "namespace", "short-lived").returncode != 0, 60, 0.5)
