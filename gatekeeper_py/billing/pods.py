"""The pods that are paid for: whose each is, what it asks for, where and how long it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from gatekeeper_py.billing.period import Period, UnknownTimes
from gatekeeper_py.billing.prices import NO_CLASS
from gatekeeper_py.cluster.snapshot import NAMESPACE
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.requests import (
    Resources,
    UnreadableQuantity,
    overhead_of,
    requests_of,
)
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.tenancy.tenant import ContestedNamespace, Tenancy

__all__ = [
    "NODE",
    "POD",
    "RUNTIME_CLASS",
    "UNOWNED",
    "Node",
    "PaidPod",
    "Reading",
    "nodes_in",
    "read_pods",
    "with_overhead",
]

POD = GroupVersionKind("", "v1", "Pod")
NODE = GroupVersionKind("", "v1", "Node")
RUNTIME_CLASS = GroupVersionKind("node.k8s.io", "v1", "RuntimeClass")
UNOWNED: Final = "(none)"
"""Stands for the tenant of a namespace that is nobody's."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that pods share."""

    name: str
    labels: Mapping[str, str]
    capacity: Resources
    allocatable: Resources
    profile: str = ""
    """Of virtual nodes, the name of their profile: there is no machine that costs anything by itself."""


@dataclass(frozen=True, slots=True)
class PaidPod:
    """One pod, as far as money goes."""

    namespace: str
    name: str
    tenant: str
    runtime_class: str
    node: str
    """Empty before it has one."""
    labels: Mapping[str, str] = field(hash=False)
    requests: Resources
    overhead: Resources
    seconds: Fraction
    """How long it runs in the period."""
    begun: bool = True
    """Whether it began in the period."""
    profile: str = ""
    """Of the virtual node it is on, if it is on one."""

    @property
    def key(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What can be paid for, and what cannot be told."""

    pods: tuple[PaidPod, ...]
    problems: tuple[Problem, ...]


Charger = Callable[[Manifest], PaidPod]


def read_pods(pods: Iterable[Manifest], cluster: ClusterView, tenancy: Tenancy, period: Period) -> Reading:
    """Every Pod that runs in the period, in its order; one that cannot be told costs only itself."""
    found: list[PaidPod] = []
    problems: list[Problem] = []
    for manifest in pods:
        try:
            pod = _paid_pod(manifest.object, cluster, tenancy, period)
        except (ContestedNamespace, UnknownClass, UnknownTimes, UnreadableQuantity) as error:
            metadata = manifest.object.get("metadata") or {}
            key = f"pod {metadata.get('namespace', 'default')}/{metadata.get('name')}"
            problems.append(manifest.source.problem((), f"{key}: {error}"))
        else:
            if pod.seconds:
                found.append(pod)
    return Reading(tuple(found), tuple(problems))


class UnknownClass(ValueError):
    """A pod names a runtime class of which nothing is known."""


def _paid_pod(pod: Object, cluster: ClusterView, tenancy: Tenancy, period: Period) -> PaidPod:
    metadata, spec = pod["metadata"], pod["spec"]
    runtime_class = spec.get("runtimeClassName") or NO_CLASS
    _demand_class(runtime_class, cluster)
    namespace = metadata.get("namespace") or "default"
    return PaidPod(
        namespace,
        metadata["name"],
        _tenant(namespace, cluster, tenancy),
        runtime_class,
        spec.get("nodeName") or "",
        {key: str(value) for key, value in labels_of(pod).items()},
        requests_of(pod),
        overhead_of(pod),
        period.seconds_of(pod),
        period.begins_in_it(pod),
        _profile_of(cluster.get(NODE, "", spec.get("nodeName") or ""), tenancy),
    )


def with_overhead(pod: Object, cluster: ClusterView) -> Object:
    """A pod that does not exist yet, with the overhead that admission will give it.

    plugin/pkg/admission/runtimeclass. One that exists keeps what it was given, whatever its class says today.
    """
    known = cluster.get(RUNTIME_CLASS, "", pod["spec"].get("runtimeClassName") or NO_CLASS) or {}
    overhead = (known.get("overhead") or {}).get("podFixed")
    return {**pod, "spec": {**pod["spec"], "overhead": overhead}} if overhead else pod


def _demand_class(runtime_class: str, cluster: ClusterView) -> None:
    if runtime_class != NO_CLASS and cluster.get(RUNTIME_CLASS, "", runtime_class) is None:
        raise UnknownClass(f"its runtime class {runtime_class!r} is unknown, and so is its overhead")


def _tenant(namespace: str, cluster: ClusterView, tenancy: Tenancy) -> str:
    def labels(name: str) -> Mapping[str, Any]:
        return labels_of(cluster.get(NAMESPACE, "", name) or {})

    owner = tenancy.owner(namespace, labels)
    return owner.name if owner is not None else UNOWNED


def nodes_in(cluster: ClusterView, tenancy: Tenancy) -> Sequence[Node]:
    """The nodes of a cluster; raises `UnreadableQuantity`."""
    return [_node(node, tenancy) for node in cluster.list(NODE)]


def _profile_of(node: Object | None, tenancy: Tenancy) -> str:
    """Which virtual nodes a node is one of, by the profile that asks for most labels; empty for a machine."""
    if node is None:
        return ""
    name, labels = node["metadata"]["name"], labels_of(node)
    profiles = tenancy.settings.virtual_nodes.values()
    held = [profile for profile in profiles if labels and profile.holds(name, labels)]
    return max(held, key=lambda profile: len(profile.selector)).name if held else ""


def _node(node: Object, tenancy: Tenancy) -> Node:
    status = node.get("status") or {}
    capacity = _amounts(status.get("capacity"))
    labels = {key: str(value) for key, value in labels_of(node).items()}
    allocatable = _amounts(status.get("allocatable")) or capacity
    return Node(node["metadata"]["name"], labels, capacity, allocatable, _profile_of(node, tenancy))


def _amounts(listed: object) -> Resources:
    """Of a list of resources: what a pod with one such container would ask for."""
    requests = listed if isinstance(listed, dict) else {}
    return requests_of({"spec": {"containers": [{"name": "node", "resources": {"requests": requests}}]}})
