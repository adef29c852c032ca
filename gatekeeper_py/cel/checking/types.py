"""The types an expression can have, and how messages print them.

Printed as cel-go 0.26 does where Kubernetes shows them: `list(string)`, `map(string, dyn)`,
`optional_type(int)`, `wrapper(int)`, `type(int)`, `null`, `timestamp`, `duration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

__all__ = [
    "ANY",
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "ERROR",
    "INT",
    "NULL",
    "RUNTIME_NAMES",
    "STRING",
    "TIMESTAMP",
    "UINT",
    "Kind",
    "Type",
    "list_of",
    "map_of",
    "object_type",
    "opaque",
    "optional_of",
    "parameter",
    "type_of",
    "wrapper_of",
]


class Kind(Enum):
    """What sort of type a type is; decides how it unifies with another."""

    DYN = "dyn"
    ERROR = "error"
    PRIMITIVE = "primitive"
    NULL = "null"
    LIST = "list"
    MAP = "map"
    TYPE = "type"
    WRAPPER = "wrapper"
    OPTIONAL = "optional"
    OPAQUE = "opaque"
    OBJECT = "object"
    PARAMETER = "parameter"


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its kind, its name at run time (what `type(x)` prints) and its parameters."""

    kind: Kind
    name: str
    parameters: tuple[Type, ...] = ()
    fields: Mapping[str, Type] | None = field(default=None, compare=False, hash=False, repr=False)
    """Of an object type: its fields. None: any field, of type dyn."""

    def __str__(self) -> str:
        """The type as cel-go's checker prints it."""
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(map(str, self.parameters))})"

    @property
    def runtime_name(self) -> str:
        """The type as `cel.Type.String()` gives it: Kubernetes names results so."""
        name = self.name if self.kind is Kind.OBJECT else RUNTIME_NAMES.get(self.name, self.name)
        if not self.parameters:
            return name
        return f"{name}({', '.join(each.runtime_name for each in self.parameters)})"


RUNTIME_NAMES = {
    "duration": "google.protobuf.Duration",
    "null": "null_type",
    "timestamp": "google.protobuf.Timestamp",
}
"""What types are called at run time, where the checker calls them otherwise."""


DYN = Type(Kind.DYN, "dyn")
ANY = Type(Kind.DYN, "any")
ERROR = Type(Kind.ERROR, "!error!")
BOOL = Type(Kind.PRIMITIVE, "bool")
INT = Type(Kind.PRIMITIVE, "int")
UINT = Type(Kind.PRIMITIVE, "uint")
DOUBLE = Type(Kind.PRIMITIVE, "double")
STRING = Type(Kind.PRIMITIVE, "string")
BYTES = Type(Kind.PRIMITIVE, "bytes")
TIMESTAMP = Type(Kind.PRIMITIVE, "timestamp")
DURATION = Type(Kind.PRIMITIVE, "duration")
NULL = Type(Kind.NULL, "null")


def list_of(element: Type) -> Type:
    """`list(element)`."""
    return Type(Kind.LIST, "list", (element,))


def map_of(key: Type, value: Type) -> Type:
    """`map(key, value)`."""
    return Type(Kind.MAP, "map", (key, value))


def optional_of(value: Type) -> Type:
    """`optional_type(value)`."""
    return Type(Kind.OPTIONAL, "optional_type", (value,))


def type_of(instance: Type) -> Type:
    """`type(instance)`: the type of a type."""
    return Type(Kind.TYPE, "type", (instance,))


def wrapper_of(primitive: Type) -> Type:
    """`wrapper(primitive)`: a primitive or null."""
    return Type(Kind.WRAPPER, "wrapper", (primitive,))


def opaque(name: str, *parameters: Type) -> Type:
    """A type whose values only its own functions understand, `kubernetes.Quantity` for one."""
    return Type(Kind.OPAQUE, name, parameters)


def object_type(name: str, fields: Mapping[str, Type] | None = None) -> Type:
    """A structured type; without `fields` any field may be read and is dyn."""
    return Type(Kind.OBJECT, name, (), fields)


def parameter(name: str) -> Type:
    """A type parameter of an overload: `T` in `list(T)`."""
    return Type(Kind.PARAMETER, name)
