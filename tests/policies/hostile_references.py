"""Hostile objects made mechanically from the reference catalogue: each names, in one field, what is not the tenant's."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

__all__ = ["HostileReference", "hostile_references"]

Object = dict[str, Any]

HARMLESS = frozenset(("same", "none", "fragment"))
"""How fields refer that cannot leave the namespace; a fragment is followed into its own fields."""
CONTAINERS = "{containers,initContainers,ephemeralContainers}"
FRAGMENT = re.compile(r"<(\w+)>")
BRACES = re.compile(r"\{([^{}]*)\}")
STEP = re.compile(r"\[\]|\[([^\]]+)\]|([^.\[\]]+)")
NAMESPACE_BESIDE = re.compile(r"namespace|^by .*kind|^by kind", re.IGNORECASE)


@dataclass(frozen=True)
class HostileReference:
    """One field of one kind, and the object that is hostile there; `base` is the same object without the field."""

    kind: str
    path: str
    to: str
    base: Object
    object: Object

    @property
    def subresource(self) -> str:
        """Status is no part of what a client creates: it is written to what is there."""
        if self.kind == "authentication.k8s.io/v1/TokenRequest":
            return "token"
        return "status" if self.path.startswith("status.") else ""

    @property
    def name(self) -> str:
        return f"{self.kind} {self.path}"


def hostile_references(catalogue: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[HostileReference]:
    """Every field of the catalogue that can leave the namespace; `data` gives bases of kinds and values of fields."""
    for section in ("builtin", "crd", "crd_schema_not_read"):
        built_in = section == "builtin"
        fragments = catalogue["fragments"] if built_in else _across_namespaces(catalogue["fragments"])
        for kinds, entry in catalogue[section].items():
            for kind in _expanded(kinds):
                yield from _of_kind(kind, entry, fragments, data)


def _across_namespaces(fragments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of templates in custom resources, what names a namespace: the rest is judged when the pod or claim comes."""
    return {
        name: [r for r in references if r["ns"] in ("self-path", "selector", "fragment")]
        for name, references in fragments.items()
    }


def _of_kind(
    kind: str, entry: Mapping[str, Any], fragments: Mapping[str, Any], data: Mapping[str, Any]
) -> Iterator[HostileReference]:
    base = _base(kind, entry["scope"] == "N", data["bases"])
    for path, reference in _fields("", entry["refs"], fragments):
        value = _value(path, reference, data["values"])
        if value is not None:
            hostile = copy.deepcopy(base)
            beside = next(
                (d for end, d in data["beside"].items() if path.endswith(end)), _surroundings(reference)
            )
            _plant(hostile, _steps(path), value, beside)
            yield HostileReference(kind, path, str(reference["to"]), base, hostile)


def _base(kind: str, namespaced: bool, bases: Mapping[str, Object]) -> Object:
    version, _, name = kind.rpartition("/")
    base: Object = {
        "apiVersion": version.removeprefix("core/"),
        "kind": name,
        "metadata": {"name": "web"},
    }
    if namespaced:
        base["metadata"]["namespace"] = "foo"
    if "." in version:
        base["spec"] = {}
    group = version.rpartition("/")[0]
    return base | copy.deepcopy(bases.get(f"{name}.{group}", bases.get(name, {})))


def _fields(
    prefix: str, references: list[dict[str, Any]], fragments: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for reference in references:
        for path in _expanded(str(reference["path"])):
            full = f"{prefix}.{path}" if prefix else path
            fragment = FRAGMENT.match(str(reference["to"]))
            if fragment is not None and reference["ns"] == "fragment":
                yield from _fields(full, _of_one_container(full, fragments[fragment[1]]), fragments)
            elif str(reference["ns"]) not in HARMLESS:
                yield full, reference


def _of_one_container(prefix: str, references: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of a template's containers the usual ones are enough: pods are judged with all of them."""
    if prefix == "spec":
        return references
    return [
        {**reference, "path": reference["path"].replace(CONTAINERS, "containers")} for reference in references
    ]


def _expanded(path: str) -> Iterator[str]:
    """`a.{b,c}` is a.b and a.c; braces within braces come first."""
    groups = BRACES.split(path)
    choices = [[part] if index % 2 == 0 else part.split(",") for index, part in enumerate(groups)]
    for chosen in product(*choices):
        text = "".join(chosen)
        if BRACES.search(text):
            yield from _expanded(text)
        else:
            yield text


def _steps(path: str) -> list[str]:
    return [match[1] or match[2] or "[]" for match in STEP.finditer(path)]


def _value(path: str, reference: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """What is written there: by the end of the path if the data says so, else by how the field refers."""
    for ending, value in values["endings"].items():
        if path.endswith(ending):
            return copy.deepcopy(value)
    how = str(reference["ns"])
    if how in values["ways"]:
        return copy.deepcopy(values["ways"][how])
    return values["ways"]["beside"]


def _surroundings(reference: Mapping[str, Any]) -> Object:
    """What stands beside the field: the namespace it lies in, or the kind that makes it cluster-wide."""
    how, to = str(reference["ns"]), str(reference["to"])
    if "namespaceSelector" in how:
        return {"namespaceSelector": {}}
    wide = re.search(r"Cluster\w+", to)
    if how.startswith("by ") or (wide and how == "cluster"):
        return {"kind": wide[0]} if wide else {}
    if NAMESPACE_BESIDE.search(how) and how != "self-path":
        return {how.rpartition(".")[2] if how.endswith("amespace") else "namespace": "bar"}
    return {}


def _plant(target: Any, steps: list[str], value: Any, beside: Object) -> None:
    step, *rest = steps
    if not rest:
        target[step] = value
        target.update({key: text for key, text in beside.items() if key != step})
        return
    below: Any = [] if rest[0] == "[]" else {}
    if step != "[]":
        _descend(target.setdefault(step, below), rest, value, beside)
    else:
        _descend(target, steps, value, beside)


def _descend(target: Any, steps: list[str], value: Any, beside: Object) -> None:
    """Into a list's first item, made if need be, or into a mapping."""
    if steps[0] != "[]":
        _plant(target, steps, value, beside)
    elif len(steps) == 1:
        target.append(value)
    else:
        if not target:
            target.append([] if steps[1] == "[]" else {})
        _descend(target[0], steps[1:], value, beside)
