"""A pod as the template of every kind that makes pods: what one case shows of it, it shows of them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatekeeper_py.objects.resource import Object

__all__ = ["POD", "TEMPLATES", "WORKLOADS", "at_template", "in_workload"]

POD = "Pod"
TEMPLATES: Mapping[str, str] = {
    "PodTemplate": "v1",
    "ReplicationController": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
"""The kinds with a template of pods, and the version each is written in."""
WORKLOADS: tuple[str, ...] = (POD, *TEMPLATES)

SELECTING = frozenset({"ReplicationController", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
"""The kinds that find their pods by a label, which the template must have."""
LABEL = "app"
SCHEDULE = "0 0 * * *"
FINISHING = frozenset({"Job", "CronJob"})
"""The kinds whose pods may not be restarted for ever (pkg/apis/batch/validation/validation.go)."""
OF_TEMPLATE = frozenset({"labels", "annotations"})
"""What of a pod's metadata is its template's; the rest is the workload's."""


def in_workload(pod: Object, kind: str) -> Object:
    """The workload of a kind that makes this pod; for `Pod` the pod itself."""
    if kind == POD:
        return pod
    metadata = {key: value for key, value in _metadata(pod).items() if key not in OF_TEMPLATE}
    template = _template(pod, kind)
    made = {
        "apiVersion": TEMPLATES[kind],
        "kind": kind,
        "metadata": metadata,
        **at_template(template, kind),
    }
    if "spec" in made:
        made["spec"] = {**_spec(template, kind), **made["spec"]}
    return made


def at_template(part: Any, kind: str) -> dict[str, Any]:
    """A part of a pod where the workload of a kind has it."""
    if kind == POD:
        return dict(part)
    if kind == "PodTemplate":
        return {"template": part}
    if kind == "CronJob":
        return {"spec": {"jobTemplate": {"spec": {"template": part}}}}
    return {"spec": {"template": part}}


def _metadata(pod: Object) -> Mapping[str, Any]:
    return pod.get("metadata") or {}


def _template(pod: Object, kind: str) -> dict[str, Any]:
    metadata = {key: value for key, value in _metadata(pod).items() if key in OF_TEMPLATE}
    spec = dict(pod.get("spec") or {})
    if kind in SELECTING:
        metadata["labels"] = {LABEL: "web", **(metadata.get("labels") or {})}
    if kind in FINISHING and spec.get("restartPolicy", "Always") == "Always":
        spec["restartPolicy"] = "Never"
    return {"metadata": metadata, "spec": spec} if metadata else {"spec": spec}


def _spec(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What the spec of a kind cannot do without, besides its template."""
    if kind == "CronJob":
        return {"schedule": SCHEDULE}
    if kind not in SELECTING:
        return {}
    labels = {LABEL: template["metadata"]["labels"][LABEL]}
    return {"selector": labels if kind == "ReplicationController" else {"matchLabels": labels}}
