"""Kyverno's `match` and `exclude` as resource rules, selectors and match conditions.

What is filtered is read of the object, as Kyverno does (kyverno/pkg/engine/utils/match.go): a name is
`generateName` where there is none, a Namespace is in the namespace that it is, a label selector is about the
object as it becomes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper_py.authoring.migration.carried import CannotCarry, glob_condition, literal, unread
from gatekeeper_py.authoring.migration.kindselector import KindSelector, are_selected, parse_kind
from gatekeeper_py.authoring.migration.logic import TRUE, Condition, every, negated, some
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.selector import Selector

__all__ = ["Filter", "exclude_filters", "is_excluded", "match_filters"]

WILDCARD = re.compile(r"[*?]")
RESOURCE_FIELDS: Final = (
    "kinds",
    "operations",
    "namespaces",
    "names",
    "name",
    "annotations",
    "selector",
    "namespaceSelector",
)


@dataclass(frozen=True, slots=True)
class Filter:
    """One entry of `match` or `exclude`; all that it says must hold."""

    resources: Mapping[str, Any]
    subjects: Sequence[Mapping[str, str]]
    kinds: tuple[KindSelector, ...]
    path: FieldPath

    @property
    def operations(self) -> tuple[str, ...]:
        """Those named; () for all."""
        return tuple(self.resources.get("operations") or ())

    @property
    def namespace_selector(self) -> Mapping[str, Any] | None:
        """Of the namespace; None when there is none."""
        selector: Mapping[str, Any] | None = self.resources.get("namespaceSelector")
        if selector is not None and WILDCARD.search(str(selector)):
            raise CannotCarry((*self.path, "resources", "namespaceSelector"), "a selector with wildcards")
        return selector

    def conditions(self, root: str) -> Iterator[tuple[str, Condition]]:
        """What the object at `root` and its request must be, besides kinds and operations, by name."""
        resources = self.resources
        if namespaces := resources.get("namespaces"):
            yield "in-its-namespaces", _like(_namespace(root, self.kinds), namespaces)
        if names := [*(resources.get("names") or ()), *filter(None, [resources.get("name")])]:
            yield "of-its-names", _like(_name(root), names)
        if annotations := resources.get("annotations"):
            yield "with-its-annotations", every(_annotated(root, *each) for each in annotations.items())
        if selector := resources.get("selector"):
            path = (*self.path, "resources", "selector")
            yield "with-its-labels", every(_labelled(root, selector, path))
        if self.namespace_selector is not None:
            yield "in-a-selected-namespace", _may_be_selected(root, self.namespace_selector, self.kinds)
        if self.subjects:
            yield "by-its-users", _subjects(self.subjects, (*self.path, "subjects"))


def match_filters(match: Mapping[str, Any], path: FieldPath) -> list[Filter]:
    """The entries of `match`, any of which matches. Raises `CannotCarry`."""
    filters = [*_filters(match, path)]
    if match.get("all") and not match.get("any") and len(filters) > 1:
        raise CannotCarry((*path, "all"), "several filters that must all match")
    for each in filters:
        if not each.kinds:
            raise CannotCarry((*each.path, "resources"), "a filter without kinds")
    return filters


def exclude_filters(exclude: Mapping[str, Any], path: FieldPath) -> list[Filter]:
    """The entries of `exclude`, any of which excludes. Raises `CannotCarry`."""
    filters = [*_filters(exclude, path)]
    if exclude.get("all") and not exclude.get("any") and len(filters) > 1:
        raise CannotCarry((*path, "all"), "several filters that must all match")
    for each in filters:
        if each.resources.get("namespaceSelector") is not None:
            where = (*each.path, "resources", "namespaceSelector")
            raise CannotCarry(where, "namespaceSelector has no like here")
        if not each.resources and not each.subjects:
            raise CannotCarry(each.path, "an exclusion of nothing that is known")
    return filters


def _filters(block: Mapping[str, Any], path: FieldPath) -> Iterator[Filter]:
    """`any` goes before `all`, and both before what stands beside them."""
    for name in ("any", "all"):
        if entries := block.get(name):
            for index, entry in enumerate(entries):
                yield _filter(entry, (*path, name, index))
            return
    if block:
        yield _filter(block, path)


def _filter(entry: Mapping[str, Any], path: FieldPath) -> Filter:
    unread(entry, ("resources", "subjects", "any", "all"), path)
    resources = entry.get("resources") or {}
    unread(resources, RESOURCE_FIELDS, (*path, "resources"))
    kinds = tuple(
        parse_kind(str(kind), (*path, "resources", "kinds", index))
        for index, kind in enumerate(resources.get("kinds") or ())
    )
    return Filter(resources, entry.get("subjects") or (), kinds, path)


# --- what an object is


def _name(root: str) -> str:
    name, generated = (f"{root}.metadata.?{field}.orValue('')" for field in ("name", "generateName"))
    return f"({name} != '' ? {name} : {generated})"


def _namespace(root: str, kinds: Sequence[KindSelector]) -> str:
    namespace = f"{root}.metadata.?namespace.orValue('')"
    if not _may_be_namespaces(kinds):
        return namespace
    return f"(request.kind.kind == 'Namespace' ? {root}.metadata.name : {namespace})"


def _may_be_namespaces(kinds: Sequence[KindSelector]) -> bool:
    return not kinds or any(
        not each.served or any(served.kind.kind == "Namespace" for served in each.served) for each in kinds
    )


def _like(value: str, globs: Sequence[str]) -> Condition:
    return TRUE if "*" in globs else Condition(glob_condition(value, globs), "==")


def _annotated(root: str, key: str, value: str) -> Condition:
    """An annotation whose key and value are like these."""
    annotations = f"{root}.metadata.?annotations.orValue({{}})"
    if not WILDCARD.search(key):
        return _of_key(f"{root}.metadata.?annotations", key, [str(value)])
    alike = every([_like("key", [key]), _like(f"{annotations}[key]", [str(value)])])
    return Condition(f"{annotations}.exists(key, {alike})")


def _labelled(root: str, selector: Mapping[str, Any], path: FieldPath) -> Iterator[Condition]:
    """A label selector, whose labels may have wildcards in key and value."""
    unread(selector, ("matchLabels", "matchExpressions"), path)
    labels = f"{root}.metadata.?labels"
    for key, value in (selector.get("matchLabels") or {}).items():
        if WILDCARD.search(key):
            alike = every([_like("key", [key]), _like(f"{labels}.orValue({{}})[key]", [str(value)])])
            yield Condition(f"{labels}.orValue({{}}).exists(key, {alike})")
        else:
            yield _of_key(labels, key, [str(value)])
    for index, each in enumerate(selector.get("matchExpressions") or ()):
        there = Condition(f"{labels}[?{literal(each['key'])}].hasValue()")
        values = [str(value) for value in each.get("values") or ()]
        match each.get("operator"):
            case "In":
                yield _exactly(labels, each["key"], values)
            case "NotIn":
                yield negated(_exactly(labels, each["key"], values))
            case "Exists":
                yield there
            case "DoesNotExist":
                yield negated(there)
            case other:
                raise CannotCarry((*path, "matchExpressions", index), f"the operator {other}")


def _of_key(texts: str, key: str, globs: Sequence[str]) -> Condition:
    """Whether an optional map of texts has at a key a text like one of these."""
    there = Condition(f"{texts}[?{literal(key)}].hasValue()")
    alike = _like(f"{texts}[?{literal(key)}].orValue('')", globs)
    return every([there, alike]) if any(not glob.strip("*") for glob in globs) else alike


def _exactly(texts: str, key: str, values: Sequence[str]) -> Condition:
    there = Condition(f"{texts}[?{literal(key)}].hasValue()")
    one = Condition(f"{texts}[?{literal(key)}].orValue('') in [{', '.join(map(literal, values))}]", "==")
    return every([there, one]) if "" in values else one


def _may_be_selected(root: str, selector: Mapping[str, Any], kinds: Sequence[KindSelector]) -> Condition:
    """What Kyverno's namespaceSelector is about, where Kubernetes' own is about more.

    Kyverno selects no Namespace by it, and takes what is in none for something without labels.
    """
    parts = []
    if _may_be_namespaces(kinds):
        parts.append(Condition("request.kind.kind != 'Namespace'", "=="))
    if not Selector.of(selector).matches({}) and not all(
        each.served and all(served.namespaced for served in each.served) for each in kinds
    ):
        parts.append(Condition(f"{root}.metadata.?namespace.orValue('') != ''", "=="))
    return every(parts)


def _subjects(subjects: Sequence[Mapping[str, str]], path: FieldPath) -> Condition:
    """Who asks, with wildcards in names."""
    parts = []
    for index, subject in enumerate(subjects):
        name = str(subject.get("name", ""))
        match subject.get("kind"):
            case "User":
                parts.append(_like("request.userInfo.username", [name]))
            case "Group":
                parts.append(_in_group(name))
            case "ServiceAccount":
                account = f"system:serviceaccount:{subject.get('namespace', '')}:{name}"
                parts.append(_like("request.userInfo.username", [account]))
            case other:
                raise CannotCarry((*path, index), f"a subject of kind {other}")
    return some(parts)


def _in_group(name: str) -> Condition:
    if WILDCARD.search(name):
        return Condition(f"request.userInfo.groups.exists(group, {_like('group', [name])})")
    return Condition(f"{literal(name)} in request.userInfo.groups", "==")


def is_excluded(each: Filter, root: str, kinds: Sequence[KindSelector] | None = None) -> Condition:
    """Whether a filter excludes; `kinds` instead of its own."""
    parts = []
    own = each.kinds if kinds is None else tuple(kinds)
    if own:
        parts.append(are_selected(own))
    if each.operations:
        operations = ", ".join(map(literal, each.operations))
        parts.append(Condition(f"request.operation in [{operations}]", "=="))
    return every([*parts, *(condition for _, condition in each.conditions(root))])
