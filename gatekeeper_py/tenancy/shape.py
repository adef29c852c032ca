"""Whether a document of ours has the shape a schema asks for; every way in which it has not.

Schemas are those of `schema`. Native policies have `policy/shape.py`, which says what the API server says.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gatekeeper_py.manifests.manifest import Source
from gatekeeper_py.manifests.place import FieldPath, Problem, field_text
from gatekeeper_py.tenancy.fields import Schema

__all__ = ["ANYTHING", "Fault", "Path", "faults", "problem_of"]

Path = FieldPath
Fault = tuple[Path, str]
"""Where, and `what is wrong; how to put it right`."""

ANYTHING: Schema = {"type": "anything"}
"""Not looked into."""

TYPES: Mapping[str, tuple[type, str]] = {
    "object": (dict, "a mapping"),
    "array": (list, "a list"),
    "string": (str, "a string"),
    "boolean": (bool, "true or false"),
    "integer": (int, "a whole number"),
}


def faults(value: Any, schema: Schema, path: Path = ()) -> Iterator[Fault]:
    """What is wrong with `value`, in reading order."""
    if schema["type"] == "anything":
        return
    kind, name = TYPES[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield path, f"must be {name}, not {_describe(value)}"
    elif isinstance(value, dict):
        yield from _mapping_faults(value, schema, path)
    elif isinstance(value, list):
        yield from _list_faults(value, schema, path)
    elif isinstance(value, str):
        yield from _text_faults(value, schema, path)
    elif kind is int and not schema["minimum"] <= value <= schema["maximum"]:
        yield path, f"is {value}; it must be between {schema['minimum']} and {schema['maximum']}"


def problem_of(fault: Fault, source: Source) -> Problem:
    """A fault as a problem of the file it stands in."""
    path, message = fault
    what, _, remedy = message.partition("; ")
    return source.problem(path, f"{field_text(path)} {what}".lstrip(), remedy[:1].upper() + remedy[1:])


def _mapping_faults(value: dict[Any, Any], schema: Schema, path: Path) -> Iterator[Fault]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    anything: Schema | None = schema.get("additionalProperties")
    for key, inner in value.items():
        if not isinstance(key, str):
            yield path, f"has the key {key!r}; keys must be strings, quote it"
        elif key in properties:
            yield from faults(inner, properties[key], (*path, key))
        elif anything is not None:
            yield from faults(inner, anything, (*path, key))
        else:
            yield (*path, key), _unknown(key, properties)
    for key in schema.get("required", ()):
        if key not in value:
            yield path, f"lacks {key}; add it"
    if len(value) < schema.get("minProperties", 0):
        yield path, f"is empty; give at least one of {', '.join(properties)}"


def _unknown(key: str, properties: Mapping[str, Schema]) -> str:
    near = difflib.get_close_matches(key, properties, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(properties)}"
    return f"is unknown; {remedy}"


def _list_faults(value: list[Any], schema: Schema, path: Path) -> Iterator[Fault]:
    if len(value) > schema.get("maxItems", len(value)):
        yield path, f"has {len(value)} items, at most {schema['maxItems']} are allowed"
    for index, item in enumerate(value):
        yield from faults(item, schema["items"], (*path, index))


def _text_faults(value: str, schema: Schema, path: Path) -> Iterator[Fault]:
    if "enum" in schema and value not in schema["enum"]:
        yield path, f"is {value!r}; it must be one of {', '.join(schema['enum'])}"
    if len(value) < schema.get("minLength", 0):
        yield path, "is empty; give a value or leave it out"
    if len(value) > schema.get("maxLength", len(value)):
        yield path, f"is {len(value)} characters long, at most {schema['maxLength']} are allowed"
    if "pattern" in schema and not re.search(schema["pattern"].removesuffix("$") + r"\Z", value):
        yield path, f"is {value!r}, which does not match {schema['pattern']}"


def _describe(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str):
        return repr(value)
    return "a list" if isinstance(value, list) else "a mapping"
