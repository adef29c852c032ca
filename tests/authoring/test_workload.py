"""A pod in every kind that makes pods: all of it in the template, and around it what the kind needs."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.authoring.workload import TEMPLATES, WORKLOADS, at_template, in_workload
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.defaults import apply_defaults
from gatekeeper_py.objects.resource import GroupVersionKind

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web",
        "namespace": "foo",
        "finalizers": ["a/b"],
        "labels": {"tier": "front"},
        "annotations": {"a": "b"},
    },
    "spec": {"containers": [{"name": "web", "image": "nginx"}]},
    "status": {"phase": "Running"},
}
METADATA = {"name": "web", "namespace": "foo", "finalizers": ["a/b"]}
SELECTED = {
    "metadata": {"labels": {"app": "web", "tier": "front"}, "annotations": {"a": "b"}},
    "spec": POD["spec"],
}
PLAIN = {"metadata": {"labels": {"tier": "front"}, "annotations": {"a": "b"}}, "spec": POD["spec"]}
FINISHING = {**PLAIN, "spec": {**POD["spec"], "restartPolicy": "Never"}}
SELECTOR = {"matchLabels": {"app": "web"}}

MADE: dict[str, dict[str, Any]] = {
    "PodTemplate": {"template": PLAIN},
    "ReplicationController": {"spec": {"selector": {"app": "web"}, "template": SELECTED}},
    "Deployment": {"spec": {"selector": SELECTOR, "template": SELECTED}},
    "StatefulSet": {"spec": {"selector": SELECTOR, "template": SELECTED}},
    "DaemonSet": {"spec": {"selector": SELECTOR, "template": SELECTED}},
    "ReplicaSet": {"spec": {"selector": SELECTOR, "template": SELECTED}},
    "Job": {"spec": {"template": FINISHING}},
    "CronJob": {"spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": FINISHING}}}},
}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_pod_is_the_template(kind: str) -> None:
    expected = {"apiVersion": TEMPLATES[kind], "kind": kind, "metadata": METADATA, **MADE[kind]}
    assert in_workload(POD, kind) == expected


def test_a_pod_is_itself() -> None:
    assert in_workload(POD, "Pod") == POD
    assert at_template({"spec": {}}, "Pod") == {"spec": {}}


@pytest.mark.parametrize("kind", WORKLOADS)
def test_the_cluster_knows_every_kind(kind: str) -> None:
    cluster = Snapshot(())
    made = in_workload({**POD, "metadata": {"name": "web"}}, kind)
    served = cluster.served(GroupVersionKind.parse(made["apiVersion"], kind))
    assert served is not None
    assert apply_defaults(made, served, cluster, namespace="foo")["metadata"]["namespace"] == "foo"


@pytest.mark.parametrize("restart", ["Never", "OnFailure"])
def test_a_job_keeps_a_restart_policy_it_may_have(restart: str) -> None:
    pod = {**POD, "spec": {"restartPolicy": restart}}
    assert in_workload(pod, "Job")["spec"]["template"]["spec"] == {"restartPolicy": restart}


def test_a_selector_follows_the_label_of_the_pod() -> None:
    pod = {**POD, "metadata": {"name": "db", "labels": {"app": "db"}}}
    spec = in_workload(pod, "Deployment")["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"] == {"app": "db"}
