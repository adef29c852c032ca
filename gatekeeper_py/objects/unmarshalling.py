"""What Go's JSON decoder says of a value that the type of its field cannot hold, word for word.

encoding/json and sigs.k8s.io/json: UnmarshalTypeError names the struct and the fields on the way to the
value, those of embedded structs too, without the items of lists and the keys of maps.
"""

from __future__ import annotations

from typing import Any

from gatekeeper_py.golang.base64text import base64_problem
from gatekeeper_py.golang.quantities import WRONG_FORMAT, QuantityError, read
from gatekeeper_py.golang.rfc3339 import time_problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.findings import WrongType, time_layout
from gatekeeper_py.objects.schema import ANY, Form, Schema

__all__ = ["go_type", "place", "text_error", "type_error", "unmarshal_error"]

SCALARS = {
    "boolean": "bool",
    "byte": "[]uint8",
    "int-or-string": "int32",
    "integer": "int64",
    "number": "float64",
}
"""What Go tries to read a scalar as, where the type has no name of its own; all others are strings."""


def unmarshal_error(finding: WrongType, root: Schema) -> str:
    """The finding in Go's words; `root` is the schema of where its path begins."""
    return text_error(finding) or type_error(finding, place(finding.path, root))


def text_error(finding: WrongType) -> str | None:
    """What a type that reads itself says, which knows no place; None when Go's decoder speaks."""
    value, schema = finding.value, finding.schema
    if schema.scalar == "quantity":
        return _quantity_error(value)
    if schema.scalar == "date-time" and isinstance(value, str):
        return time_problem(value, time_layout(schema))
    if schema.scalar == "byte" and isinstance(value, str):
        return base64_problem(value)
    return None


def _quantity_error(value: Any) -> str:
    try:
        read(value if isinstance(value, str) else "")
    except QuantityError as error:
        return str(error)
    return WRONG_FORMAT


def type_error(finding: WrongType, where: str = "value") -> str:
    """A value of another type than the one `where` it stands."""
    expected = go_type(finding.schema)
    return f"json: cannot unmarshal {_described(finding.value, expected)} into Go {where} of type {expected}"


def _described(value: Any, expected: str) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return f"number {value}" if expected.startswith(("int", "float")) else "number"
    return "string" if isinstance(value, str) else "object" if isinstance(value, dict) else "array"


def place(path: FieldPath, root: Schema) -> str:
    """`struct field PodSpec.spec.containers`: the innermost struct that has a field there, and the fields."""
    schema, owner, names = root, root, []
    for part in path:
        if isinstance(part, str) and part in schema.fields:
            owner = schema
            names += [*filter(None, [schema.promoted.get(part)]), part]
        schema = _below(schema, part)
    return f"struct field {'.'.join([_struct_name(owner), *names])}" if names else "value"


def _below(schema: Schema, part: str | int) -> Schema:
    inner = schema.items if isinstance(part, int) else schema.field(part)
    return ANY if inner is None else inner


def _struct_name(schema: Schema) -> str:
    """The name of a struct without its package."""
    return schema.type.rpartition(".")[2]


def go_type(schema: Schema) -> str:
    """`v1.Container`, `[]string`, `int32`: what Go reads a value into."""
    if schema.go and schema.scalar != "date-time":
        return schema.go
    if schema.form is Form.SCALAR:
        return SCALARS.get(schema.scalar, "string")
    if schema.form is Form.LIST:
        return f"[]{go_type(schema.items or ANY)}"
    if schema.type:
        return ".".join(schema.type.rsplit(".", 2)[-2:])
    return f"map[string]{go_type(schema.values)}" if schema.values else "interface {}"
