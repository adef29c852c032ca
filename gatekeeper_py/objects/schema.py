"""The structure of kinds: how values merge (structured-merge-diff), which fields exist, what Go writes.

Built-in kinds come from `data/schema.json` (derived from a live API server by tests/e2e/derive_data.py),
custom ones from the openAPIV3Schema of their CustomResourceDefinition. The rules that turn OpenAPI into merge
structure are those of k8s.io/kube-openapi/pkg/schemaconv.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import orjson

from gatekeeper_py.objects.resource import GroupVersionKind, Object, Objects

__all__ = [
    "ANY",
    "ANY_ATOMIC",
    "Form",
    "Schema",
    "builtin_schema",
    "custom_schema",
    "origins",
    "schema_of",
    "unknown_fields",
    "untyped_object",
]

CUSTOM_RESOURCE_DEFINITION = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")

EMPTY: Mapping[str, Any] = MappingProxyType({})


def _empty() -> Mapping[str, Any]:
    return EMPTY


class Form(StrEnum):
    """What a value may be."""

    SCALAR = "scalar"
    LIST = "list"
    MAP = "map"
    ANY = "any"
    """Anything: a scalar, an atomic list, or a map."""


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """The structure of one place in an object."""

    form: Form
    type: str = ""
    """Go type of a built-in map: `core.v1.Container`; names the defaults that apply."""
    scalar: str = ""
    """string, integer, number, boolean, byte, date-time, quantity, int-or-string; empty unless SCALAR."""
    items: Schema | None = None
    """Of each item of a list."""
    keys: tuple[str, ...] | None = None
    """Of a list: the fields that identify an item; () for a set; None for an atomic list."""
    fields: Mapping[str, Schema] = dataclasses.field(default_factory=_empty)
    """Declared fields of a map."""
    values: Schema | None = None
    """Of the fields of a map that are not declared; None when there may be none."""
    atomic: bool = False
    """Of a map: it is replaced whole."""
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=_empty)
    """Default value of a field, where the schema names one (a list's key fields need it)."""
    pointers: frozenset[str] = frozenset()
    """Fields that Go keeps although empty: `{}`, `""`, `0`, `false` stay apart from absent."""
    structs: frozenset[str] = frozenset()
    """Fields that Go always writes as an object, `{}` when absent."""
    always: Mapping[str, Any] = dataclasses.field(default_factory=_empty)
    """Fields that Go always writes, with the value it writes when they are absent."""
    prunes: bool = True
    """Whether the API server drops undeclared fields when it stores the object."""
    embedded: bool = False
    """Whether this place holds a whole object (x-kubernetes-embedded-resource)."""
    nullable: bool = True
    """Whether null may stand here; a null that may not is dropped before a custom object's defaulting."""

    def field(self, name: str) -> Schema | None:
        """Structure of a field of a map, declared or not; None when there may be no such field."""
        return self.fields.get(name, self.values)

    @property
    def takes_map(self) -> bool:
        """Whether a map may stand here."""
        return self.form in (Form.MAP, Form.ANY)

    @property
    def takes_list(self) -> bool:
        """Whether a list may stand here."""
        return self.form in (Form.LIST, Form.ANY)


def _any(*, atomic: bool) -> Schema:
    made = Schema(Form.ANY, atomic=atomic, prunes=False)
    object.__setattr__(made, "values", made)
    object.__setattr__(made, "items", made if atomic else ANY_ATOMIC)
    return made


ANY_ATOMIC = _any(atomic=True)
"""Anything, replaced whole: `__untyped_atomic_` of schemaconv."""

ANY = _any(atomic=False)
"""Anything; maps merge by field, lists are atomic: `__untyped_deduced_` of schemaconv."""


def schema_of(kind: GroupVersionKind, view: Objects) -> Schema | None:
    """Structure of a kind as this cluster serves it; None when the kind is unknown."""
    builtin = builtin_schema(kind)
    if builtin is not None:
        return builtin
    for definition in view.list(CUSTOM_RESOURCE_DEFINITION):
        spec = definition.get("spec", {})
        if spec.get("group") == kind.group and spec.get("names", {}).get("kind") == kind.kind:
            return custom_schema(definition, kind.version)
    return None


# --- built-in kinds ---------------------------------------------------------------------------------


@cache
def _table() -> Mapping[str, Any]:
    text = files("gatekeeper_py.objects").joinpath("data/schema.json").read_bytes()
    table: Mapping[str, Any] = orjson.loads(text)
    return table


def builtin_schema(kind: GroupVersionKind) -> Schema | None:
    """Structure of a built-in kind, None for others. Read on first use and shared."""
    index = _table()["kinds"].get("/".join(kind))
    return None if index is None else _node(index)


@cache
def _node(index: int) -> Schema:
    node = _table()["nodes"][index]
    if "any" in node:
        return ANY_ATOMIC if node["any"] == "atomic" else ANY
    if "scalar" in node:
        return Schema(Form.SCALAR, scalar=node["scalar"])
    if "items" in node:
        keys = tuple(node["keys"]) if "keys" in node else None
        return Schema(Form.LIST, items=_node(node["items"]), keys=keys)
    return Schema(
        Form.MAP,
        type=node.get("type", ""),
        fields=_Fields(node.get("fields", EMPTY)),
        values=_node(node["values"]) if "values" in node else None,
        atomic=node.get("atomic", False),
        defaults=node.get("defaults", EMPTY),
        pointers=frozenset(node.get("pointers", ())),
        structs=frozenset(node.get("structs", ())),
        always=node.get("always", EMPTY),
    )


class _Fields(Mapping[str, Schema]):
    """Fields by number in the table, looked up when asked for: some kinds contain themselves."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = numbers

    def __getitem__(self, name: str) -> Schema:
        return _node(self._numbers[name])

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def get(self, name: str, default: Any = None) -> Any:
        """The structure of a field, or else `default`; without the detour of the base class."""
        number = self._numbers.get(name)
        return default if number is None else _node(number)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


# --- custom kinds -----------------------------------------------------------------------------------


def custom_schema(definition: Object, version: str) -> Schema | None:
    """Structure of a custom kind at a version; None when the definition does not serve it."""
    spec = definition.get("spec", {})
    for served in spec.get("versions", ()):
        if served.get("name") == version and served.get("served", True):
            schema = served.get("schema", {}).get("openAPIV3Schema")
            if schema is None or spec.get("preserveUnknownFields"):
                return untyped_object()
            return _with_metadata(_custom(schema, keeps=False))
    return None


def untyped_object() -> Schema:
    """Structure of an object of which only apiVersion, kind and metadata are known."""
    return _with_metadata(replace(ANY, form=Form.MAP))


def _with_metadata(schema: Schema) -> Schema:
    """Every object has apiVersion, kind and metadata, whatever its schema says."""
    return replace(schema, fields={**schema.fields, **_object_fields()})


@cache
def _object_fields() -> Mapping[str, Schema]:
    namespace = builtin_schema(GroupVersionKind("", "v1", "Namespace"))
    assert namespace is not None
    return {name: namespace.fields[name] for name in ("apiVersion", "kind", "metadata")}


def _custom(schema: Mapping[str, Any], *, keeps: bool) -> Schema:
    """One place of an OpenAPI schema; `keeps`: something above preserves unknown fields."""
    keeps = keeps or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    nullable = bool(schema.get("nullable"))
    kind = schema.get("type", "")
    if kind == "array":
        items = _custom(schema.get("items", EMPTY), keeps=keeps)
        return Schema(Form.LIST, items=items, keys=_list_keys(schema), nullable=nullable)
    if kind == "object":
        return replace(_custom_map(schema, keeps=keeps), nullable=nullable)
    if kind:
        return Schema(Form.SCALAR, scalar=_custom_scalar(kind, schema), nullable=nullable)
    return _custom_untyped(schema, keeps=keeps)


def _custom_untyped(schema: Mapping[str, Any], *, keeps: bool) -> Schema:
    """No type: anything goes, but declared fields keep their structure."""
    if not schema.get("properties"):
        return ANY
    return replace(_custom_map(schema, keeps=keeps), form=Form.ANY, items=ANY_ATOMIC)


def _custom_map(schema: Mapping[str, Any], *, keeps: bool) -> Schema:
    properties: Mapping[str, Any] = schema.get("properties") or EMPTY
    embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    fields: Mapping[str, Schema] = {
        name: _custom(value, keeps=keeps) for name, value in properties.items() if isinstance(value, Mapping)
    }
    return Schema(
        Form.MAP,
        fields={**fields, **_object_fields()} if embedded else fields,
        values=_custom_values(schema, keeps=keeps),
        atomic=schema.get("x-kubernetes-map-type") == "atomic",
        defaults={name: value["default"] for name, value in properties.items() if "default" in value},
        prunes=not schema.get("x-kubernetes-preserve-unknown-fields"),
        embedded=embedded,
    )


def _custom_values(schema: Mapping[str, Any], *, keeps: bool) -> Schema | None:
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        return _custom(values, keeps=keeps)
    if values is None:
        return ANY if keeps or not schema.get("properties") else None
    return ANY if values else None


def _list_keys(schema: Mapping[str, Any]) -> tuple[str, ...] | None:
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "map":
        return tuple(schema.get("x-kubernetes-list-map-keys", ()))
    return () if kind == "set" else None


def _custom_scalar(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "string" and schema.get("format") in {"byte", "date-time", "int-or-string"}:
        return str(schema["format"])
    return str(kind)


# --- strict decoding --------------------------------------------------------------------------------


def unknown_fields(value: object, schema: Schema, before: object = None) -> list[str]:
    """Paths of fields that the schema does not know, as strict decoding names them: `spec.ports[0].prt`.

    Not looked into is what is the very object that stands in its place in `before`.
    """
    found: list[str] = []
    _collect_unknown(value, before, schema, "", found)
    return found


def _collect_unknown(value: object, before: object, schema: Schema, path: str, found: list[str]) -> None:
    if value is before:
        return
    if isinstance(value, dict) and schema.takes_map:
        old = before if isinstance(before, dict) else {}
        for name, inner in value.items():
            if name in old and old[name] is inner:
                continue
            place = f"{path}.{name}" if path else name
            _collect_unknown_field(name, inner, old.get(name), schema, place, found)
    elif isinstance(value, list) and schema.takes_list and schema.items is not None:
        for index, (inner, was) in enumerate(zip(value, origins(value, before), strict=True)):
            _collect_unknown(inner, was, schema.items, f"{path}[{index}]", found)


def _collect_unknown_field(
    name: str, value: object, before: object, schema: Schema, path: str, found: list[str]
) -> None:
    inner = schema.field(name)
    if inner is None:
        found.append(path)
    elif inner is not ANY and inner is not ANY_ATOMIC:
        _collect_unknown(value, before, inner, path, found)


def origins(value: list[Any], before: object) -> list[Any]:
    """For each item of a list what it was before: itself wherever it stood, else what stood in its place."""
    old = before if isinstance(before, list) else []
    known = set(map(id, old))
    return [
        item if id(item) in known else old[index] if index < len(old) else None
        for index, item in enumerate(value)
    ]
