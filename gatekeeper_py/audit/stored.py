"""An object that exists as its author sent it: without what the cluster itself wrote into it since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import labels_of

__all__ = ["as_sent"]

NODE = GroupVersionKind("", "v1", "Node")
TOPOLOGY = "topology.kubernetes.io/"
VOLUME = GroupVersionKind("", "v1", "PersistentVolume")
PROVISIONED = "pv.kubernetes.io/provisioned-by"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_ADDRESS = "None"
"""In place of the address of a Service, which then has none: an author's word."""


def as_sent(value: Object, cluster: ClusterView) -> Object:
    """The object without the node of a pod that was scheduled, an address given out, a volume made."""
    spec, change = value.get("spec"), CHANGES.get(str(value.get("kind")))
    if change is None or not isinstance(spec, dict):
        return value
    return change(value, spec, cluster)


def _pod(value: Object, spec: Mapping[str, Any], cluster: ClusterView) -> Object:
    """Without the node that the scheduler chose, and the labels that came with it.

    plugin/pkg/admission/podtopologylabels copies them at the binding; what contradicts the node, it did not.
    """
    if not _is_scheduled(value.get("status")):
        return value
    sent, labels = _without(value, spec, "nodeName"), labels_of(value)
    copied = [key for key in labels if key.startswith(TOPOLOGY)]
    if not copied:
        return sent
    node = cluster.get(NODE, "", str(spec.get("nodeName") or ""))
    theirs = {key for key in copied if node is None or labels_of(node).get(key) == labels[key]}
    own = {key: text for key, text in labels.items() if key not in theirs}
    return {**sent, "metadata": {**value["metadata"], "labels": own}}


def _is_scheduled(status: object) -> bool:
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return any(
        isinstance(condition, dict)
        and (condition.get("type"), condition.get("status")) == ("PodScheduled", "True")
        for condition in conditions or ()
    )


def _service(value: Object, spec: Mapping[str, Any], _cluster: ClusterView) -> Object:
    """Without its addresses: whether they were asked for or given out, nobody can tell any more."""
    if spec.get("clusterIP") in (None, NO_ADDRESS):
        return value
    return _without(value, spec, "clusterIP", "clusterIPs")


def _claim(value: Object, spec: Mapping[str, Any], cluster: ClusterView) -> Object:
    """Without the volume that was made for it, as the volume says, and the node it was made for."""
    volume = cluster.get(VOLUME, "", str(spec.get("volumeName") or ""))
    about = (volume or {}).get("metadata") or {}
    reserved = ((volume or {}).get("spec") or {}).get("claimRef") or {}
    metadata = value.get("metadata") or {}
    its = ("namespace", "name", "uid")
    if PROVISIONED not in (about.get("annotations") or {}) or any(
        reserved.get(part) != metadata.get(part) for part in its
    ):
        return value
    annotations = metadata.get("annotations") or {}
    kept = {key: text for key, text in annotations.items() if key != SELECTED_NODE}
    return {**_without(value, spec, "volumeName"), "metadata": {**metadata, "annotations": kept}}


def _without(value: Object, spec: Mapping[str, Any], *fields: str) -> Object:
    return {**value, "spec": {name: part for name, part in spec.items() if name not in fields}}


CHANGES: Mapping[str, Callable[[Object, Mapping[str, Any], ClusterView], Object]] = {
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "Service": _service,
}
