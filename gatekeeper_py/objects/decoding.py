"""What is left of an object after the API server has read it into its types and written it again.

Built-in kinds go through Go structs: unknown fields and nulls vanish, empty lists and maps vanish where the
field says omitempty, structs and some zero values appear, quantities and times take one form. Custom kinds
are pruned and given the defaults of their schema.
"""

from __future__ import annotations

import base64
import binascii
import copy
import datetime
from collections.abc import Iterator
from typing import Any

from gatekeeper_py.golang import quantities as quantity
from gatekeeper_py.golang.rfc3339 import MICROSECONDS, SECONDS
from gatekeeper_py.objects.fieldpath import FieldPath, field_text
from gatekeeper_py.objects.findings import WrongType, findings, time_layout
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.schema import ANY, Form, Schema

__all__ = ["LEAST", "UnreadableObject", "decode_builtin", "decode_custom"]

SCALAR, LIST, MAP = Form.SCALAR, Form.LIST, Form.MAP
"""By names of their own: the attributes of an enumeration are slow to look up."""

LEAST: dict[str, Any] = {
    "string": "",
    "byte": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "quantity": "0",
}
"""What Go holds for a null list item or map value."""


class UnreadableObject(ValueError):
    """An object that the types of its kind cannot hold; the API server answers 400 (Bad Request)."""

    def __init__(self, path: FieldPath, expected: str, found: str) -> None:
        super().__init__(f"{field_text(path) or 'the object'} must be {expected}, not {found}")
        self.path = path


EXPECTED = {
    "boolean": "true or false",
    "integer": "a whole number",
    "int-or-string": "a whole number or text",
    "number": "a number",
    "quantity": "a quantity",
}
"""Of a scalar that is no time; all others are text."""

FITTING = {"integer": "a whole number that fits {}", "int-or-string": "a whole number that fits {}, or text"}
"""Of a scalar where a whole number stands that has too many bits."""

WRITTEN = {layout: layout.removesuffix("07:00") for layout in (SECONDS, MICROSECONDS)}
"""How a time looks in a layout of Go's."""


def _name(found: object) -> str:
    if isinstance(found, dict | list):
        return "a map" if isinstance(found, dict) else "a list"
    return repr(found)


def _check(value: Any, schema: Schema, path: FieldPath = ()) -> None:
    """Raises UnreadableObject at the first value of another type than the schema's."""
    for finding in findings(value, schema):
        if isinstance(finding, WrongType):
            raise UnreadableObject((*path, *finding.path), _expected(finding), _name(finding.value))


def _expected(finding: WrongType) -> str:
    schema = finding.schema
    if schema.form is not SCALAR:
        return "a list" if schema.form is LIST else "a map"
    if schema.scalar == "date-time":
        return f"a time such as {WRITTEN[time_layout(schema)]}"
    if type(finding.value) is int and schema.scalar in FITTING:
        return FITTING[schema.scalar].format(schema.go or "int32")
    return EXPECTED.get(schema.scalar, "text")


def decode_builtin(value: Object, schema: Schema) -> Object:
    """A fresh object as Go writes it, which the caller may change in place; raises UnreadableObject."""
    _check(value, schema)
    decoded: Object = _builtin(value, schema)
    return decoded


def _builtin(value: Any, schema: Schema) -> Any:
    if schema.scalar == "string":
        return value
    if schema.form is SCALAR:
        return _scalar(value, schema.scalar)
    if isinstance(value, dict) and schema.form is MAP:
        return _struct(value, schema) if schema.fields else _map(value, schema)
    if isinstance(value, list) and schema.form is LIST and schema.items is not None:
        return [_item(inner, schema.items) for inner in value]
    return copy.deepcopy(value)


def _item(value: Any, schema: Schema) -> Any:
    if value is not None:
        return _builtin(value, schema)
    return _builtin({}, schema) if schema.type else LEAST.get(schema.scalar)


def _map(value: Object, schema: Schema) -> Object:
    fields = ((name, inner, schema.field(name)) for name, inner in value.items())
    return {name: _item(inner, field) for name, inner, field in fields if field is not None}


def _struct(value: Object, schema: Schema) -> Object:
    made: Object = {}
    fields, values = schema.fields, schema.values
    for name, inner in value.items():
        field = fields.get(name, values)
        if field is None or inner is None:
            continue
        decoded = _builtin(inner, field)
        if decoded or name in schema.pointers or name in schema.structs or name in schema.always:
            made[name] = decoded
    for name in schema.structs:
        if name not in made:
            made[name] = _builtin({}, fields[name])
    for name, default in schema.always.items():
        made.setdefault(name, default)
    return made


def _scalar(value: Any, scalar: str) -> Any:
    if scalar == "quantity" and isinstance(value, str | int | float) and not isinstance(value, bool):
        return quantity.canonical(str(value))
    if scalar == "date-time" and isinstance(value, str):
        return _time(value)
    if scalar == "byte" and isinstance(value, str):
        return _bytes(value)
    if scalar == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _time(text: str) -> str:
    """In UTC with whole seconds, micro times with six digits; as it is where Python has no such year."""
    try:
        utc = datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return text
    precision = "microseconds" if "." in text else "seconds"
    return utc.isoformat(timespec=precision).replace("+00:00", "Z")


def _bytes(text: str) -> str:
    """Base64 without the line breaks Go ignores."""
    try:
        return base64.b64encode(
            base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        ).decode()
    except (ValueError, binascii.Error):
        return text


def decode_custom(value: Object, schema: Schema) -> Object:
    """A fresh object, pruned and with the defaults of its schema; raises UnreadableObject.

    apiextensions-apiserver pkg/apiserver/schema/{pruning,defaulting}/algorithm.go.
    """
    metadata = schema.field("metadata")
    _check(value.get("metadata"), metadata or ANY, ("metadata",))
    decoded: Object = _custom(value, schema)
    return decoded


def _custom(value: Any, schema: Schema) -> Any:
    if isinstance(value, dict) and schema.takes_map:
        return _custom_map(value, schema)
    if isinstance(value, list) and schema.items is not None:
        return [_custom(inner, schema.items) for inner in value]
    return copy.deepcopy(value)


def _custom_map(value: Object, schema: Schema) -> Object:
    made = {
        name: copy.deepcopy(inner) if field is None else _custom(inner, field)
        for name, inner, field in _kept(value, schema)
    }
    for name, default in schema.defaults.items():
        field = schema.fields[name]
        if name not in made or (made[name] is None and not field.nullable):
            made[name] = _custom(default, field)
    return made


def _kept(value: Object, schema: Schema) -> Iterator[tuple[str, Any, Schema | None]]:
    for name, inner in value.items():
        field = schema.field(name)
        if field is not None and field.type == "meta.v1.ObjectMeta" and isinstance(inner, dict):
            yield name, _builtin(inner, field), None
        elif field is not None or not schema.prunes:
            yield name, inner, field
