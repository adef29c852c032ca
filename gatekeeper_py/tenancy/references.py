"""Which references an object carries: one walk along the catalogue's tree of its kind, and a deep scan of
kinds that Kubernetes does not define itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS, Node, tree_of
from gatekeeper_py.tenancy.forms import FORMS, Finds

__all__ = ["references"]

_scan = FORMS["scan"]("", "")
SCANNED_NEVER = frozenset(("apiVersion", "kind", "metadata", "status"))
"""Parts of a custom resource the scan leaves out: what the API server or a controller writes."""


def references(body: dict[str, Any], namespace: str = "") -> list[dict[str, Any]]:
    """Everything an object names; `namespace` is its own when the object does not say.

    A reference is a mapping of kind, group, namespace, name, path, how and selector. The namespace is empty
    for cluster-wide and outer things and `*` when any namespace may be meant. Raises `Unreadable`.
    """
    metadata = body.get("metadata")
    own = metadata.get("namespace") if type(metadata) is dict else None
    finds = Finds(own if type(own) is str and own else namespace, [])
    group, _, _ = str(body.get("apiVersion", "")).rpartition("/")
    tree = tree_of(group, str(body.get("kind", "")))
    if tree is not None:
        for key, child in tree.fields.items():
            if key in body:
                _walk(child, body[key], body, key, finds)
    if group not in BUILT_IN_GROUPS:
        _add_scanned(body, finds)
    return finds.references


def _walk(node: Node, value: Any, around: Any, path: str, finds: Finds) -> None:
    for emit in node.emit:
        emit(value, around, path, finds)
    if type(value) is dict:
        fields = node.fields
        if fields:
            for key in value:
                child = fields.get(key)
                if child is not None:
                    _walk(child, value[key], value, f"{path}.{key}", finds)
    elif type(value) is list:
        items = node.items
        if items is not None:
            for index, item in enumerate(value):
                _walk(items, item, around, f"{path}[{index}]", finds)


def _add_scanned(body: dict[str, Any], finds: Finds) -> None:
    """Scan what the catalogue does not explain: a field it knows, and a namespace read beside it, is told."""
    scanned = Finds(finds.namespace, [])
    _scan({key: value for key, value in body.items() if key not in SCANNED_NEVER}, body, "", scanned)
    explained = {reference["path"] for reference in finds.references}
    beside = {(_beside(reference["path"]), reference["namespace"]) for reference in finds.references}
    ignored = {reference["path"] for reference in finds.references if reference["how"] == "ignore"}
    longest = max(map(len, ignored), default=0)
    for reference in scanned.references:
        path = reference["path"]
        told = path in explained or (path, reference["namespace"]) in beside
        if not told and ignored.isdisjoint(_above(path, longest)):
            finds.references.append(reference)
    finds.references[:] = [reference for reference in finds.references if reference["how"] != "ignore"]


def _above(path: str, longest: int) -> Iterator[str]:
    """The paths of up to so many characters that a path lies below: few, however many dots its keys have."""
    end = path.rfind(".", 0, longest + 1)
    while end >= 0:
        yield path[:end]
        end = path.rfind(".", 0, end)


def _beside(path: str) -> str:
    return f"{path.rpartition('.')[0]}.namespace"
