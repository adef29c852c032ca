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
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from gatekeeper_py.golang import quantities as quantity
from gatekeeper_py.golang.rfc3339 import MICROSECONDS, SECONDS
from gatekeeper_py.objects.fieldpath import FieldPath, field_text
from gatekeeper_py.objects.findings import Finding, WrongType, findings, fit, time_layout
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.schema import ANY, Form, Schema

__all__ = ["LEAST", "UnreadableObject", "decode_builtin", "decode_custom", "fill_custom"]

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
    "byte": "base64",
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


def _found(finding: Finding) -> str:
    """What stands there; never the text of what should be bytes, which may be a secret."""
    secret = finding.schema.scalar == "byte" and isinstance(finding.value, str)
    return "this text" if secret else _name(finding.value)


def _check(value: Any, schema: Schema, path: FieldPath = ()) -> None:
    """Raises UnreadableObject at the first value of another type than the schema's."""
    for finding in findings(value, schema):
        if isinstance(finding, WrongType):
            raise UnreadableObject((*path, *finding.path), _expected(finding), _found(finding))


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
    try:
        decoded: Object = _decoder(schema)(value)
    except _Unfit:
        _check(value, schema)  # which says what does not fit, and where
        raise
    return decoded


class _Unfit(Exception):
    """A value that its place cannot hold. Where it stands is looked up only then: nearly all objects fit."""


Decode: TypeAlias = Callable[[Any], Any]
"""Makes of a value, which is not null, what Go writes; raises `_Unfit`."""


@cache
def _decoder(schema: Schema) -> Decode:
    """How the values of one place are decoded: planned once, so that no object asks the schema again."""
    if schema.form is SCALAR:
        return _text if schema.scalar == "string" else _scalar_decoder(schema)
    if schema.form is LIST:
        return _list_decoder(schema.items or ANY)
    if schema.form is MAP:
        return _Struct(schema).decode if schema.fields else _map_decoder(schema.values or ANY)
    return copy.deepcopy


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise _Unfit
    return value


def _scalar_decoder(schema: Schema) -> Decode:
    fits, written = fit(schema.scalar), WRITTEN_AS.get(schema.scalar)

    def decode(value: Any) -> Any:
        if not fits(value, schema):
            raise _Unfit
        return value if written is None else written(value)

    return decode


def _list_decoder(items: Schema) -> Decode:
    decoded = _item_decoder(items)

    def decode(value: Any) -> Any:
        if not isinstance(value, list):
            raise _Unfit
        return [decoded(inner) for inner in value]

    return decode


def _map_decoder(values: Schema) -> Decode:
    decoded = _item_decoder(values)

    def decode(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _Unfit
        return {name: decoded(inner) for name, inner in value.items()}

    return decode


def _item_decoder(schema: Schema) -> Decode:
    """Of an item of a list or a value of a map, where Go cannot hold null."""

    def decode(value: Any) -> Any:
        if value is not None:
            return _decoder(schema)(value)
        return _decoder(schema)({}) if schema.type else LEAST.get(schema.scalar)

    return decode


class _Struct:
    """How a struct is decoded; its fields are planned when they are first met, as it may hold itself."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._kept = schema.pointers | schema.structs | schema.always.keys()
        self._known: dict[Any, tuple[Decode, bool]] = {}

    def decode(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _Unfit
        known = self._known
        made: Object = {}
        for name, inner in value.items():
            field = known.get(name) or self._meet(name)
            if field is None or inner is None:
                continue
            decoded = field[0](inner)
            if decoded or field[1]:
                made[name] = decoded
        self._complete(made)
        return made

    def _meet(self, name: Any) -> tuple[Decode, bool] | None:
        """A field's decoder, and whether it is kept when empty; nothing is remembered of made up names."""
        field = self._schema.fields.get(name)
        if field is not None:
            self._known[name] = _decoder(field), name in self._kept
        return self._known.get(name)

    def _complete(self, made: Object) -> None:
        """Add what Go always writes."""
        for name in self._schema.structs:
            if name not in made:
                made[name] = _decoder(self._schema.fields[name])({})
        for name, default in self._schema.always.items():
            made.setdefault(name, default)


def _quantity(value: Any) -> str:
    return quantity.canonical(str(value).strip())


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


WRITTEN_AS: Mapping[str, Decode] = {
    "byte": _bytes,
    "date-time": _time,
    "integer": int,
    "quantity": _quantity,
}
"""Scalars that Go may write otherwise than they were read."""


def decode_custom(value: Object, schema: Schema) -> Object:
    """A fresh object, pruned and with the defaults of its schema; raises UnreadableObject.

    apiextensions-apiserver pkg/apiserver/schema/{pruning,defaulting}/{algorithm,prunenulls}.go.
    """
    metadata = schema.field("metadata")
    _check(value.get("metadata"), metadata or ANY, ("metadata",))
    decoded: Object = _custom(value, schema, _kept)
    return decoded


def fill_custom(value: Object, schema: Schema) -> Object:
    """A fresh object of a custom kind with the defaults of its schema and nothing else changed.

    What a mutation leaves is so until the API server writes it: validating policies see fields that will be
    pruned then, and labels that are no text.
    """
    filled: Object = _custom(value, schema, _all)
    return filled


Parts: TypeAlias = Callable[[Object, Schema], Iterable[tuple[str, Any, Schema | None]]]
"""Which parts of a map are kept, each with its schema where that has anything to say."""


def _custom(value: Any, schema: Schema, parts: Parts) -> Any:
    if isinstance(value, dict) and schema.takes_map:
        return _custom_map(value, schema, parts)
    if isinstance(value, list) and schema.items is not None:
        return [_custom(inner, schema.items, parts) for inner in value]
    return copy.deepcopy(value)


def _custom_map(value: Object, schema: Schema, parts: Parts) -> Object:
    made = {
        name: copy.deepcopy(inner) if field is None else _custom(inner, field, parts)
        for name, inner, field in parts(value, schema)
    }
    for name, default in schema.defaults.items():
        field = schema.fields[name]
        if name not in made or (made[name] is None and not field.nullable):
            made[name] = _custom(default, field, parts)
    return made


def _all(value: Object, schema: Schema) -> Iterator[tuple[str, Any, Schema | None]]:
    for name, inner in value.items():
        yield name, inner, schema.field(name)


def _kept(value: Object, schema: Schema) -> Iterator[tuple[str, Any, Schema | None]]:
    for name, inner in value.items():
        field = schema.field(name)
        if field is not None and field.type == "meta.v1.ObjectMeta" and isinstance(inner, dict):
            yield name, _decoder(field)(inner), None
        elif inner is None and field is not None and not field.nullable and name not in schema.defaults:
            continue
        elif field is not None or not schema.prunes:
            yield name, inner, field
