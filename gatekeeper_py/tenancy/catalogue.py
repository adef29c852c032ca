"""The reference catalogue, compiled: for every kind a tree of the fields that can name something.

The data and the meaning of its words stand in `catalogue.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from gatekeeper_py.tenancy.forms import FORMS, Emit, beside, beside_namespace, object_name

__all__ = ["BUILT_IN_GROUPS", "Node", "catalogue", "path_steps", "tree_of"]

BUILT_IN_GROUPS = frozenset(
    (
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    )
)
"""Groups of Kubernetes' own kinds: the catalogue holds all their references, so they need no deep scan."""

STEP = re.compile(r"\[\]|\[([^\]]+)\]|([^.\[\]]+)")
ITEMS = "[]"


class Node:
    """A field that names something, or has fields that do."""

    __slots__ = ("emit", "fields", "items")

    def __init__(self) -> None:
        self.fields: dict[str, Node] = {}
        self.items: Node | None = None
        self.emit: tuple[Emit, ...] = ()

    def at(self, steps: Iterable[str]) -> Node:
        """The node below this one, made if need be."""
        node = self
        for step in steps:
            node = node._child(step)
        return node

    def _child(self, step: str) -> Node:
        if step != ITEMS:
            return self.fields.setdefault(step, Node())
        if self.items is None:
            self.items = Node()
        return self.items


@cache
def catalogue() -> Mapping[tuple[str, str], Node]:
    """The trees of all kinds in the catalogue, by group and kind."""
    text = files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8")
    data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    trees = {}
    for name, references in data["kinds"].items():
        kind, _, group = name.partition(".")
        trees[group, kind] = _tree(references, data["shapes"])
    return trees


def tree_of(group: str, kind: str) -> Node | None:
    """The tree of a kind, or None when the catalogue does not know it."""
    return catalogue().get((group, kind))


def _tree(references: Mapping[str, Any], shapes: Mapping[str, Any]) -> Node:
    root = Node()
    _plant(root, (), references, shapes)
    return root


def _plant(
    root: Node, prefix: tuple[str, ...], references: Mapping[str, Any], shapes: Mapping[str, Any]
) -> None:
    for how, fields in references.items():
        if how == "use":
            for path, shape in fields.items():
                _plant(root, (*prefix, *path_steps(path)), shapes[shape], shapes)
            continue
        for path, kind in fields.items() if isinstance(fields, dict) else dict.fromkeys(fields, "*").items():
            for steps, emit in _leaves((*prefix, *path_steps(path)), how, kind):
                node = root.at(steps)
                node.emit = (*node.emit, emit)


def _leaves(steps: tuple[str, ...], how: str, kind: str) -> Iterator[tuple[tuple[str, ...], Emit]]:
    if how == "beside":
        name, _, field = kind.partition(" in ")
        field = field or "namespace"
        yield steps, beside(*_kind(name), field)
        yield (*steps[:-1], field), beside_namespace(steps[-1])
    elif how in ("same", "cluster"):
        yield steps, object_name(*_kind(kind), cluster=how == "cluster")
    else:
        yield steps, FORMS[how](*_kind(kind))


def _kind(name: str) -> tuple[str, str]:
    kind, _, group = name.partition(".")
    return group, kind


def path_steps(path: str) -> tuple[str, ...]:
    """A path of the catalogue step by step: `a.b[].c[x.y]` is a, b, [], c, x.y."""
    return tuple(match[1] or match[2] or ITEMS for match in STEP.finditer(path))
