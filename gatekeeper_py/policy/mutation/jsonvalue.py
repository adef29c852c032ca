"""Values of the language as JSON, the way cel-go hands them to a JSON patch."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from gatekeeper_py.cel import (
    Duration,
    Message,
    Optional,
    Timestamp,
    TypeValue,
    print_duration,
    print_timestamp,
    type_name,
)
from gatekeeper_py.golang.numbers import UInt

__all__ = ["ConversionError", "json_value", "whole"]

EXACT_INTEGER = 2**53 - 1
"""Larger integers do not survive a double; cel-go makes strings of them (common/types/int.go)."""

INTEGER_LIMIT = 2**63


class ConversionError(ValueError):
    """A value that JSON cannot hold."""


def json_value(value: Any) -> Any:
    """A value as JSON, sharing no container with the original; raise `ConversionError` when there is none."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= EXACT_INTEGER else str(int(value))
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, Message) and value.type_name == "JSONPatch":
        raise ConversionError("cannot convert to native type: *structpb.Value")
    if isinstance(value, Mapping):
        return {_key(key): json_value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(json_value, value))
    return _special(value)


def whole(value: float) -> int | float:
    """A number as Go reads back what it wrote: without a point when it is whole."""
    return int(value) if value.is_integer() and abs(value) < INTEGER_LIMIT else value


def _double(value: float) -> int | float:
    if math.isfinite(value):
        return whole(value)
    name = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    raise ConversionError(
        "json: error calling MarshalJSON for type *structpb.Value: "
        f"proto:\u00a0google.protobuf.Value.number_value: invalid {name} value"
    )


def _special(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Timestamp):
        return print_timestamp(Timestamp(value.nanoseconds))
    if isinstance(value, Duration):
        return print_duration(value)
    if isinstance(value, Optional):
        if not value.present:
            raise ConversionError("optional.none() dereference")
        return json_value(value.value)
    if isinstance(value, TypeValue):
        raise ConversionError("type conversion not supported for 'type'")
    raise ConversionError(
        f"type conversion error from '{_shown_type(type_name(value))}' to '*structpb.Value'"
    )


def _shown_type(name: str) -> str:
    """Kubernetes' own types call themselves by their short names, but for those of authorizers."""
    if name in NAMED_OTHERWISE:
        return NAMED_OTHERWISE[name]
    return name if name.startswith("kubernetes.authorization.") else name.rpartition(".")[2]


NAMED_OTHERWISE = {
    "kubernetes.NamedFormat": "Format",
    "kubernetes.authorization.AccessDecision": "kubernetes.authorization.Decision",
}


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise ConversionError(_key_error(key))


def _key_error(key: object) -> str:
    """Each type of cel-go has its own words for the same thing."""
    if isinstance(key, bool):
        return "type conversion error from bool to 'string'"
    if isinstance(key, UInt):
        return "unsupported type conversion from 'uint' to string"
    if isinstance(key, int):
        return "unsupported type conversion from 'int' to string"
    if isinstance(key, float):
        return "type conversion error from Double to 'string'"
    return f"type conversion error from '{type_name(key)}' to 'string'"
