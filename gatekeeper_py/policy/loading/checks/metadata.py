"""Names, labels and annotations of any object (apimachinery/pkg/api/validation/objectmeta.go)."""

from __future__ import annotations

from gatekeeper_py.objects import naming as names
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.policy.loading.checks.parts import Faults, Part, items, text
from gatekeeper_py.policy.loading.faults import invalid, required, too_long

__all__ = ["check_labels", "check_metadata"]

MAX_ANNOTATIONS = 256 * 1024
"""Bytes of all keys and values of metadata.annotations."""

ANNOTATIONS = ("metadata", "annotations")
LABELS = ("metadata", "labels")
NAME = ("metadata", "name")
OWNERS = ("metadata", "ownerReferences")


def check_metadata(faults: Faults, metadata: Part) -> None:
    """The metadata of an object of the whole cluster, named by a DNS subdomain."""
    name = text(metadata, "name")
    if name:
        faults.name(NAME, name, names.dns_subdomain)
    else:
        faults.add(required(NAME, "name or generateName is required"))
    check_labels(faults, LABELS, metadata.get("labels") or {})
    _annotations(faults, metadata.get("annotations") or {})
    _owners(faults, metadata)


def check_labels(faults: Faults, field: FieldPath, labels: Part) -> None:
    """Labels: the API server names the whole mapping, we point to the label."""
    for key, value in sorted(labels.items()):
        faults.name(field, key, names.qualified_name, at=(*field, key))
        faults.name(field, value or "", names.label_value, at=(*field, key))


def _annotations(faults: Faults, annotations: Part) -> None:
    for key in sorted(annotations):
        for complaint in names.qualified_name(key.lower()):
            faults.add(invalid(ANNOTATIONS, key, complaint, value_at=(*ANNOTATIONS, key)))
    size = sum(len(key.encode()) + len((value or "").encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS:
        faults.add(too_long(ANNOTATIONS, MAX_ANNOTATIONS))


def _owners(faults: Faults, metadata: Part) -> None:
    for index, owner in enumerate(items(metadata, "ownerReferences")):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                what = "version must not be empty" if name == "apiVersion" else "must not be empty"
                faults.add(invalid((*OWNERS, name), "", what, value_at=(*OWNERS, index)))
