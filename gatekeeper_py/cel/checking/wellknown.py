"""The protocol buffer messages every environment of cel-go knows: wrappers, JSON values, times.

Their literals give plain values: `google.protobuf.Int32Value{value: 1}` is the int 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gatekeeper_py.cel.checking.types import (
    ANY,
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
    wrapper_of,
)

__all__ = ["CONSTANTS", "MESSAGES", "WellKnown"]


class WellKnown(NamedTuple):
    """The type of a message's values, and the fields its literal may set."""

    type: Type
    fields: Mapping[str, Type]


def _wrapper(primitive: Type) -> WellKnown:
    return WellKnown(wrapper_of(primitive), {"value": primitive})


_STRUCT = map_of(STRING, DYN)
_TIME = {"seconds": INT, "nanos": INT}

MESSAGES: Mapping[str, WellKnown] = {
    "google.protobuf.BoolValue": _wrapper(BOOL),
    "google.protobuf.BytesValue": _wrapper(BYTES),
    "google.protobuf.DoubleValue": _wrapper(DOUBLE),
    "google.protobuf.FloatValue": _wrapper(DOUBLE),
    "google.protobuf.Int32Value": _wrapper(INT),
    "google.protobuf.Int64Value": _wrapper(INT),
    "google.protobuf.StringValue": _wrapper(STRING),
    "google.protobuf.UInt32Value": _wrapper(UINT),
    "google.protobuf.UInt64Value": _wrapper(UINT),
    "google.protobuf.Any": WellKnown(ANY, {"type_url": STRING, "value": BYTES}),
    "google.protobuf.Duration": WellKnown(DURATION, _TIME),
    "google.protobuf.Timestamp": WellKnown(TIMESTAMP, _TIME),
    "google.protobuf.ListValue": WellKnown(list_of(DYN), {"values": list_of(DYN)}),
    "google.protobuf.Struct": WellKnown(_STRUCT, {"fields": _STRUCT}),
    "google.protobuf.Value": WellKnown(
        DYN,
        {
            "null_value": INT,
            "number_value": DOUBLE,
            "string_value": STRING,
            "bool_value": BOOL,
            "struct_value": _STRUCT,
            "list_value": list_of(DYN),
        },
    ),
}

CONSTANTS: Mapping[str, tuple[Type, object]] = {"google.protobuf.NullValue.NULL_VALUE": (INT, 0)}
"""The one enumeration among them."""
