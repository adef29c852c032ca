"""What generated code calls: selection, indexing, iteration, dispatch on run-time types.

Each function is the whole rule for any values. Where types are known, generated code does the same
in line and comes here only for what is left. Errors are worded as cel-go 0.26 words them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NoReturn

from gatekeeper_py.cel import values
from gatekeeper_py.cel.budget import Budget
from gatekeeper_py.cel.declarations import Overload
from gatekeeper_py.cel.errors import CostExceeded, DeadlineExceeded, EvaluationError, InternalError
from gatekeeper_py.cel.library import costs
from gatekeeper_py.cel.library.standard import LIBRARY as STANDARD_LIBRARY
from gatekeeper_py.cel.types import DURATION, TIMESTAMP, Kind, Type
from gatekeeper_py.cel.values import NONE, NOTHING, Message, Optional

__all__ = [
    "FATAL",
    "Abandon",
    "Dispatcher",
    "Failure",
    "abandon",
    "elements",
    "entries",
    "equality_cost",
    "failed",
    "force",
    "has",
    "has_inside",
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
    "type_test",
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


def _go_name(value: Any) -> str:
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
    raise EvaluationError(f"got '{_go_name(value)}', expected iterable type")


def entries(value: Any) -> Sequence[tuple[Any, Any]]:
    """What a comprehension of two variables walks: index and element of a list, key and value of a map."""
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if isinstance(value, Mapping):
        return list(value.items())
    raise EvaluationError(f"unsupported comprehension range type: {_go_name(value)}")


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


_PLAIN: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "uint": (values.UInt,),
    "double": (float,),
    "string": (str,),
    "bytes": (bytes,),
    "timestamp": (values.Timestamp,),
    "duration": (values.Duration,),
}


def _primitive_test(of: Type) -> Callable[[Any], bool]:
    classes = _PLAIN[of.name]
    only = classes[0]
    if of.name == "string":
        return lambda value: isinstance(value, str)
    return lambda value: type(value) is only


def type_test(of: Type, inside: bool = True) -> Callable[[Any], bool]:
    """Whether a run-time value may stand where `of` is declared.

    Of a list or a map the first element tells, as in cel-go (common/types/types.go); it is looked at only
    if `inside`.
    """
    if of.kind in _ANYTHING:
        return lambda _: True
    if of.kind is Kind.PRIMITIVE or of in (TIMESTAMP, DURATION):
        return _primitive_test(of)
    if of.kind is Kind.LIST:
        return _list_test(of) if inside and has_inside(of) else _is_list
    if of.kind is Kind.MAP:
        return _map_test(of) if inside and has_inside(of) else _is_map
    if of.kind is Kind.NULL:
        return lambda value: value is None
    if of.kind is Kind.WRAPPER:
        inner = type_test(of.parameters[0])
        return lambda value: value is None or inner(value)
    name = {Kind.OPTIONAL: "optional_type", Kind.TYPE: "type"}.get(of.kind, of.name)
    return lambda value: values.type_name(value) == name


_ANYTHING = frozenset({Kind.DYN, Kind.PARAMETER, Kind.ERROR})


def has_inside(of: Type) -> bool:
    """Whether a type says what is inside its values."""
    return of.kind in (Kind.LIST, Kind.MAP) and any(each.kind not in _ANYTHING for each in of.parameters)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _list_test(of: Type) -> Callable[[Any], bool]:
    element = type_test(of.parameters[0])
    return lambda value: isinstance(value, (list, tuple)) and (not value or element(value[0]))


def _map_test(of: Type) -> Callable[[Any], bool]:
    key_test, value_test = map(type_test, of.parameters)

    def test(value: Any) -> bool:
        if not isinstance(value, Mapping):
            return False
        return all(key_test(key) and value_test(value[key]) for key in islice(value, 1))

    return test


_TRAITS: dict[str, frozenset[str]] = {
    name: frozenset(kinds.split())
    for name, kinds in {
        "_+_": "bytes double google.protobuf.Duration int list string google.protobuf.Timestamp uint",
        "_-_": "double google.protobuf.Duration int google.protobuf.Timestamp uint",
        "_*_": "double int uint",
        "_/_": "double int uint",
        "_%_": "int uint",
        "-_": "bool double google.protobuf.Duration int",
        "_<_": "bool bytes double google.protobuf.Duration int string google.protobuf.Timestamp uint",
        "size": "bytes list map string",
        "matches": "string",
        "sort": "list",
        "@sortByAssociatedKeys": "list",
        "!_": "",
    }.items()
}
_TRAITS.update(dict.fromkeys(("_<=_", "_>_", "_>=_"), _TRAITS["_<_"]))
_OPERATORS = {
    function.name: function.overloads
    for function in STANDARD_LIBRARY.functions
    if function.name in _TRAITS and function.name.startswith(("_", "-"))
}
"""All overloads of the operators that cel-go leaves to the values themselves, whatever the checker thought:
`x.orValue(1) + y` adds two strings where x is one."""
_RECEIVERS = frozenset({"string", "google.protobuf.Duration", "google.protobuf.Timestamp"})
"""Types cel-go asks for a method of the operator's name; they answer without one."""
_UNGUARDED = frozenset({"contains", "endsWith", "startsWith", "@in", "!_"})


def _no_overload(function: str, arguments: tuple[Any, ...]) -> EvaluationError:
    """The error of a call that fits no overload; cel-go words it by how the function is bound."""
    if function in _UNGUARDED:
        return EvaluationError("no such overload")
    kinds = _TRAITS.get(function)
    if kinds is None:
        return values.no_such_overload(function, *arguments)
    if values.type_name(arguments[0]) in kinds | _RECEIVERS:
        return EvaluationError("no such overload")
    return EvaluationError(f"no such overload: {function}")


def no_argument() -> InternalError:
    """What becomes of the error of an argument that is taken for a list."""
    return InternalError("*types.Err", "traits.Lister: missing method Add")


def _no_list(value: Any) -> InternalError:
    method = "Contains" if values.type_name(value) in _ADDED else "Add"
    return InternalError(_go_name(value), f"traits.Lister: missing method {method}")


_ADDED = _TRAITS["_+_"]
"""Types whose values can be added, as lists can; what they lack to be a list is another method."""


class Dispatcher:
    """Calls the overload that run-time types ask for, and says what the call costs."""

    __slots__ = ("_by_classes", "_candidates", "_compared", "_function", "_inside", "_priced", "_resolved")

    def __init__(
        self,
        function: str,
        overloads: tuple[Overload, ...],
        *,
        resolved: bool = False,
        constant_pattern: bool = False,
    ) -> None:
        self._function = "contains" if constant_pattern else function
        self._priced = frozenset(map(id, overloads))
        overloads = _OPERATORS.get(function, overloads)
        self._candidates = tuple(
            (overload, tuple(type_test(each, not overload.unguarded) for each in overload.parameters))
            for overload in overloads
        )
        self._inside = any(has_inside(each) for overload in overloads for each in overload.parameters)
        self._resolved = resolved
        self._compared = overloads[0].compared if resolved else None
        self._by_classes: dict[tuple[type | str, ...], Overload] = {}

    def prepare(self, budget: Budget, *arguments: Any) -> tuple[Overload, int]:
        """The overload of these arguments and the units its call costs above one; counts its unpriced work.

        Without one it raises `EvaluationError`.
        """
        overload = self._choose(arguments)
        if overload.work is not None:
            budget.work(overload.work(*arguments))
        if overload.cost is None or id(overload) not in self._priced:
            return overload, 0
        if overload.resolved_cost and not self._resolved:
            return overload, 0
        return overload, overload.cost(*arguments) - 1

    def _choose(self, arguments: tuple[Any, ...]) -> Overload:
        known = self._by_classes.get(tuple(map(type, arguments)))
        return known if known is not None else self._search(arguments)

    def _search(self, arguments: tuple[Any, ...]) -> Overload:
        classes = tuple(map(_class_of, arguments))
        known = self._by_classes.get(classes)
        if known is not None:
            return known
        for overload, tests in self._candidates:
            if len(tests) == len(arguments) and all(
                test(argument) for test, argument in zip(tests, arguments, strict=True)
            ):
                if all(self._tells(kind) for kind in classes):
                    self._by_classes[classes] = overload
                return overload
        if self._compared is not None and not _is_list(arguments[self._compared]):
            raise _no_list(arguments[self._compared])
        raise _no_overload(self._function, arguments)

    def _tells(self, kind: type | str) -> bool:
        """Whether a class says all there is to know of an argument."""
        if isinstance(kind, str):
            return not self._inside
        return kind in _CACHEABLE and not (self._inside and kind in (list, dict))


def _class_of(value: object) -> type | str:
    """The class of a value; of a structured one, which have one class, the name of its type."""
    return value.type_name if isinstance(value, values.Message) else type(value)


_CACHEABLE = frozenset(
    {
        bool,
        int,
        values.UInt,
        float,
        str,
        bytes,
        list,
        dict,
        type(None),
        values.Timestamp,
        values.Duration,
        values.Optional,
    }
)
