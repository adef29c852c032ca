"""What may stand in the fields of a document, and what they are for: by the JSON Schema of our documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from gatekeeper_py.authoring import suite
from gatekeeper_py.authoring.editor.jsonschemas import DEFINITION, JSONSchema, json_schema
from gatekeeper_py.authoring.editor.proposals import Proposal
from gatekeeper_py.objects.fieldpath import FieldPath

__all__ = ["field_note", "field_proposals", "value_proposals"]


def field_proposals(document: Any, path: FieldPath) -> list[Proposal]:
    """The fields that may still be written in the mapping at a path."""
    schema = _at(document, path)
    present = _value(document, path)
    written = present if isinstance(present, Mapping) else {}
    properties: Mapping[str, JSONSchema] = (schema or {}).get("properties", {})
    return [_field(name, inner) for name, inner in properties.items() if name not in written]


def value_proposals(document: Any, path: FieldPath) -> list[Proposal]:
    """The words that may stand at a path."""
    return [Proposal(word, "keyword", "") for word in _words(_at(document, path) or {})]


def field_note(document: Any, path: FieldPath) -> Proposal | None:
    """What a field is for; None when it is none of ours."""
    name = path[-1] if path else None
    schema = _at(document, path)
    if schema is None or not isinstance(name, str) or "description" not in schema:
        return None
    return _field(name, schema)


def _field(name: str, schema: JSONSchema) -> Proposal:
    words = list(_words(schema))
    kind = _resolved(schema).get("type", "")
    return Proposal(name, "field", " | ".join(words) or str(kind), str(schema.get("description", "")))


def _words(schema: JSONSchema) -> Iterator[str]:
    for holder in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        yield from (word for word in holder.get("enum", ()) if isinstance(word, str))
    if isinstance(schema.get("const"), str):
        yield schema["const"]


@cache
def _schema() -> JSONSchema:
    return json_schema()


def _at(document: Any, path: FieldPath) -> JSONSchema | None:
    """The schema of what stands at a path; None when nothing may stand there."""
    schema: JSONSchema | None = _root(document)
    for step in path:
        if schema is None:
            return None
        schema = _below(_resolved(schema), step)
    return None if schema is None else {**_resolved(schema), **schema}


def _root(document: Any) -> JSONSchema:
    definitions: Mapping[str, JSONSchema] = _schema()["definitions"]
    if not isinstance(document, Mapping):
        return definitions["Object"]
    if "kind" not in document and any(name in document for name in suite.DOCUMENT["properties"]):
        return definitions["Suite"]
    return definitions.get(str(document.get("kind")), definitions["Object"])


def _resolved(schema: JSONSchema) -> JSONSchema:
    """A schema, or what it refers to."""
    only = schema["allOf"][0] if len(schema.get("allOf", ())) == 1 else schema
    reference = only.get("$ref")
    return _schema()["definitions"][reference.removeprefix(DEFINITION)] if reference else schema


def _below(schema: JSONSchema, step: str | int) -> JSONSchema | None:
    found: Any = None
    if isinstance(step, int):
        found = schema.get("items")
    else:
        found = schema.get("properties", {}).get(step) or schema.get("additionalProperties")
    return found if isinstance(found, Mapping) else None


def _value(document: Any, path: FieldPath) -> Any:
    for step in path:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document
