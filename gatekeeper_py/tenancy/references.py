"""Which references an object carries: one walk along the catalogue's tree of its kind, and a deep scan of
kinds that Kubernetes does not define itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS, Node, tree_of
from gatekeeper_py.tenancy.custom import CustomKind, custom_kind
from gatekeeper_py.tenancy.errands import add_errands
from gatekeeper_py.tenancy.forms import DESTINATION, FORMS, PODS, Finds
from gatekeeper_py.tenancy.leaves import add_leaves, add_own_name
from gatekeeper_py.tenancy.places import CLUSTER, Surroundings

__all__ = ["references"]

IGNORED = frozenset(("ignore",))
COMPARED = IGNORED | {"compared"}
"""How fields refer that look as if they did and do not: to anything, or to addresses. None is reported."""
EVERYWHERE = frozenset(("references-other-tenants",))
"""Of a kind that no other rule judges, nothing is known that a shared program would read."""
CALLED_BY_PODS = frozenset(("Service", DESTINATION))
"""What is told of the values of a harmless kind, whose pods call from the namespace."""
_scan = FORMS["scan"]("", "")
SCANNED_NEVER = frozenset(("apiVersion", "kind", "metadata", "status"))
"""Parts of a custom resource the scan leaves out: what the API server or a controller writes."""


def references(
    body: dict[str, Any], namespace: str = "", around: Surroundings = CLUSTER
) -> list[dict[str, Any]]:
    """Everything an object names; `namespace` is its own when the object does not say.

    A reference is a mapping of kind, group, namespace, name, path, how and selector. The namespace is empty
    for cluster-wide and outer things and `*` when any namespace may be meant. Raises `Unreadable`.
    """
    metadata = body.get("metadata")
    own = metadata.get("namespace") if type(metadata) is dict else None
    finds = Finds(own if type(own) is str and own else namespace, [], around)
    group, _, _ = str(body.get("apiVersion", "")).rpartition("/")
    kind = str(body.get("kind", ""))
    tree = tree_of(group, kind)
    if tree is not None:
        for key, child in tree.fields.items():
            if key in body:
                _walk(child, body[key], body, key, finds)
    scanned = [] if group in BUILT_IN_GROUPS else _scanned(body, kind, finds, custom_kind(group, kind))
    return [*(each for each in finds.references if each["how"] not in COMPARED), *scanned]


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


def _scanned(body: dict[str, Any], kind: str, finds: Finds, known: CustomKind) -> list[dict[str, Any]]:
    """What a custom resource names besides: namespaces, places and identities, or what its pods call."""
    parts = {key: value for key, value in body.items() if key not in SCANNED_NEVER}
    names = Finds(finds.namespace, [], finds.around)
    _scan(parts, body, "", names)
    harmless, unread = known.judgement == "harmless", known.judgement == "unknown"
    values = Finds(finds.namespace, [], finds.around, CALLED_BY_PODS if harmless else None)
    own_programs = set(known.rules) <= EVERYWHERE
    add_leaves(parts, values, finds.around, unread=unread, own_programs=own_programs)
    if harmless:
        values = values._replace(references=[{**each, "how": PODS} for each in values.references])
    if unread:
        add_errands(parts, values, kind)
        add_own_name(body, values)
    return [*_unexplained(names, finds, IGNORED), *_unexplained(values, finds, COMPARED)]


def _unexplained(scanned: Finds, finds: Finds, silencing: frozenset[str]) -> Iterator[dict[str, Any]]:
    """What a scan found that the catalogue does not explain: a field it knows, a namespace read beside it,
    is told, and what lies below a field that is passed over is no reference."""
    explained = {reference["path"] for reference in finds.references}
    beside = {(_beside(reference["path"]), reference["namespace"]) for reference in finds.references}
    silenced = {reference["path"] for reference in finds.references if reference["how"] in silencing}
    longest = max(map(len, silenced), default=0)
    for reference in scanned.references:
        path = reference["path"]
        told = path in explained or (path, reference["namespace"]) in beside
        if not told and silenced.isdisjoint(_above(path, longest)):
            yield reference


def _above(path: str, longest: int) -> Iterator[str]:
    """The paths of up to so many characters that a path lies below: few, however many dots its keys have."""
    end = path.rfind(".", 0, longest + 1)
    while end >= 0:
        yield path[:end]
        end = path.rfind(".", 0, end)


def _beside(path: str) -> str:
    return f"{path.rpartition('.')[0]}.namespace"
