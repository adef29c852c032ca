"""Whether a document of ours conforms to its schema, in our words: every fault with its place and remedy.

For tenancy documents and suites. Native policies have `policy/loading/shape.py`, which says what the API
server says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from gatekeeper_py.manifests.manifest import Source
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.fieldpath import FieldPath, field_text
from gatekeeper_py.objects.findings import (
    Finding,
    MissingField,
    OutOfBounds,
    UnknownField,
    WrongKey,
    findings,
)
from gatekeeper_py.objects.schema import Form, Schema

__all__ = ["Fault", "faults", "problem_of", "told"]

Fault: TypeAlias = tuple[FieldPath, str]
"""Where, and `what is wrong; how to put it right`."""

SCALARS = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}
"""Of a scalar; all others are strings."""


def faults(value: Any, schema: Schema, path: FieldPath = ()) -> Iterator[Fault]:
    """What is wrong with `value`, which stands at `path`, in reading order."""
    for finding in findings(value, schema):
        yield (*path, *finding.path), told(finding)


def problem_of(fault: Fault, source: Source) -> Problem:
    """A fault as a problem of the file it stands in."""
    path, message = fault
    what, _, remedy = message.partition("; ")
    return source.problem(path, f"{field_text(path)} {what}".lstrip(), remedy[:1].upper() + remedy[1:])


def told(finding: Finding) -> str:
    """`what is wrong; how to put it right`."""
    match finding:
        case OutOfBounds():
            return _bound(finding.value, finding.schema, finding.keyword)
        case UnknownField(near=near) if near:
            return f"is unknown; did you mean {near}?"
        case UnknownField(schema=schema):
            return f"is unknown; known are {', '.join(schema.fields)}"
        case WrongKey(value=key):
            return f"has the key {key!r}; keys must be strings, quote it"
        case MissingField(value=name):
            return f"lacks {name}; add it"
    if finding.schema.scalar == "byte" and isinstance(finding.value, str):  # may be a secret: it is not shown
        return "is not base64; encode it, or write it as text in stringData or data"
    return f"must be {_expected(finding.schema)}, not {_described(finding.value)}"


def _bound(value: Any, schema: Schema, keyword: str) -> str:
    bounds = schema.bounds
    match keyword:
        case "enum":
            return f"is {value!r}; it must be one of {', '.join(bounds['enum'])}"
        case "minimum" | "maximum":
            return f"is {value}; it must be between {bounds['minimum']} and {bounds['maximum']}"
        case "minLength":
            return "is empty; give a value or leave it out"
        case "maxLength":
            return f"is {len(value)} characters long, at most {bounds['maxLength']} are allowed"
        case "pattern":
            return f"is {value!r}, which does not match {bounds['pattern']}"
        case "maxItems":
            return f"has {len(value)} items, at most {bounds['maxItems']} are allowed"
        case "minItems":
            return "is empty; name one at least, or leave it out"
    return f"is empty; give at least one of {', '.join(schema.fields)}"


def _expected(schema: Schema) -> str:
    if schema.form is Form.MAP:
        return "a mapping"
    return "a list" if schema.form is Form.LIST else SCALARS.get(schema.scalar, "a string")


def _described(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str):
        return repr(value)
    return "a list" if isinstance(value, list) else "a mapping"
