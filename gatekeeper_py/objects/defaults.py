"""What the API server makes of a manifest before it asks admission: decoding, defaults, creation.

The order is the API server's: read into types, defaults of the types, built-in admission plugins, the kind's
own preparation. What only a running cluster can know (an allocated address, a generated name) is left out or
is a placeholder named in `creation.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import yaml

from gatekeeper_py.objects import creation, default_rules
from gatekeeper_py.objects.decoding import UnreadableObject, decode_builtin, decode_custom, fill_custom
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
    mutated: bool = False,
) -> Object:
    """The object as validating admission sees it. The argument is not changed.

    `old` is what is stored (already defaulted), for an update. Without `view`, defaults that other objects
    give (a default storage class, a priority class, a runtime class's overhead) stay out. An object of a
    kind nobody knows comes back as it is. What policies `mutated` was read before: a custom resource gets
    defaults, and nothing that does not fit is looked for. Raises UnreadableObject where a value has another
    shape than the kind's types: the API server refuses such an object before admission.
    """
    try:
        return _apply(value, served, view, operation, subresource, old, namespace, mutated=mutated)
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
    *,
    mutated: bool,
) -> Object:
    kind = GroupVersionKind.parse(str(value.get("apiVersion") or ""), str(value.get("kind") or ""))
    schema = builtin_schema(kind)
    made = _typed(value, kind, schema, view, mutated=mutated)
    if served is not None and served.namespaced and not subresource:
        metadata = made.setdefault("metadata", {})
        metadata["namespace"] = metadata.get("namespace") or namespace
    if operation == "CREATE" and not subresource:
        if schema is not None and _has_disabled(schema):
            _drop_disabled(made, schema)
        creation.create(made, kind, view)
    elif operation == "UPDATE" and old is not None:
        creation.update(made, old, kind, subresource)
    return made


def _typed(
    value: Object, kind: GroupVersionKind, schema: Schema | None, view: Objects | None, *, mutated: bool
) -> Object:
    if schema is not None:
        made = decode_builtin(value, schema)
        fill = _filler(schema)
        if fill is not None:
            fill(made)
        return made
    custom = schema_of(kind, view) if view is not None else None
    return (fill_custom if mutated else decode_custom)(value, custom or untyped_object())


@cache
def _table(name: str) -> Mapping[str, Any]:
    text = files("gatekeeper_py.objects").joinpath(f"data/{name}.yaml").read_bytes()
    table: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return table


Fill: TypeAlias = Callable[[Any], None]
"""Fills in the defaults of a value and, after it, of its parts."""

COUNTS_AS_ABSENT: tuple[Any, ...] = ("", 0, None, [])
"""What Go cannot tell from an absent field that is no pointer."""


@cache
def _filler(schema: Schema) -> Fill | None:
    """How the values of one place get their defaults, found out once; None where nothing below has any."""
    if not _has_defaults(schema):
        return None
    return _map_filler(schema) if schema.items is None else _list_filler(_filler(schema.items))


def _list_filler(fill_item: Fill | None) -> Fill | None:
    if fill_item is None:
        return None

    def fill(value: Any) -> None:
        for inner in value or ():
            fill_item(inner)

    return fill


def _map_filler(schema: Schema) -> Fill:
    before, after = default_rules.BEFORE.get(schema.type), default_rules.AFTER.get(schema.type)
    constants = tuple(_constants(schema))
    parts = {name: _filler(field) for name, field in schema.fields.items()}
    others = _filler(schema.values) if schema.values is not None else None

    def fill(value: Any) -> None:
        if not isinstance(value, dict):
            return
        if before is not None:
            before(value)
        for name, default, pointer in constants:
            if name not in value or (not pointer and value[name] in COUNTS_AS_ABSENT):
                value[name] = copy.deepcopy(default) if isinstance(default, dict | list) else default
        for name, inner in value.items():
            fill_part = parts.get(name, others)
            if fill_part is not None:
                fill_part(inner)
        if after is not None:
            after(value)

    return fill


def _constants(schema: Schema) -> Iterator[tuple[str, Any, bool]]:
    """Fields with their defaults, and whether Go can tell an empty one from an absent one."""
    for name, default in (*schema.defaults.items(), *_table("defaults").get(schema.type, {}).items()):
        yield name, default, name in schema.pointers


@cache
def _disabled_parts(schema: Schema) -> Mapping[str, Schema]:
    """The fields of a map below which some feature that is off may have fields."""
    return {name: field for name, field in schema.fields.items() if _has_disabled(field)}


def _drop_disabled(value: Any, schema: Schema) -> None:
    """Removes fields of features that are off; what is emptied by that goes too."""
    if isinstance(value, list) and schema.items is not None:
        for inner in value:
            _drop_disabled(inner, schema.items)
    elif isinstance(value, dict):
        for name in _table("disabled").get(schema.type, ()):
            value.pop(name, None)
        for name, field in _disabled_parts(schema).items():
            if inner := value.get(name):
                _drop_disabled(inner, field)
                if not inner:
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
