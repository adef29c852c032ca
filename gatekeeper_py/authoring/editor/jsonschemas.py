"""The JSON Schema of our documents, for editors that complete and check YAML by them.

Made from what the loader itself checks by: Kubernetes' structure of native policies, the OpenAPI of tenancy
documents and of suites. It says what a schema can say; `gatekeeper lint` and the language server the rest.
Draft 7, which yaml-language-server reads. A field without a value is told, though the loader takes null for
absent: whoever writes has not finished.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import orjson

from gatekeeper_py.authoring import suite
from gatekeeper_py.authoring.editor.fieldnotes import NATIVE, REQUIRED, SUITE_NOTES
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import Form, OpenAPI, Schema, builtin_schema
from gatekeeper_py.policy.loading.shape import GROUP, KINDS, VERSIONS
from gatekeeper_py.tenancy.fields import definitions
from gatekeeper_py.tenancy.tenant import GROUP as TENANCY_GROUP

__all__ = ["JSONSchema", "json_schema", "render"]

JSONSchema: TypeAlias = Mapping[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
DEFINITION = "#/definitions/"

SCALARS: Mapping[str, JSONSchema] = {
    "boolean": {"type": "boolean"},
    "int-or-string": {"type": ["integer", "string"]},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "quantity": {"type": ["number", "string"]},
}
"""All others are strings."""

METADATA: JSONSchema = {
    "type": "object",
    "description": "What the object is called.",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "description": "No other object of the kind has it."},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def json_schema() -> JSONSchema:
    """One schema for every file of a policies folder: what has no kind, and a field of a suite, is a suite.

    Of a kind that is none of ours, as params have it, only what every object has.
    """
    documents = dict(_documents())
    suites = [{"required": [name]} for name in suite.DOCUMENT["properties"]]
    return {
        "$schema": DIALECT,
        "title": "Policies, bindings, tenants and suites of gatekeeper_py",
        "if": {"not": {"required": ["kind"]}, "anyOf": suites},
        "then": {"$ref": DEFINITION + "Suite"},
        "else": {"$ref": DEFINITION + "Object"},
        "definitions": {"Object": _object(documents), "Suite": _suite(), **documents, **_parts()},
    }


def render() -> bytes:
    """The schema as `schemas/gatekeeper.json` holds it."""
    return orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _object(documents: Mapping[str, JSONSchema]) -> JSONSchema:
    kinds = sorted(documents)
    return {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Group and version."},
            "kind": {"anyOf": [{"enum": kinds}, {"type": "string"}], "description": "What it is."},
            "metadata": METADATA,
        },
        "allOf": [
            {"if": OF_OURS, "then": {"properties": {"kind": {"enum": kinds}}}},
            *({"if": _is(kind), "then": {"$ref": DEFINITION + kind}} for kind in kinds),
        ],
    }


GROUPS = "|".join(map(re.escape, (GROUP, TENANCY_GROUP)))
OF_OURS: JSONSchema = {"required": ["apiVersion"], "properties": {"apiVersion": {"pattern": f"^({GROUPS})/"}}}
"""Of a group whose kinds are all known, so that one that is not is a slip of the pen."""


def _is(kind: str) -> JSONSchema:
    return {"required": ["kind"], "properties": {"kind": {"const": kind}}}


def _documents() -> Iterator[tuple[str, JSONSchema]]:
    for kind in sorted(KINDS):
        yield kind, _native(kind)
    for definition in definitions():
        spec = definition["spec"]
        version = spec["versions"][0]
        properties = version["schema"]["openAPIV3Schema"]["properties"]
        api_versions = [f"{spec['group']}/{version['name']}"]
        yield spec["names"]["kind"], _document(spec["names"]["kind"], api_versions, _of(properties["spec"]))


def _document(kind: str, api_versions: list[str], spec: JSONSchema) -> JSONSchema:
    return {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"enum": api_versions},
            "kind": {"const": kind},
            "metadata": METADATA,
            "spec": spec,
            "status": {"type": "object", "description": "Written by servers."},
        },
    }


# --- native policies: by Kubernetes' own structure ---------------------------------------------------------


def _native(kind: str) -> JSONSchema:
    schema = _builtin(kind)
    api_versions = [f"{GROUP}/{version}" for version in VERSIONS]
    return _document(kind, api_versions, {"$ref": DEFINITION + _name(schema.fields["spec"])})


def _builtin(kind: str) -> Schema:
    schema = builtin_schema(GroupVersionKind(GROUP, "v1", kind))
    assert schema is not None
    return schema


def _parts() -> Mapping[str, JSONSchema]:
    """Every struct of the native policies, by its Go name."""
    found: dict[str, Schema] = {}
    waiting = [_builtin(kind).fields["spec"] for kind in sorted(KINDS)]
    while waiting:
        schema = waiting.pop()
        if schema.type and schema.fields and _name(schema) not in found:
            found[_name(schema)] = schema
        waiting += [inner for inner in schema.fields.values() if _name(inner) not in found]
        waiting += [schema.items] if schema.items is not None else []
    return {name: _struct(name, found[name]) for name in sorted(found)}


def _name(schema: Schema) -> str:
    return schema.type.rpartition(".")[2]


def _struct(name: str, schema: Schema) -> JSONSchema:
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": list(REQUIRED[name])} if name in REQUIRED else {}),
        "properties": {field: _field(f"{name}.{field}", inner) for field, inner in schema.fields.items()},
    }


def _field(key: str, schema: Schema) -> JSONSchema:
    note = NATIVE[key]
    made = dict(_value(schema))
    if note.choices:
        choices = {"enum": list(note.choices)}
        made = {**made, "items": choices} if schema.form is Form.LIST else choices
    if "$ref" in made:  # a draft 7 reader passes over whatever stands beside a reference
        made = {"allOf": [made]}
    return {"description": note.text, **made}


def _value(schema: Schema) -> JSONSchema:
    if schema.form is Form.LIST:
        assert schema.items is not None
        return {"type": "array", "items": _value(schema.items)}
    if schema.form is Form.SCALAR:
        return SCALARS.get(schema.scalar, {"type": "string"})
    if schema.fields:
        return {"$ref": DEFINITION + _name(schema)}
    return {"type": "object", "additionalProperties": _value(schema.values) if schema.values else True}


# --- tenancy documents and suites: by their OpenAPI --------------------------------------------------------


def _of(schema: OpenAPI) -> JSONSchema:
    """The same in JSON Schema: what only an API server reads is left out, and no unknown field is allowed."""
    made: dict[str, Any] = {
        key: value for key, value in schema.items() if not key.startswith("x-kubernetes-")
    }
    if "properties" in made:
        made["properties"] = {name: _of(inner) for name, inner in made["properties"].items()}
        made.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), Mapping):
            made[key] = _of(made[key])
    return {key: list(value) if isinstance(value, tuple) else value for key, value in made.items()}


def _suite() -> JSONSchema:
    document, case = _noted(suite.DOCUMENT), _noted(suite.CASE)
    document["properties"]["cases"] |= {"items": case, "minItems": 1}
    return document


def _noted(schema: OpenAPI) -> dict[str, Any]:
    made = dict(_of(schema))
    made["properties"] = {
        name: {"description": SUITE_NOTES[name].text, **inner} for name, inner in made["properties"].items()
    }
    return made
