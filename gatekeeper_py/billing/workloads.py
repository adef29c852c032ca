"""The pods that workloads make, before they exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import Object

__all__ = ["UnknownPods", "pods_of"]

POD: Final = ("", "Pod")
REPLICATED: Final = frozenset(
    {
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("", "ReplicationController"),
    }
)
"""Kinds that keep a number of pods, one unless they say so."""
UNCOUNTED: Final[Mapping[tuple[str, str], str]] = {
    ("apps", "DaemonSet"): "on how many nodes it will run is not known",
    ("batch", "Job"): "how long it will run is not known",
    ("batch", "CronJob"): "how often and how long it will run is not known",
}
"""Kinds whose pods nobody can count beforehand, and why."""
INERT: Final = frozenset({("", "PodTemplate")})
"""Kinds that hold a template and make no pod."""
REMEDY: Final = "bill what exists: --kubeconfig, or -f with --existing"


class UnknownPods(ValueError):
    """It cannot be told which pods an object makes."""


def pods_of(manifest: Manifest, builtin: Kinds) -> list[Manifest]:
    """The Pods that an object makes, itself where it is one; raises `UnknownPods`."""
    kind = (manifest.kind.group, manifest.kind.kind)
    if kind == POD:
        return [manifest]
    if kind in REPLICATED:
        return list(_replicas(manifest))
    if kind in UNCOUNTED:
        raise UnknownPods(f"{UNCOUNTED[kind]}; {REMEDY}")
    if kind not in INERT and builtin.served(manifest.kind) is None and _has_containers(manifest.object):
        raise UnknownPods(f"which pods a {kind[1]} makes is not known; {REMEDY}")
    return []


def _replicas(workload: Manifest) -> Iterator[Manifest]:
    spec = workload.object["spec"]
    count = spec.get("replicas", 1)
    if isinstance(count, bool) or not isinstance(count, int):
        raise UnknownPods(f"spec.replicas is {count!r}, which is no number")
    for number in range(1, count + 1):
        yield replace(workload, object=_pod(workload, spec["template"], number))


def _pod(workload: Manifest, template: Mapping[str, Any], number: int) -> Object:
    metadata = dict(template.get("metadata") or {})
    owner = workload.object["metadata"]
    if "namespace" in owner:
        metadata["namespace"] = owner["namespace"]
    metadata["name"] = f"{workload.name}-{number}"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _has_containers(value: object) -> bool:
    """Whether containers stand anywhere in an object: it may make pods."""
    if isinstance(value, dict):
        return isinstance(value.get("containers"), list) or any(map(_has_containers, value.values()))
    return isinstance(value, list) and any(map(_has_containers, value))
