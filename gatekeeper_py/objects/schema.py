"""The structure of kinds: their fields, how values merge (structured-merge-diff), what Go reads and writes.

Built-in kinds come from `data/schema.json` (derived from a live API server by tests/e2e/derive_data.py),
custom ones from the openAPIV3Schema of their CustomResourceDefinition. The rules that turn OpenAPI into merge
structure are those of k8s.io/kube-openapi/pkg/schemaconv.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeAlias

import orjson

from gatekeeper_py.objects.resource import GroupVersionKind, Object, Objects

__all__ = [
    "ANY",
    "ANYTHING",
    "ANY_ATOMIC",
    "Form",
    "OpenAPI",
    "Schema",
    "builtin_schema",
    "custom_schema",
    "openapi_schema",
    "schema_of",
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
    go: str = ""
    """Go type of a scalar, list or map: `int32`, `v1.PullPolicy`; empty where it follows from the rest, and
    for custom kinds."""
    promoted: Mapping[str, str] = dataclasses.field(default_factory=_empty)
    """Fields of structs that a Go struct embeds, with the path to them: `RuleWithOperations.Rule`."""
    choices: tuple[str, ...] = ()
    """All texts that a scalar of a built-in kind may be, where there are only some (`+enum` of Go)."""
    bounds: Mapping[str, Any] = dataclasses.field(default_factory=_empty)
    """What OpenAPI asks of a value besides its type, by keyword; empty for built-in kinds."""

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
    return None if index is None else _nodes()[index]


@cache
def _nodes() -> list[Schema]:
    """Every node of the table. A node may hold itself, so all are made before they are linked."""
    nodes = _table()["nodes"]
    made = list(map(_node, nodes))
    for schema, node in zip(made, nodes, strict=True):
        _link(schema, node, made)
    return made


def _node(node: Mapping[str, Any]) -> Schema:
    """A node without the nodes below it."""
    if "any" in node:
        return ANY_ATOMIC if node["any"] == "atomic" else ANY
    go = node.get("go", "")
    if "scalar" in node:
        return Schema(Form.SCALAR, scalar=node["scalar"], go=go, choices=tuple(node.get("choices", ())))
    if "items" in node:
        return Schema(Form.LIST, keys=tuple(node["keys"]) if "keys" in node else None, go=go)
    return Schema(
        Form.MAP,
        type=node.get("type", ""),
        atomic=node.get("atomic", False),
        defaults=node.get("defaults", EMPTY),
        pointers=frozenset(node.get("pointers", ())),
        structs=frozenset(node.get("structs", ())),
        always=node.get("always", EMPTY),
        go=go,
        promoted=node.get("promoted", EMPTY),
    )


def _link(schema: Schema, node: Mapping[str, Any], made: list[Schema]) -> None:
    for name in ("items", "values"):
        if name in node:
            object.__setattr__(schema, name, made[node[name]])
    if "fields" in node:
        fields = {name: made[index] for name, index in node["fields"].items()}
        object.__setattr__(schema, "fields", fields)


# --- custom kinds -----------------------------------------------------------------------------------

OpenAPI: TypeAlias = Mapping[str, Any]
"""A structural schema (OpenAPI v3) as a CustomResourceDefinition holds it."""

ANYTHING: OpenAPI = {"x-kubernetes-preserve-unknown-fields": True}
"""The schema of what is not looked into."""

BOUNDS = (
    "required",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
)
"""Keywords of OpenAPI that bound a value of the right type."""


def openapi_schema(schema: OpenAPI) -> Schema:
    """Structure of a document by a schema of its own."""
    return _custom(schema, keeps=False)


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


def _custom(schema: OpenAPI, *, keeps: bool) -> Schema:
    """One place of an OpenAPI schema; `keeps`: something above preserves unknown fields."""
    keeps = keeps or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    kind = schema.get("type", "")
    if not kind:
        return _custom_untyped(schema, keeps=keeps)
    bounds = {keyword: schema[keyword] for keyword in BOUNDS if keyword in schema}
    nullable = bool(schema.get("nullable"))
    if kind == "array":
        items = _custom(schema.get("items", EMPTY), keeps=keeps)
        return Schema(Form.LIST, items=items, keys=_list_keys(schema), nullable=nullable, bounds=bounds)
    if kind == "object":
        return replace(_custom_map(schema, keeps=keeps), nullable=nullable, bounds=bounds)
    return Schema(Form.SCALAR, scalar=_custom_scalar(kind, schema), nullable=nullable, bounds=bounds)


def _custom_untyped(schema: OpenAPI, *, keeps: bool) -> Schema:
    """No type: anything goes, but declared fields keep their structure."""
    if not schema.get("properties"):
        return ANY
    return replace(_custom_map(schema, keeps=keeps), form=Form.ANY, items=ANY_ATOMIC)


def _custom_map(schema: OpenAPI, *, keeps: bool) -> Schema:
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


def _custom_values(schema: OpenAPI, *, keeps: bool) -> Schema | None:
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        return _custom(values, keeps=keeps)
    if values is None:
        return ANY if keeps or not schema.get("properties") else None
    return ANY if values else None


def _list_keys(schema: OpenAPI) -> tuple[str, ...] | None:
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "map":
        return tuple(schema.get("x-kubernetes-list-map-keys", ()))
    return () if kind == "set" else None


def _custom_scalar(kind: str, schema: OpenAPI) -> str:
    if kind == "string" and schema.get("format") in {"byte", "date-time", "int-or-string"}:
        return str(schema["format"])
    return str(kind)
