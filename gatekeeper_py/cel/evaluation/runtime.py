"""What generated code calls: selection, indexing, iteration, dispatch on run-time types.

Each function is the whole rule for any values. Where types are known, generated code does the same
in line and comes here only for what is left. Errors are worded as cel-go 0.26 words them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from gatekeeper_py.cel.errors import CostExceeded, DeadlineExceeded, EvaluationError, InternalError
from gatekeeper_py.cel.evaluation import costs, values
from gatekeeper_py.cel.evaluation.values import NONE, NOTHING, Message, Optional

__all__ = [
    "FATAL",
    "Abandon",
    "Failure",
    "abandon",
    "elements",
    "entries",
    "equality_cost",
    "failed",
    "force",
    "go_name",
    "has",
    "index",
    "index_optional",
    "join_cost",
    "keep_present",
    "list_of_optionals",
    "map_of_entries",
    "merge_entries",
    "message",
    "no_argument",
    "select",
    "select_optional",
    "size_of",
    "truth",
    "variable",
]

FATAL = (CostExceeded, DeadlineExceeded, InternalError)
"""Errors that nothing absorbs."""


class Abandon(Exception):
    """Code made for the common case has met another; the careful code must decide."""


def abandon() -> NoReturn:
    """Leave the code made for the common case."""
    raise Abandon


class Failure:
    """An error kept for when its variable is used."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = failed(error)


def failed(error: Exception) -> Exception:
    """An error to be kept, without the frames that would keep everything else alive."""
    if isinstance(error, RecursionError):
        return EvaluationError("value nested too deep")
    return error.with_traceback(None)


def force(value: Any) -> Any:
    """The value of a variable, or its error."""
    if isinstance(value, Failure):
        raise value.error
    return value


def variable(activation: Mapping[str, Any], name: str) -> Any:
    """A declared variable."""
    try:
        return activation[name]
    except KeyError:
        raise EvaluationError(f"no such attribute(s): {name}") from None


def truth(value: Any) -> bool:
    """A value that must be a bool."""
    if value is True or value is False:
        return bool(value)
    raise EvaluationError("no such overload")


def _missing(key: Any) -> EvaluationError:
    return EvaluationError(f"no such key: {values.print_key(key)}")


def select(operand: Any, field: str) -> Any:
    """`operand.field`."""
    if type(operand) is dict and field in operand:
        return operand[field]
    if isinstance(operand, Mapping):
        try:
            return operand[field]
        except KeyError:
            raise _missing(field) from None
    if isinstance(operand, Optional):
        return select_optional(operand, field)
    if isinstance(operand, (list, tuple)):
        raise EvaluationError("unsupported index type 'string' in list")
    raise _missing(field)


def has(operand: Any, field: str) -> bool:
    """`has(operand.field)`; false for what has no fields at all."""
    if isinstance(operand, Mapping):
        return field in operand
    if isinstance(operand, Optional):
        return operand.present and has(operand.value, field)
    if isinstance(operand, (list, tuple)):
        raise EvaluationError("unsupported index type 'string' in list")
    return False


def select_optional(operand: Any, field: str) -> Optional:
    """`operand.?field`."""
    return index_optional(operand, field)


def index(operand: Any, key: Any) -> Any:
    """`operand[key]`."""
    if isinstance(operand, Optional):
        return index_optional(operand, key)
    found = values.index(operand, key)
    if found is not NOTHING:
        return found
    if isinstance(operand, (list, tuple)):
        raise EvaluationError(f"index out of bounds: {values.print_key(key)}")
    raise _missing(key)


def index_optional(operand: Any, key: Any) -> Optional:
    """`operand[?key]`."""
    if type(operand) is dict and type(key) is str:
        found = operand.get(key, NOTHING)
        return NONE if found is NOTHING else Optional(found)
    if isinstance(operand, Optional):
        if not operand.present:
            return operand
        operand = operand.value
    found = values.index(operand, key)
    return NONE if found is NOTHING else Optional(found)


_GO_NAMES = {
    "bool": "types.Bool",
    "int": "types.Int",
    "uint": "types.Uint",
    "double": "types.Double",
    "string": "types.String",
    "bytes": "types.Bytes",
    "null_type": "types.Null",
    "google.protobuf.Duration": "types.Duration",
    "google.protobuf.Timestamp": "types.Timestamp",
    "type": "*types.Type",
    "optional_type": "*types.Optional",
    "map": "*types.baseMap",
    "kubernetes.Quantity": "cel.Quantity",
    "kubernetes.URL": "cel.URL",
    "kubernetes.Semver": "cel.Semver",
    "net.IP": "cel.IP",
    "net.CIDR": "cel.CIDR",
}


def go_name(value: Any) -> str:
    """The Go type that cel-go keeps a value in, as its panics print it."""
    name = values.type_name(value)
    return _GO_NAMES.get(name, name)


def elements(value: Any) -> Sequence[Any]:
    """What a comprehension of one variable walks: elements of a list, keys of a map."""
    if type(value) is dict:
        return list(value)
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, Mapping):
        return list(value)
    raise EvaluationError(f"got '{go_name(value)}', expected iterable type")


def entries(value: Any) -> Sequence[tuple[Any, Any]]:
    """What a comprehension of two variables walks: index and element of a list, key and value of a map."""
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if isinstance(value, Mapping):
        return list(value.items())
    raise EvaluationError(f"unsupported comprehension range type: {go_name(value)}")


def list_of_optionals(parts: Iterable[tuple[bool, Any]]) -> list[Any]:
    """A list literal; the parts marked optional must be optionals and are left out when empty."""
    result = []
    for optional, value in parts:
        if not optional:
            result.append(value)
        elif not isinstance(value, Optional):
            raise EvaluationError(
                f"cannot initialize optional list element from non-optional value {values.print_key(value)}"
            )
        elif value.present:
            result.append(value.value)
    return result


def keep_present(parts: Iterable[tuple[bool, Any, Any]]) -> list[tuple[Any, Any]]:
    """The entries of a map literal; an optional one that is empty takes back an earlier one of its key."""
    kept: list[tuple[Any, Any]] = []
    for optional, key, value in parts:
        if not optional:
            kept.append((key, value))
        elif not isinstance(value, Optional):
            raise EvaluationError(
                f"cannot initialize optional entry '{values.print_key(key)}' from non-optional value "
                f"{values.print_key(value)}"
            )
        elif value.present:
            kept.append((key, value.value))
        else:
            kept = [entry for entry in kept if not values.equal(entry[0], key)]
    return kept


def map_of_entries(parts: Iterable[tuple[bool, Any, Any]]) -> Mapping[Any, Any]:
    """A map literal."""
    return values.from_pairs(keep_present(parts))


def merge_entries(maps: Iterable[Mapping[Any, Any]]) -> Mapping[Any, Any]:
    """The maps of a transformMapEntry as one; a key may occur only once."""
    pairs: list[tuple[Any, Any]] = []
    seen: set[Any] = set()
    for entry in maps:
        for key, value in entry.items():
            mark = (isinstance(key, bool), key)
            if mark in seen:
                raise EvaluationError(f"insert failed: key {values.print_key(key)} already exists")
            seen.add(mark)
            pairs.append((key, value))
    return values.from_pairs(pairs)


_ZERO: dict[str, Any] = {
    "BoolValue": False,
    "BytesValue": b"",
    "DoubleValue": 0.0,
    "FloatValue": 0.0,
    "Int32Value": 0,
    "Int64Value": 0,
    "StringValue": "",
    "UInt32Value": values.UInt(0),
    "UInt64Value": values.UInt(0),
}
_RANGES = {"Int32Value": (-(2**31), 2**31 - 1), "UInt32Value": (0, 2**32 - 1)}


def message(name: str, parts: Iterable[tuple[bool, str, Any]]) -> Any:
    """A message literal: a `Message`, or the plain value a well-known message stands for."""
    fields = dict(keep_present(parts))
    prefix, _, short = name.rpartition(".")
    if prefix != "google.protobuf":
        return Message(name, fields)
    if short in _ZERO:
        return _wrapped(short, fields.get("value", _ZERO[short]))
    if short in ("Duration", "Timestamp"):
        return _moment(short, int(fields.get("seconds", 0)), int(fields.get("nanos", 0)))
    return _json_value(name, short, fields)


def _wrapped(short: str, value: Any) -> Any:
    low, high = _RANGES.get(short, (None, None))
    if low is not None and high is not None and value is not None and not low <= value <= high:
        raise EvaluationError("range error")
    if short == "FloatValue" and isinstance(value, float):
        return _single(value)
    return value


def _single(value: float) -> float:
    """A double rounded to 32 bits."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _moment(short: str, seconds: int, nanos: int) -> Any:
    nanoseconds = seconds * values.NANOSECONDS + nanos
    if short == "Duration":
        return values.check_duration(nanoseconds)
    return values.check_timestamp(nanoseconds)


def _json_value(name: str, short: str, fields: dict[str, Any]) -> Any:
    if short == "ListValue":
        return fields.get("values", [])
    if short == "Struct":
        return fields.get("fields", {})
    if short == "Value":
        return None if "null_value" in fields else next(iter(fields.values()), None)
    if not fields:
        raise EvaluationError("conversion error: got invalid Any message with empty type URL")
    return Message(name, fields)


def _size(value: Any) -> int:
    """What the cost model calls the size of a value."""
    if isinstance(value, (str, bytes, list, tuple)):
        return len(value)
    if isinstance(value, Mapping):
        return 1 if isinstance(value, Message) else len(value)
    if isinstance(value, Optional) and value.present:
        return _size(value.value)
    return 1


def equality_cost(left: Any, right: Any) -> int:
    """Units a comparison for equality costs."""
    return math.ceil(min(_size(left), _size(right)) * 0.1)


def join_cost(*parts: str) -> int:
    """Units it costs to add strings one by one."""
    units = 0
    length = len(parts[0])
    for part in parts[1:]:
        length += len(part)
        units += math.ceil(length * 0.1)
    costs.check_length(length)
    return units


def size_of(value: Any) -> int:
    """`size(value)`."""
    if isinstance(value, (str, bytes, list, tuple, Mapping)) and not isinstance(value, Message):
        return len(value)
    raise EvaluationError("no such overload: size")


def no_argument() -> InternalError:
    """What becomes of the error of an argument that is taken for a list."""
    return InternalError.conversion("*types.Err", "traits.Lister: missing method Add")
