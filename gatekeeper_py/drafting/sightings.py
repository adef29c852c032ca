"""What a survey asks a cluster for, and how it reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gatekeeper_py.objects.resource import GroupVersionKind, Object

__all__ = ["KINDS", "by_kind", "labels_in", "name_in", "namespace_in", "part", "pod_specs", "texts"]

WORKLOADS: Final = ("DaemonSet", "Deployment", "StatefulSet")

KINDS: Final = tuple(
    GroupVersionKind(group, version, kind)
    for group, version, kinds in (
        ("", "v1", ("Namespace", "PersistentVolumeClaim", "Pod", "Service")),
        ("apps", "v1", WORKLOADS),
        ("batch", "v1", ("CronJob",)),
        ("networking.k8s.io", "v1", ("Ingress",)),
        ("node.k8s.io", "v1", ("RuntimeClass",)),
        ("rbac.authorization.k8s.io", "v1", ("ClusterRole", "ClusterRoleBinding", "RoleBinding")),
        (
            "admissionregistration.k8s.io",
            "v1",
            ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
        ),
        ("apiregistration.k8s.io", "v1", ("APIService",)),
        ("apiextensions.k8s.io", "v1", ("CustomResourceDefinition",)),
        ("gateway.networking.k8s.io", "v1", ("Gateway",)),
    )
    for kind in kinds
)
"""Gateways only where they are served. No Secret and no ConfigMap: what is in them is nobody's business."""


def by_kind(objects: Iterable[Object]) -> Mapping[str, list[Object]]:
    """Objects by their kind, in their order."""
    found: dict[str, list[Object]] = {kind.kind: [] for kind in KINDS}
    for value in objects:
        found.setdefault(str(value.get("kind")), []).append(value)
    return found


def part(value: object, *path: str) -> Any:
    """What stands at a path of mappings; None where nothing does."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def texts(values: object) -> list[str]:
    """The texts of a list; none of what is none."""
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def name_in(value: Object) -> str:
    """The object's name."""
    return str(part(value, "metadata", "name") or "")


def namespace_in(value: Object) -> str:
    """The object's namespace."""
    return str(part(value, "metadata", "namespace") or "")


def labels_in(value: Object) -> Mapping[str, Any]:
    """The object's labels."""
    return part(value, "metadata", "labels") or {}


def pod_specs(found: Mapping[str, list[Object]]) -> Iterator[tuple[Object, Mapping[str, Any]]]:
    """Whatever makes pods, and pods, each with the spec of its pods."""
    paths = dict.fromkeys(WORKLOADS, ("spec", "template", "spec")) | {
        "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
        "Pod": ("spec",),
    }
    for kind, path in paths.items():
        yield from ((value, part(value, *path) or {}) for value in found[kind])
