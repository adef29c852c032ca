"""What the API server makes of a manifest before it asks admission: decoding, defaults, creation.

The order is the API server's: read into types, defaults of the types, built-in admission plugins, the kind's
own preparation. What only a running cluster can know (an allocated address, a generated name) is left out or
is a placeholder named in `creation.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from gatekeeper_py.objects import creation, default_rules
from gatekeeper_py.objects.decoding import UnreadableObject, decode_builtin, decode_custom
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Objects, Served
from gatekeeper_py.objects.schema import Schema, builtin_schema, schema_of, untyped_object

__all__ = ["DEFAULT_NAMESPACE", "UnreadableObject", "apply_defaults"]

DEFAULT_NAMESPACE = "default"
"""Where kubectl puts a namespaced object that names no namespace."""


def apply_defaults(
    value: Object,
    served: Served | None,
    view: Objects | None = None,
    *,
    operation: str = "CREATE",
    subresource: str = "",
    old: Object | None = None,
    namespace: str = DEFAULT_NAMESPACE,
) -> Object:
    """The object as validating admission sees it. The argument is not changed.

    `old` is what is stored (already defaulted), for an update. Without `view`, defaults that other objects
    give (a default storage class, a priority class, a runtime class's overhead) stay out. An object of a
    kind nobody knows comes back as it is. Raises UnreadableObject where a value has another shape than the
    kind's types: the API server refuses such an object before admission.
    """
    try:
        return _apply(value, served, view, operation, subresource, old, namespace)
    except RecursionError:
        raise UnreadableObject((), "nested less deeply", "hundreds of levels") from None


def _apply(
    value: Object,
    served: Served | None,
    view: Objects | None,
    operation: str,
    subresource: str,
    old: Object | None,
    namespace: str,
) -> Object:
    kind = GroupVersionKind.parse(str(value.get("apiVersion") or ""), str(value.get("kind") or ""))
    schema = builtin_schema(kind)
    made = _typed(value, kind, schema, view)
    if served is not None and served.namespaced and not subresource:
        made.setdefault("metadata", {}).setdefault("namespace", namespace)
    if operation == "CREATE" and not subresource:
        if schema is not None:
            _drop_disabled(made, schema)
        creation.create(made, kind, view)
    elif operation == "UPDATE" and old is not None:
        creation.update(made, old, kind, subresource)
    return made


def _typed(value: Object, kind: GroupVersionKind, schema: Schema | None, view: Objects | None) -> Object:
    if schema is not None:
        made = decode_builtin(value, schema)
        _default(made, schema)
        return made
    custom = schema_of(kind, view) if view is not None else None
    return decode_custom(value, custom or untyped_object())


@cache
def _table(name: str) -> Mapping[str, Any]:
    text = files("gatekeeper_py.objects").joinpath(f"data/{name}.yaml").read_bytes()
    table: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return table


@dataclass(frozen=True, slots=True)
class _Defaulting:
    """What defaulting does to a map of a built-in type; found out once a type."""

    before: default_rules.Rule | None
    constants: tuple[tuple[str, Any], ...]
    parts: Mapping[str, Schema | None]
    """Its declared fields; None where nothing has defaults."""
    others: Schema | None
    """The same of a field that is not declared."""
    after: default_rules.Rule | None


@cache
def _defaulting(schema: Schema) -> _Defaulting:
    return _Defaulting(
        default_rules.BEFORE.get(schema.type),
        (*schema.defaults.items(), *_table("defaults").get(schema.type, {}).items()),
        {name: field if _has_defaults(field) else None for name, field in schema.fields.items()},
        schema.values if schema.values and _has_defaults(schema.values) else None,
        default_rules.AFTER.get(schema.type),
    )


def _default(value: Any, schema: Schema) -> None:
    """Defaults of a value and, after it, of its parts."""
    if isinstance(value, list) and schema.items is not None:
        for inner in value:
            _default(inner, schema.items)
    elif isinstance(value, dict):
        _default_map(value, schema)


def _default_map(value: Object, schema: Schema) -> None:
    defaulting = _defaulting(schema)
    if defaulting.before:
        defaulting.before(value)
    _fill(value, defaulting.constants, schema)
    parts, others = defaulting.parts, defaulting.others
    for name, inner in value.items():
        field = parts.get(name, others)
        if field is not None:
            _default(inner, field)
    if defaulting.after:
        defaulting.after(value)


def _fill(value: Object, defaults: Iterable[tuple[str, Any]], schema: Schema) -> None:
    """Sets what is absent; an empty value that Go cannot tell from an absent one counts as absent."""
    for name, default in defaults:
        if name not in value or (name not in schema.pointers and value[name] in ("", 0, None, [])):
            value[name] = copy.deepcopy(default)


def _drop_disabled(value: Any, schema: Schema) -> None:
    """Removes fields of features that are off; what is emptied by that goes too."""
    if not _has_disabled(schema):
        return
    if isinstance(value, list) and schema.items is not None:
        for inner in value:
            _drop_disabled(inner, schema.items)
    elif isinstance(value, dict) and schema.fields:
        for name in _table("disabled").get(schema.type, ()):
            value.pop(name, None)
        for name, inner in list(value.items()):
            was_empty = not inner
            _drop_disabled(inner, schema.fields[name])
            if not (inner or was_empty):
                del value[name]


@cache
def _has_disabled(schema: Schema) -> bool:
    """Whether fields of features that are off may stand somewhere below."""
    return any(each.type in _table("disabled") for each in _below(schema))


@cache
def _has_defaults(schema: Schema) -> bool:
    """Whether something somewhere below has defaults."""
    tables = (default_rules.BEFORE, default_rules.AFTER, _table("defaults"))
    return any(each.defaults or any(each.type in table for table in tables) for each in _below(schema))


def _below(schema: Schema) -> Iterator[Schema]:
    """A place in an object and all places in it, each once."""
    seen: set[Schema] = set()
    pending = [schema]
    while pending:
        each = pending.pop()
        if each not in seen:
            seen.add(each)
            yield each
            pending += filter(None, (*each.fields.values(), each.items, each.values))
