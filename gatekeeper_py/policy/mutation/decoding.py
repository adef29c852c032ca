"""What the API server makes of a mutated object: it reads it into the types of its kind, strictly.

A built-in kind knows its fields: an unknown one or a value of another type is an internal error, which no
failurePolicy forgives, and null, empty and unwritten are one. Objects of custom kinds are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatekeeper_py.golang import quantities as quantity
from gatekeeper_py.objects.decoding import LEAST
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.schema import Form, Schema, builtin_schema, origins, unknown_fields
from gatekeeper_py.policy.mutation.jsonvalue import whole
from gatekeeper_py.policy.mutation.patch import same

__all__ = ["DecodingError", "conversion_problem", "decode", "settle"]

LONG_INTEGERS = frozenset(
    {
        "activeDeadlineSeconds",
        "deletionGracePeriodSeconds",
        "expirationSeconds",
        "fsGroup",
        "generation",
        "observedGeneration",
        "runAsGroup",
        "runAsUser",
        "supplementalGroups",
        "terminationGracePeriodSeconds",
        "tolerationSeconds",
    }
)
"""Integer fields of 64 bits; the others have 32. The schema does not say, messages do."""

QUANTITY_FORMAT = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


class DecodingError(ValueError):
    """An object that is not one of its kind."""


def decode(patched: Any, live: Object, kind: GroupVersionKind) -> Object:
    """The object a JSON patch left, read as `kind`; raise `DecodingError`. `live` is what it was before."""
    if not isinstance(patched, dict):
        raise DecodingError(
            "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"
        )
    named: Object = {name: live[name] for name in ("apiVersion", "kind") if name in live}
    schema = builtin_schema(kind)
    if schema is None:
        return _custom(patched, named)
    _same_kind({**named, **patched}, kind)
    for problem in _problems(patched, live, schema, _Place(_struct(schema), "")):
        raise DecodingError(problem)
    unknown = sorted(unknown_fields(patched, schema, live))
    if unknown:
        fields = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise DecodingError(f"strict decoding error: {fields}")
    settled: Object = settle({**named, **patched}, live, schema)
    return settled


def _custom(patched: Object, named: Object) -> Object:
    for name, value in named.items():
        if not same(patched.get(name), value):
            raise DecodingError(f"failed to convert object: {name} is {patched.get(name)!r}, not {value!r}")
    return patched


def _same_kind(patched: Object, kind: GroupVersionKind) -> None:
    found = GroupVersionKind.parse(str(patched["apiVersion"]), str(patched["kind"]))
    if found == kind:
        return
    if builtin_schema(found) is None:
        raise DecodingError(
            f'no kind "{found.kind}" is registered for version "{found.api_version}" '
            'in scheme "pkg/runtime/scheme.go:111"'
        )
    group = kind.group.partition(".")[0] or "core"
    raise DecodingError(
        f"failed to convert object: converting ({found.version}.{found.kind}) to ({group}.{kind.kind}): "
        "unknown conversion"
    )


# --- values of another type (encoding/json) -----------------------------------------------------------


class _Place:
    """Where a value stands, as Go names it: the struct and the path of fields."""

    __slots__ = ("path", "struct")

    def __init__(self, struct: str, path: str) -> None:
        self.struct = struct
        self.path = path

    def mismatch(self, value: Any, expected: str) -> str:
        """A value that does not fit the type of its field, or of nothing in particular."""
        where = f"struct field {self.struct}.{self.path} of" if self.path else "value of"
        return f"json: cannot unmarshal {_described(value, expected)} into Go {where} type {expected}"


def _described(value: Any, expected: str) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return f"number {value}" if expected.startswith(("int", "float")) else "number"
    return "string" if isinstance(value, str) else "object" if isinstance(value, dict) else "array"


def _problems(value: Any, before: Any, schema: Schema, place: _Place) -> Iterator[str]:
    """What the types of a kind cannot hold; what is the very object that stood there before they do hold."""
    if value is None or value is before or schema.form is Form.ANY:
        return
    if schema.form is Form.SCALAR:
        yield from _scalar_problems(value, schema.scalar, place)
    elif schema.form is Form.MAP and isinstance(value, dict):
        old = before if isinstance(before, dict) else {}
        for name, inner in value.items():
            was = old.get(name)
            field = None if inner is was else schema.field(name)
            if field is not None:
                yield from _problems(inner, was, field, _within(place, schema, name))
    elif schema.form is Form.LIST and isinstance(value, list) and schema.items is not None:
        for inner, was in zip(value, origins(value, before), strict=True):
            yield from _problems(inner, was, schema.items, place)
    else:
        yield place.mismatch(value, _go_type(schema, place))


def _within(place: _Place, schema: Schema, name: str) -> _Place:
    """A field of a struct has a path of its own; an entry of a map has that of the map."""
    if name not in schema.fields:
        return place
    return _Place(_struct(schema) or place.struct, f"{place.path}.{name}" if place.path else name)


def _struct(schema: Schema) -> str:
    return schema.type.rpartition(".")[2]


def _scalar_problems(value: Any, scalar: str, place: _Place) -> Iterator[str]:
    if scalar == "quantity":
        if not _is_quantity(value):
            yield QUANTITY_FORMAT
    elif scalar == "int-or-string":
        if isinstance(value, bool | dict | list) or (isinstance(value, float) and not value.is_integer()):
            yield place.mismatch(value, "int32")
    elif scalar == "date-time":
        if not isinstance(value, str):
            yield f"json: cannot unmarshal {_described(value, 'string')} into Go value of type string"
    elif not _fits(value, scalar):
        yield place.mismatch(value, _go_scalar(scalar, place))


def _is_quantity(value: Any) -> bool:
    if isinstance(value, str):
        return quantity.parse(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fits(value: Any, scalar: str) -> bool:
    if scalar == "boolean":
        return isinstance(value, bool)
    if scalar in ("integer", "number"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (scalar == "number" or isinstance(whole(float(value)), int))
    return isinstance(value, str)


def _go_scalar(scalar: str, place: _Place) -> str:
    if scalar == "integer":
        return "int64" if place.path.rpartition(".")[2] in LONG_INTEGERS else "int32"
    return {"boolean": "bool", "number": "float64", "byte": "[]uint8"}.get(scalar, "string")


def _go_type(schema: Schema, place: _Place) -> str:
    if schema.form is Form.LIST:
        return f"[]{_go_type(schema.items, place)}" if schema.items else "[]interface {}"
    if schema.form is Form.SCALAR:
        return _go_scalar(schema.scalar, place)
    if schema.type:
        return ".".join(schema.type.rsplit(".", 2)[-2:])
    return f"map[string]{_go_type(schema.values, place)}" if schema.values else "interface {}"


def conversion_problem(value: Any, schema: Schema) -> str | None:
    """What keeps a merged object, whose shape is right, out of the Go types; None when nothing does."""
    if schema.form is Form.SCALAR:
        return _scalar_conversion_problem(value, schema.scalar)
    if isinstance(value, dict):
        fields = ((schema.field(name), inner) for name, inner in value.items())
        found = (conversion_problem(inner, field) for field, inner in fields if field is not None)
    elif isinstance(value, list) and schema.items is not None:
        items = schema.items
        found = (conversion_problem(inner, items) for inner in value)
    else:
        return None
    return next((problem for problem in found if problem is not None), None)


def _scalar_conversion_problem(value: Any, scalar: str) -> str | None:
    if scalar == "integer" and isinstance(value, float) and not value.is_integer():
        return "cannot convert float64 to int32"
    if value is not None and scalar in ("quantity", "int-or-string"):
        return next(_scalar_problems(value, scalar, _Place("", "")), None)
    return None


# --- what is left after writing (omitempty) ------------------------------------------------------------


def settle(value: Any, before: Any, schema: Schema) -> Any:
    """The object as Go writes it, without what Go adds: nulls and empties gone, quantities in one form.

    What is as it was `before` stays as it is, so that a patch holds only what a policy did.
    """
    if schema.form is Form.ANY or same(value, before):
        return value
    if schema.form is Form.SCALAR:
        return _settled_scalar(value, schema.scalar)
    if schema.form is Form.MAP and isinstance(value, dict):
        old = before if isinstance(before, dict) else {}
        return dict(_settled_fields(value, old, schema))
    if schema.form is Form.LIST and isinstance(value, list) and schema.items is not None:
        old_items = before if isinstance(before, list) else []
        padded = [*old_items, *[None] * len(value)]
        return [_settled_item(inner, padded[at], schema.items) for at, inner in enumerate(value)]
    return value


def _settled_fields(value: Object, before: Object, schema: Schema) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if name in before and before[name] is inner:
            yield name, inner
            continue
        field = schema.field(name)
        if field is None:
            continue
        if name not in schema.fields:
            yield name, _settled_item(inner, before.get(name), field)
            continue
        settled = settle(inner, before.get(name), field)
        kept = name in schema.pointers or name in schema.structs or name in schema.always
        if _unchanged(name, inner, before) or (settled is not None and (settled or kept)):
            yield name, settled


def _unchanged(name: str, value: Any, before: Object) -> bool:
    return name in before and same(value, before[name])


def _settled_item(value: Any, before: Any, schema: Schema) -> Any:
    if value is not None:
        return settle(value, before, schema)
    return {} if schema.type else LEAST.get(schema.scalar)


def _settled_scalar(value: Any, scalar: str) -> Any:
    if scalar == "quantity" and isinstance(value, str | int | float) and not isinstance(value, bool):
        return quantity.canonical(str(value))
    if isinstance(value, float):
        return whole(value)
    return value
