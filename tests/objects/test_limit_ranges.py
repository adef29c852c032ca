"""What LimitRanges give a pod. `tests/e2e/test_limit_ranges.py` holds the cases against a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.defaults import apply_defaults
from gatekeeper_py.objects.resource import GroupVersionKind

Json = dict[str, Any]


def limit_range(name: str, *items: Json, namespace: str = "ranged") -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": list(items)}}


def container(name: str, **resources: Any) -> Json:
    return {"name": name, "image": "i", **({"resources": resources} if resources else {})}


def pod(*containers: Json, **spec: Any) -> Json:
    metadata = {"name": "p", "namespace": "ranged"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": list(containers), **spec},
    }


BOTH = {"type": "Container", "default": {"cpu": "1", "memory": "0.5Gi"}, "defaultRequest": {"cpu": "100m"}}
BOUNDS = {"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "64Mi"}}

CASES: dict[str, tuple[list[Json], Json, str | None]] = {
    "everything is missing": (
        [limit_range("a", BOTH)],
        pod(container("c")),
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c",
    ),
    "some is stated": (
        [limit_range("a", BOTH)],
        pod(container("c", limits={"cpu": "2"}, requests={"memory": "1Mi"})),
        "LimitRanger plugin set: memory limit for container c",
    ),
    "all is stated": (
        [limit_range("a", BOTH)],
        pod(container("c", limits={"cpu": "1", "memory": "1Mi"}, requests={"cpu": "1", "memory": "1Mi"})),
        None,
    ),
    "several containers": (
        [limit_range("a", BOTH)],
        pod(container("c"), container("d", limits={"cpu": "1"}), initContainers=[container("i")]),
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c; "
        "memory request for container d; memory limit for container d; "
        "cpu, memory request for init container i; cpu, memory limit for init container i",
    ),
    "defaults of bounds": (
        [limit_range("a", BOUNDS)],
        pod(container("c")),
        "LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c",
    ),
    "of other kinds": (
        [limit_range("a", {"type": "PersistentVolumeClaim", "max": {"storage": "1Ti"}})],
        pod(container("c")),
        None,
    ),
    "of another namespace": ([limit_range("a", BOTH, namespace="elsewhere")], pod(container("c")), None),
    "none": ([], pod(container("c")), None),
}


def admitted(ranges: list[Json], value: Json) -> Json:
    view = Snapshot(ranges)
    return apply_defaults(value, view.served(GroupVersionKind("", "v1", "Pod")), view, namespace="ranged")


@pytest.mark.parametrize("case", CASES)
def test_what_is_missing_is_filled_in_and_told(case: str) -> None:
    ranges, value, said = CASES[case]
    metadata = admitted(ranges, value)["metadata"]
    assert metadata.get("annotations", {}).get("kubernetes.io/limit-ranger") == said


def test_amounts_are_written_as_the_api_server_writes_them() -> None:
    (made,) = admitted([limit_range("a", BOTH)], pod(container("c")))["spec"]["containers"]
    assert made["resources"] == {
        "limits": {"cpu": "1", "memory": "512Mi"},
        "requests": {"cpu": "100m", "memory": "512Mi"},
    }


def test_one_after_the_other() -> None:
    ranges = [limit_range("a", BOUNDS), limit_range("b", BOTH)]
    (made,) = admitted(ranges, pod(container("c")))["spec"]["containers"]
    assert made["resources"] == {
        "limits": {"cpu": "2", "memory": "512Mi"},
        "requests": {"cpu": "2", "memory": "64Mi"},
    }


@pytest.mark.parametrize("spec", [None, {}, {"limits": None}, {"limits": [1, {"type": "Container"}]}])
def test_what_is_no_limit_range_gives_nothing(spec: Any) -> None:
    odd = {**limit_range("a"), "spec": spec}
    assert admitted([odd], pod(container("c"))) == admitted([], pod(container("c")))


def test_it_comes_before_the_class_of_service() -> None:
    full = {"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}}
    assert admitted([limit_range("a", full)], pod(container("c")))["status"]["qosClass"] == "Guaranteed"
