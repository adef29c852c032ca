from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.billing.workloads import UnknownPods, pods_of
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.kinds import Kinds

Json = dict[str, Any]

TEMPLATE: Json = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def workload(api_version: str, kind: str, **spec: object) -> Manifest:
    metadata = {"name": "web", "namespace": "foo"}
    return Manifest({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec})


def made(manifest: Manifest) -> list[Json]:
    return [dict(pod.object) for pod in pods_of(manifest, Kinds.builtin())]


@pytest.mark.parametrize(
    "given",
    [
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("v1", "ReplicationController"),
    ],
)
def test_a_workload_makes_as_many_pods_as_it_says(given: tuple[str, str]) -> None:
    found = made(workload(*given, replicas=2, template=TEMPLATE))
    assert [pod["metadata"] for pod in found] == [
        {"labels": {"app": "web"}, "namespace": "foo", "name": "web-1"},
        {"labels": {"app": "web"}, "namespace": "foo", "name": "web-2"},
    ]
    assert [pod["spec"] for pod in found] == [TEMPLATE["spec"]] * 2
    assert len(made(workload(*given, template=TEMPLATE))) == 1
    assert made(workload(*given, replicas=0, template=TEMPLATE)) == []


def test_a_pod_is_itself_and_what_makes_none_makes_none() -> None:
    pod = workload("v1", "Pod", containers=[])
    assert pods_of(pod, Kinds.builtin()) == [pod]
    assert made(Manifest({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}})) == []
    assert (
        made(Manifest({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {}, "template": TEMPLATE}))
        == []
    )
    assert made(workload("example.com/v1", "Widget", size=3)) == []


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (workload("apps/v1", "DaemonSet", template=TEMPLATE), "on how many nodes it will run is not known"),
        (workload("batch/v1", "Job", template=TEMPLATE), "how long it will run is not known"),
        (workload("batch/v1", "CronJob"), "how often and how long it will run is not known"),
        (
            workload("argoproj.io/v1alpha1", "Rollout", template=TEMPLATE),
            "which pods a Rollout makes is not known",
        ),
    ],
)
def test_what_cannot_be_counted_is_said_with_the_remedy(manifest: Manifest, told: str) -> None:
    with pytest.raises(UnknownPods) as refused:
        made(manifest)
    assert str(refused.value) == f"{told}; bill what exists: --kubeconfig, or -f with --existing"


def test_a_count_that_is_none_is_said() -> None:
    with pytest.raises(UnknownPods, match=r"spec.replicas is 'two', which is no number"):
        made(workload("apps/v1", "Deployment", replicas="two", template=TEMPLATE))
