"""What is wrong with a value by its schema: every finding with its path, in nobody's words yet.

One walk serves Kubernetes objects, policies, tenancy documents and suites. Who asks puts the findings into
words: Go's (`unmarshalling.py`), the command line's (`decoding.py`), or ours (`manifests/conformity.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from operator import ge, le
from typing import Any, Final, TypeAlias

from gatekeeper_py.golang import quantities
from gatekeeper_py.golang.base64text import base64_problem
from gatekeeper_py.golang.rfc3339 import MICROSECONDS, SECONDS, time_problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.schema import ANY, ANY_ATOMIC, EMPTY, Form, Schema

__all__ = [
    "Finding",
    "MissingField",
    "OutOfBounds",
    "UnknownField",
    "WrongKey",
    "WrongType",
    "findings",
    "fit",
    "time_layout",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    path: FieldPath
    value: Any
    schema: Schema
    """What the schema says of the value at the path; for a field or key of a map, what it says of the map."""


class WrongType(Finding):
    """A value of another type than the schema's, or null where null may not stand."""

    __slots__ = ()


class UnknownField(Finding):
    """A field that the map around it does not have."""

    __slots__ = ()

    @property
    def near(self) -> str | None:
        """The field that may have been meant."""
        return next(iter(get_close_matches(str(self.path[-1]), self.schema.fields, 1)), None)


class WrongKey(Finding):
    """A key that is no string: `value`, of the map at the path."""

    __slots__ = ()


class MissingField(Finding):
    """A required field that is absent: `value`, of the map at the path."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OutOfBounds(Finding):
    """A value of the right type that OpenAPI does not allow all the same."""

    keyword: str
    """The bound, one of `schema.bounds`."""


Found: TypeAlias = tuple[Finding, ...]
"""With paths from where the walk is: as there are nearly always none, paths are made on the way back."""

INT32_LIMIT, INT64_LIMIT = 2**31, 2**63
"""The first number that an integer of so many bits cannot hold."""

NOTHING: Final = object()
"""Stands where nothing stood before."""

SCALAR, LIST, MAP = Form.SCALAR, Form.LIST, Form.MAP
"""By names of their own: the attributes of an enumeration are slow to look up."""


def findings(value: Any, schema: Schema, before: Any = NOTHING) -> Found:
    """What is wrong with a value, in reading order.

    Not looked into is what is the very object that stands in its place in `before`.
    """
    if value is before:
        return ()
    if value is None:
        return () if schema.nullable else (WrongType((), value, schema),)
    form = schema.form
    if form is SCALAR:
        return _scalar_findings(value, schema)
    if schema is ANY or schema is ANY_ATOMIC:
        return ()
    if isinstance(value, dict) and form is not LIST:
        return _map_findings(value, schema, before)
    if isinstance(value, list) and form is not MAP:
        return _list_findings(value, schema, before)
    return () if form is Form.ANY else (WrongType((), value, schema),)


def _within(part: str | int, found: Found) -> Found:
    return tuple(replace(each, path=(part, *each.path)) for each in found)


# --- maps and lists -----------------------------------------------------------------------------------


def _map_findings(value: dict[Any, Any], schema: Schema, before: Any) -> Found:
    found: Found = ()
    fields = schema.fields
    old = before if isinstance(before, dict) else EMPTY
    for name, inner in value.items():
        was = old.get(name, NOTHING) if old else NOTHING
        if inner is was:
            continue
        field = fields.get(name)
        if field is not None and type(inner) is str and field.scalar == "string" and field.bounds is EMPTY:
            continue  # most values are, and a call for each takes time
        if field is None:
            found += _undeclared(name, inner, schema, was)
        elif below := findings(inner, field, was):
            found += _within(name, below)
    return found + _bound_findings(value, schema) if schema.bounds else found


def _undeclared(name: Any, value: Any, schema: Schema, was: Any) -> Found:
    if not isinstance(name, str):
        return (WrongKey((), name, schema),)
    if schema.values is None:
        return (UnknownField((name,), value, schema),)
    return _within(name, findings(value, schema.values, was))


def _list_findings(value: list[Any], schema: Schema, before: Any) -> Found:
    found = _bound_findings(value, schema) if schema.bounds else ()
    items = schema.items or ANY
    origins = _origins(value, before) if isinstance(before, list) else None
    for index, inner in enumerate(value):
        if below := findings(inner, items, NOTHING if origins is None else origins[index]):
            found += _within(index, below)
    return found


def _origins(value: list[Any], before: list[Any]) -> list[Any]:
    """For each item what it was before: itself wherever it stood, else what stood in its place."""
    known = set(map(id, before))
    return [
        item if id(item) in known else before[index] if index < len(before) else NOTHING
        for index, item in enumerate(value)
    ]


# --- scalars ------------------------------------------------------------------------------------------


def fit(scalar: str) -> Callable[[Any, Schema], bool]:
    """What tells whether a value is of a scalar's type, whatever its bounds."""
    return FITS.get(scalar, _is_text)


def _scalar_findings(value: Any, schema: Schema) -> Found:
    if not fit(schema.scalar)(value, schema):
        return (WrongType((), value, schema),)
    return _bound_findings(value, schema) if schema.bounds else ()


def _is_text(value: Any, _: Schema) -> bool:
    return isinstance(value, str)


def _is_truth(value: Any, _: Schema) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any, _: Schema) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any, schema: Schema) -> bool:
    """By a schema of OpenAPI of any length; to Go one that fits, and YAML's 1.0 too, which JSON makes 1."""
    if not schema.go:
        return isinstance(value, int) and not isinstance(value, bool)
    return _is_number(value, schema) and _fits(value, INT32_LIMIT if schema.go == "int32" else INT64_LIMIT)


def _is_integer_or_text(value: Any, schema: Schema) -> bool:
    return isinstance(value, str) or (_is_number(value, schema) and _fits(value, INT32_LIMIT))


def _fits(value: float, limit: int) -> bool:
    return -limit <= value < limit and value == int(value)


def _is_quantity(value: Any, schema: Schema) -> bool:
    if not isinstance(value, str) and not _is_number(value, schema):
        return False
    return quantities.parse(str(value).strip()) is not None


def _is_time(value: Any, schema: Schema) -> bool:
    return isinstance(value, str) and time_problem(value, time_layout(schema)) is None


def time_layout(schema: Schema) -> str:
    """How Go writes the times that stand here."""
    return MICROSECONDS if schema.go == "v1.MicroTime" else SECONDS


def _is_base64(value: Any, _: Schema) -> bool:
    return isinstance(value, str) and base64_problem(value) is None


FITS: Mapping[str, Callable[[Any, Schema], bool]] = {
    "boolean": _is_truth,
    "byte": _is_base64,
    "date-time": _is_time,
    "int-or-string": _is_integer_or_text,
    "integer": _is_integer,
    "number": _is_number,
    "quantity": _is_quantity,
}
"""Whether a value is of a scalar's type; all others are text."""


# --- bounds (OpenAPI) ---------------------------------------------------------------------------------


def _bound_findings(value: Any, schema: Schema) -> Found:
    missing = (name for name in schema.bounds.get("required", ()) if name not in value)
    broken = (
        keyword
        for keyword, holds in BOUNDS.items()
        if keyword in schema.bounds and not holds(value, schema.bounds[keyword])
    )
    return (
        *(MissingField((), name, schema) for name in missing),
        *(OutOfBounds((), value, schema, keyword) for keyword in broken),
    )


def _at_least(value: Any, least: int) -> bool:
    return len(value) >= least


def _at_most(value: Any, most: int) -> bool:
    return len(value) <= most


def _one_of(value: Any, choices: Any) -> bool:
    return value in choices


def _matches(value: str, pattern: str) -> bool:
    """RE2's `$` is the end of the text, not that of its last line."""
    return re.search(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), value) is not None


BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "enum": _one_of,
    "minimum": ge,
    "maximum": le,
    "minLength": _at_least,
    "maxLength": _at_most,
    "pattern": _matches,
    "minItems": _at_least,
    "maxItems": _at_most,
    "minProperties": _at_least,
    "maxProperties": _at_most,
}
"""Whether a value keeps to a bound."""
