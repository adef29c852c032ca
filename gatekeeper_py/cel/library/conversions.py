"""Conversions between types: `int(x)`, `string(x)`, `timestamp(x)` (cel-go common/types)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT, Type
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs, values
from gatekeeper_py.cel.evaluation.times import (
    parse_duration,
    parse_timestamp,
    print_duration,
    print_timestamp,
)
from gatekeeper_py.cel.evaluation.values import NANOSECONDS, Duration, Timestamp, UInt, print_double

__all__ = ["CONVERSIONS", "LIBRARY", "print_double"]

CONVERSIONS = frozenset(
    {"bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"}
)
"""What cel-go computes while it compiles when the argument is a constant (IsTypeConversionFunction)."""

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
_UNSIGNED = re.compile(r"[0-9]{1,40}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_HEXADECIMAL = re.compile(
    r"([+-]?)0[xX](?P<whole>[0-9a-fA-F]*)\.?(?P<part>[0-9a-fA-F]*)[pP](?P<exponent>[+-]?[0-9]+)", re.ASCII
)
_DECIMAL_GAP = re.compile(r"(?<=[0-9])_(?=[0-9])", re.ASCII)
_HEXADECIMAL_GAP = re.compile(r"(?<=[0-9a-fA-FxX])_(?=[0-9a-fA-F])", re.ASCII)
"""Underscores between digits, which Go allows (strconv/atof.go, underscoreOK)."""
_SPECIAL = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_SURROGATES = re.compile("[\ud800-\udfff]")
_TWO_TO_64 = 2.0**64


def _failure(source: str, target: str) -> EvaluationError:
    return EvaluationError(f"type conversion error from '{source}' to '{target}'")


def _identity(value: Any) -> Any:
    return value


def _string_to_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _failure("string", "bool")


def _string_to_int(text: str) -> int:
    text = _short_digits(text)
    if _INTEGER.fullmatch(text) and values.INT_MIN <= int(text) <= values.INT_MAX:
        return int(text)
    raise _failure("string", "int")


def _string_to_uint(text: str) -> UInt:
    text = _short_digits(text)
    if _UNSIGNED.fullmatch(text) and int(text) <= values.UINT_MAX:
        return UInt(text)
    raise _failure("string", "uint")


def _short_digits(text: str) -> str:
    """The number without leading zeros, which Go lets be as many as they like."""
    if len(text) <= 40:
        return text
    sign = text[0] if text[0] in "+-" else ""
    digits = text[len(sign) :]
    return sign + (digits.lstrip("0") or digits[:1])


def _string_to_double(text: str) -> float:
    number = _read_double(text)
    if number is None:
        raise _failure("string", "double")
    return number


def _read_double(text: str) -> float | None:
    """Read what Go's ParseFloat reads; None for anything else, a number out of range included."""
    if "_" in text:
        text = (_HEXADECIMAL_GAP if "x" in text.lower() else _DECIMAL_GAP).sub("", text)
    if _DECIMAL.fullmatch(text):
        number = float(text)
        return None if math.isinf(number) else number
    if match := _HEXADECIMAL.fullmatch(text):
        return _read_hexadecimal(text) if match["whole"] or match["part"] else None
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    special = _SPECIAL.get(unsigned.lower()) if len(unsigned) < 9 else None
    if special is None or (special != special and unsigned != text):
        return None
    return -special if text.startswith("-") else special


def _read_hexadecimal(text: str) -> float | None:
    try:
        return float.fromhex(text)
    except (OverflowError, ValueError):
        return None


def _double_to_int(value: float) -> int:
    if not float(values.INT_MIN) < value < float(values.INT_MAX):
        raise EvaluationError("integer overflow")
    return int(value)


def _double_to_uint(value: float) -> UInt:
    if not 0 <= value < _TWO_TO_64:
        raise EvaluationError("unsigned integer overflow")
    return UInt(value)


def _int_to_uint(value: int) -> UInt:
    return values.check_uint(value)


def _uint_to_int(value: UInt) -> int:
    return values.check_int(int(value))


def _timestamp_to_int(timestamp: Timestamp) -> int:
    return timestamp.nanoseconds // NANOSECONDS


def _duration_to_int(duration: Duration) -> int:
    return duration.nanoseconds


def _int_to_timestamp(seconds: int) -> Timestamp:
    return values.check_timestamp(seconds * NANOSECONDS)


def _int_to_duration(_: int) -> Duration:
    """cel-go declares the conversion and has none (common/types/int.go)."""
    raise _failure("int", "google.protobuf.Duration")


def _string_to_timestamp(text: str) -> Timestamp:
    timestamp = parse_timestamp(text)
    if timestamp is None:
        raise _failure("string", "google.protobuf.Timestamp")
    return timestamp


def _string_to_duration(text: str) -> Duration:
    duration = parse_duration(text)
    if duration is None:
        raise _failure("string", "google.protobuf.Duration")
    return duration


def _string_to_bytes(text: str) -> bytes:
    return _SURROGATES.sub("\ufffd", text).encode()


def _bytes_to_string(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None


def _bool_to_string(value: bool) -> str:
    return "true" if value else "false"


def _int_to_string(value: int) -> str:
    return str(int(value))


def _overload(
    identifier: str,
    parameter: Type,
    result: Type,
    run: Callable[[Any], Any] = _identity,
    cost: Callable[..., int] | None = None,
) -> Overload:
    return Overload(identifier, (parameter,), result, run, cost=cost, unresolved_cost=costs.nominal)


LIBRARY = Library(
    "cel.lib.conversions",
    functions=(
        Function(
            "bool",
            (
                _overload("bool_to_bool", BOOL, BOOL),
                _overload("string_to_bool", STRING, BOOL, _string_to_bool),
            ),
        ),
        Function(
            "bytes",
            (
                _overload("bytes_to_bytes", BYTES, BYTES),
                _overload("string_to_bytes", STRING, BYTES, _string_to_bytes, costs.traversal),
            ),
        ),
        Function(
            "double",
            (
                _overload("double_to_double", DOUBLE, DOUBLE),
                _overload("int64_to_double", INT, DOUBLE, float),
                _overload("string_to_double", STRING, DOUBLE, _string_to_double),
                _overload("uint64_to_double", UINT, DOUBLE, float),
            ),
        ),
        Function(
            "duration",
            (
                _overload("duration_to_duration", DURATION, DURATION),
                _overload("int64_to_duration", INT, DURATION, _int_to_duration),
                _overload("string_to_duration", STRING, DURATION, _string_to_duration),
            ),
        ),
        Function(
            "int",
            (
                _overload("int64_to_int64", INT, INT),
                _overload("double_to_int64", DOUBLE, INT, _double_to_int),
                _overload("duration_to_int64", DURATION, INT, _duration_to_int),
                _overload("string_to_int64", STRING, INT, _string_to_int),
                _overload("timestamp_to_int64", TIMESTAMP, INT, _timestamp_to_int),
                _overload("uint64_to_int64", UINT, INT, _uint_to_int),
            ),
        ),
        Function(
            "string",
            (
                _overload("string_to_string", STRING, STRING),
                _overload("bool_to_string", BOOL, STRING, _bool_to_string),
                _overload("bytes_to_string", BYTES, STRING, _bytes_to_string, costs.traversal),
                _overload("double_to_string", DOUBLE, STRING, print_double),
                _overload("duration_to_string", DURATION, STRING, print_duration),
                _overload("int64_to_string", INT, STRING, _int_to_string),
                _overload("timestamp_to_string", TIMESTAMP, STRING, print_timestamp),
                _overload("uint64_to_string", UINT, STRING, _int_to_string),
            ),
        ),
        Function(
            "timestamp",
            (
                _overload("timestamp_to_timestamp", TIMESTAMP, TIMESTAMP),
                _overload("int64_to_timestamp", INT, TIMESTAMP, _int_to_timestamp),
                _overload("string_to_timestamp", STRING, TIMESTAMP, _string_to_timestamp),
            ),
        ),
        Function(
            "uint",
            (
                _overload("uint64_to_uint64", UINT, UINT),
                _overload("double_to_uint64", DOUBLE, UINT, _double_to_uint),
                _overload("int64_to_uint64", INT, UINT, _int_to_uint),
                _overload("string_to_uint64", STRING, UINT, _string_to_uint),
            ),
        ),
    ),
)
