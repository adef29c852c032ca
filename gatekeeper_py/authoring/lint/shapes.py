"""What values may be like by the schemas of kinds, several at once: a policy may be about many kinds."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.schema import ANY, Form, Schema, builtin_schema, custom_schema
from gatekeeper_py.policy.matching.match import selects
from gatekeeper_py.policy.model import Policy, Rule

__all__ = [
    "Shapes",
    "did_you_mean",
    "field_of",
    "fields_of",
    "items_of",
    "kinds_of",
    "matched",
    "params_of",
    "parts_of",
    "reaches_namespaced",
]

Shapes: TypeAlias = tuple[Schema, ...] | None
"""What a value may be like; None when that cannot be told."""


def matched(policy: Policy, subject: Subject) -> Shapes:
    """The structures of the kinds that a policy is about; None when one is not known."""
    found: dict[str, Schema] = {}
    groups = {resource.served.kind.group for resource in subject.kinds}
    for rule in policy.match.rules:
        if not groups.issuperset(rule.groups):
            return None
        for named in rule.resources:
            schemas = {
                str(kind): _schema(kind, subject.manifests)
                for kind in set(kinds_of(rule, named, subject.kinds))
            }
            if not schemas or None in schemas.values():
                return None
            found |= {kind: schema for kind, schema in schemas.items() if schema is not None}
    return tuple(found.values()) or None


def params_of(policy: Policy, subject: Subject) -> Shapes:
    """The structure of a policy's params; None when it has none, or the kind is not known."""
    schema = None if policy.param_kind is None else _schema(policy.param_kind, subject.manifests)
    return None if schema is None else (schema,)


def kinds_of(rule: Rule, named: str, kinds: Kinds) -> Iterator[GroupVersionKind]:
    """The kinds that one of a rule's resources sends."""
    for resource in kinds:
        for subresource in ("", *resource.subresources):
            kind = resource.kind(subresource)
            if kind is not None and selects(rule, named, resource.served, subresource):
                yield kind


def reaches_namespaced(policy: Policy, kinds: Kinds) -> bool:
    """Whether a policy is about something in namespaces, whose people write its labels themselves."""
    return any(
        selects(rule, named, resource.served, subresource)
        for resource in kinds
        if resource.served.namespaced
        for subresource in ("", *resource.subresources)
        for rule in policy.match.rules
        for named in rule.resources
    )


def _schema(kind: GroupVersionKind, manifests: Iterable[Manifest]) -> Schema | None:
    """Of a built-in kind, or of one whose definition is among the files."""
    if (builtin := builtin_schema(kind)) is not None:
        return builtin
    for manifest in manifests:
        if manifest.kind == CUSTOM_RESOURCE_DEFINITION and _defines(manifest.object, kind):
            return custom_schema(manifest.object, kind.version)
    return None


def _defines(definition: Object, kind: GroupVersionKind) -> bool:
    spec = definition.get("spec") or {}
    return bool(spec.get("group") == kind.group and (spec.get("names") or {}).get("kind") == kind.kind)


def field_of(shape: Schema, name: str) -> Schema | None:
    """A field's schema; a scalar or a list has none."""
    if shape.form is Form.ANY:
        return ANY
    return shape.field(name) if shape.form is Form.MAP else None


def fields_of(shapes: Iterable[Schema], name: str) -> tuple[Schema, ...]:
    """The schemas of a field in all that have it."""
    return tuple(inner for shape in shapes if (inner := field_of(shape, name)) is not None)


def items_of(shapes: Shapes) -> Shapes:
    """What stands in a list, or in a map whose fields are not declared."""
    if shapes is None:
        return None
    found = [shape.items if shape.form is Form.LIST else shape.values for shape in shapes]
    known = tuple(each for each in found if each is not None and each.form is not Form.ANY)
    return known if known and len(known) == len(found) else None


def parts_of(path: FieldPath, value: Any, shape: Schema | None) -> Iterator[tuple[FieldPath, Any, Schema]]:
    """What stands at a place of an object and below it, each with its schema."""
    if shape is None:
        return
    yield path, value, shape
    if isinstance(value, dict):
        for key, each in value.items():
            yield from parts_of((*path, key), each, shape.field(key) if shape.form is Form.MAP else None)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from parts_of((*path, index), each, shape.items)


def did_you_mean(name: str, shapes: Iterable[Schema], otherwise: str) -> str:
    """A field that is like a name, or what else to do."""
    near = difflib.get_close_matches(name, {known for shape in shapes for known in shape.fields}, 1)
    return f"Did you mean {near[0]}?" if near else otherwise
