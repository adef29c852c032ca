"""The values of the language at run time, their types, equality and order.

Most are plain Python: None, bool, int (64 bits, signed), float, str, bytes, list (or tuple), dict.
Data come as JSON gives them and are neither converted nor copied. The others live here.
Semantics are those of cel-go 0.26 (common/types). Nothing here recurses: data may be nested 10,000 deep.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gatekeeper_py.cel.errors import EvaluationError, InternalError
from gatekeeper_py.cel.evaluation.budget import Budget
from gatekeeper_py.golang.numbers import INT_MAX, INT_MIN, UINT_MAX, UInt, print_double

__all__ = [
    "INT_MAX",
    "INT_MIN",
    "NONE",
    "NOTHING",
    "UINT_MAX",
    "ComputedMap",
    "Duration",
    "MapValue",
    "Message",
    "Optional",
    "Timestamp",
    "TypeValue",
    "UInt",
    "check_duration",
    "check_int",
    "check_timestamp",
    "check_uint",
    "compare",
    "contains",
    "equal",
    "find",
    "from_pairs",
    "index",
    "is_zero",
    "no_such_overload",
    "normal",
    "print_double",
    "print_key",
    "type_name",
    "type_of",
]

_EXACT_DOUBLE: Final = 2**53

NANOSECONDS: Final = 1_000_000_000
TIMESTAMP_MIN: Final = -62_135_596_800 * NANOSECONDS
"""0001-01-01T00:00:00Z."""
TIMESTAMP_MAX: Final = 253_402_300_799 * NANOSECONDS + NANOSECONDS - 1
"""9999-12-31T23:59:59.999999999Z."""


class _Nanoseconds:
    """A count of nanoseconds that compares only with its own kind."""

    __slots__ = ("nanoseconds",)

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return other.nanoseconds == self.nanoseconds

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.nanoseconds))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.nanoseconds})"


class Duration(_Nanoseconds):
    """A span of time, in nanoseconds; 64 bits."""

    __slots__ = ()


class Timestamp(_Nanoseconds):
    """A point in time, in nanoseconds since 1970-01-01T00:00:00Z; years 1 to 9999.

    `offset`, in seconds east of UTC, is how the timestamp was written: it shows when printed
    and counts in nothing else.
    """

    __slots__ = ("offset",)

    def __init__(self, nanoseconds: int, offset: int = 0) -> None:
        super().__init__(nanoseconds)
        self.offset = offset


_NOTHING: Final = object()


class Optional:
    """A value that may be absent: `optional.of(x)` or `optional.none()`."""

    __slots__ = ("content",)

    def __init__(self, content: object = _NOTHING) -> None:
        self.content = content
        """The value, `NOTHING` when there is none."""

    @property
    def present(self) -> bool:
        """Whether there is a value."""
        return self.content is not _NOTHING

    @property
    def value(self) -> Any:
        """The value; raises `EvaluationError` when there is none."""
        if self.content is _NOTHING:
            raise EvaluationError("optional.none() dereference")
        return self.content

    def __eq__(self, other: object) -> bool:
        return equal(self, other) if isinstance(other, Optional) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.present)

    def __repr__(self) -> str:
        return f"Optional({self.content!r})" if self.present else "Optional()"


NONE: Final = Optional()
"""`optional.none()`."""


class TypeValue:
    """A type as a value: what `type(x)` gives. Equal by name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return other.name == self.name if isinstance(other, TypeValue) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"TypeValue({self.name!r})"


class Message(dict[str, Any]):
    """A structured value an expression made: `Object{...}`, `JSONPatch{...}`; the fields that are set."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str, fields: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__(fields)
        self.type_name = type_name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and equal(self, other)

    __hash__ = None

    def __repr__(self) -> str:
        return f"{self.type_name}{dict.__repr__(self)}"


class ComputedMap(dict[str, Any]):
    """A map whose values are made when they are read, by `__missing__`; `get` makes them, too."""

    __slots__ = ()

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or `default` where there is none to make (`KeyError`)."""
        try:
            return self[key]
        except KeyError:
            return default


class MapValue(Mapping[Any, Any]):
    """A map whose keys Python's dict would confuse: `{1: "a", true: "b", 1u: "c"}`.

    Only maps that need it are of this class; see `from_pairs`.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[tuple[str, Any], tuple[Any, Any]]) -> None:
        self._entries = entries

    def __getitem__(self, key: object) -> Any:
        return self._entries[_distinct(key)][1]

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and equal(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{key!r}: {value!r}" for key, value in self._entries.values()) + "}"


def _distinct(key: object) -> tuple[str, Any]:
    """What two keys share only when they are of one type and equal."""
    name = type_name(key)
    try:
        hash(key)
    except TypeError:
        return name, id(key)
    return name, key


def from_pairs(pairs: Iterable[tuple[Any, Any]]) -> Mapping[Any, Any]:
    """The map of these entries; of equal keys the last wins. A dict unless Python would confuse the keys."""
    kept = list(pairs)
    if all(type(key) is str for key, _ in kept):
        return dict(kept)
    if any(type(key) is bytes for key, _ in kept):
        raise InternalError("runtime error: hash of unhashable type types.Bytes")
    entries = {_distinct(key): (key, value) for key, value in kept}
    if len({kind for kind, _ in entries}) == 1 and all(_hashable(key) for key, _ in entries.values()):
        return dict(entries.values())
    return MapValue(entries)


def _hashable(key: object) -> bool:
    return isinstance(key, (str, int, float, Timestamp, Duration)) or key is None


_NAMES: Final[dict[type, str]] = {
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    tuple: "list",
    dict: "map",
    MapValue: "map",
    type(None): "null_type",
    Duration: "google.protobuf.Duration",
    Timestamp: "google.protobuf.Timestamp",
    TypeValue: "type",
    Optional: "optional_type",
}


def type_name(value: object) -> str:
    """The name of a value's type: `int`, `map`, `google.protobuf.Timestamp`, `kubernetes.Quantity`."""
    name = _NAMES.get(type(value))
    if name is not None:
        if name == "int" and not INT_MIN <= value <= INT_MAX:  # type: ignore[operator]
            return "double"
        return name
    if isinstance(value, Message):
        return value.type_name
    declared = getattr(type(value), "cel_type", None)
    if declared is not None:
        return str(declared.name)
    return _inherited_name(value)


def _inherited_name(value: object) -> str:
    for base, name in ((Mapping, "map"), (str, "string"), (list, "list"), (int, "int"), (float, "double")):
        if isinstance(value, base):
            return name
    raise EvaluationError(f"unsupported conversion to ref.Val: ({type(value).__name__})")


def type_of(value: object) -> TypeValue:
    """`type(value)`."""
    return TypeValue(type_name(value))


def no_such_overload(function: str, *arguments: object) -> EvaluationError:
    """The error of a call whose arguments fit no overload, worded as cel-go does."""
    return EvaluationError(f"no such overload: {function}({', '.join(map(type_name, arguments))})")


def normal(value: Any) -> Any:
    """A value, ints beyond 64 bits as the doubles the API server reads them as."""
    if type(value) is int and not INT_MIN <= value <= INT_MAX:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return value


def check_int(value: int) -> int:
    """An int that fits 64 bits."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationError("integer overflow")


def check_uint(value: int) -> UInt:
    """A uint that fits 64 bits."""
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise EvaluationError("unsigned integer overflow")


def check_duration(nanoseconds: int) -> Duration:
    """A duration that fits 64 bits of nanoseconds."""
    if INT_MIN <= nanoseconds <= INT_MAX:
        return Duration(nanoseconds)
    raise EvaluationError("integer overflow")


def check_timestamp(nanoseconds: int, offset: int = 0) -> Timestamp:
    """A timestamp of the years 1 to 9999."""
    if TIMESTAMP_MIN <= nanoseconds <= TIMESTAMP_MAX:
        return Timestamp(nanoseconds, offset)
    raise EvaluationError("timestamp overflow")


def is_zero(value: object) -> bool:
    """Whether `optional.ofNonZeroValue` takes a value for absent."""
    if value is None:
        return True
    if isinstance(value, (bool, int, float, str, bytes, list, tuple, Mapping)):
        return not value
    if isinstance(value, Duration):
        return value.nanoseconds == 0
    if isinstance(value, Timestamp):
        return value.nanoseconds == TIMESTAMP_MIN
    return False


_NUMBERS: Final = frozenset({int, UInt, float})
_SCALARS: Final = frozenset({bool, int, UInt, float, str, bytes, type(None), Duration, Timestamp, TypeValue})


def _numbers_equal(left: Any, right: Any) -> bool:
    left, right = normal(left), normal(right)
    if type(left) is type(right):
        return bool(left == right)
    return left == left and right == right and _compare_numbers(left, right) == 0


def _scalars_equal(left: object, right: object) -> bool:
    kind, other = type(left), type(right)
    if kind is other and (kind is not int or left == right):
        return left == right
    if kind in _NUMBERS and other in _NUMBERS:
        return _numbers_equal(left, right)
    return kind is other and left == right


def equal(left: Any, right: Any, budget: Budget | None = None) -> bool:
    """`left == right`: never an error, numbers across their types, NaN equal to nothing, bool no number.

    Every pair of nested values is work taken from `budget`; the same large values are compared once with it.
    """
    while type(left) is Optional and type(right) is Optional and left.present and right.present:
        left, right = left.content, right.content
    if type(left) in _SCALARS or type(right) in _SCALARS:
        return _scalars_equal(left, right)
    if budget is None:
        return _contents_equal(left, right, None)
    known = budget.compared.get((id(left), id(right)))
    if known is not None:
        return known[2]
    before = budget.worked
    same = _contents_equal(left, right, budget)
    if budget.worked - before > _REMEMBERED_FROM:
        budget.compared[id(left), id(right)] = left, right, same
    return same


_REMEMBERED_FROM: Final = 16
"""Steps of a comparison from which it pays to remember what came out."""


def _contents_equal(left: Any, right: Any, budget: Budget | None) -> bool:
    pending = [(left, right)]
    while pending:
        left, right = pending.pop()
        kind = type(left)
        if budget is not None:
            plain = kind is dict or kind is list
            budget.work(len(left) if plain or isinstance(left, (tuple, list, Mapping)) else 1)
        if kind is dict and type(right) is dict:
            same = len(left) == len(right) and _maps_equal(left, right, pending)
        else:
            same = _parts_equal(left, right, pending)
        if not same:
            return False
    return True


def _maps_equal(left: dict[Any, Any], right: dict[Any, Any], pending: list[tuple[Any, Any]]) -> bool:
    """The same as `_parts_equal` for plain maps of the same size, which nearly all values are."""
    for key, value in left.items():
        other = right.get(key, _NOTHING) if type(key) is str else find(right, key)
        if type(value) is str and type(other) is str:
            if value != other:
                return False
        elif other is _NOTHING or not _pair_equal(value, other, pending):
            return False
    return True


def _parts_equal(left: Any, right: Any, pending: list[tuple[Any, Any]]) -> bool:
    """Whether two containers may be equal; containers inside them that must be equal go to `pending`."""
    if isinstance(left, (list, tuple)):
        if not isinstance(right, (list, tuple)) or len(left) != len(right):
            return False
        return _pairs_equal(zip(left, right, strict=True), pending)
    if isinstance(left, Mapping):
        return _same_shape(left, right) and _pairs_equal(_value_pairs(left, right), pending)
    if isinstance(left, Optional):
        if not isinstance(right, Optional) or left.present != right.present:
            return False
        return not left.present or _pairs_equal([(left.value, right.value)], pending)
    return bool(left == right)


def _pairs_equal(pairs: Iterable[tuple[Any, Any]], pending: list[tuple[Any, Any]]) -> bool:
    """Whether the values of all pairs are equal, as far as it can be told without going into them."""
    return all(_pair_equal(left, right, pending) for left, right in pairs)


def _pair_equal(left: Any, right: Any, pending: list[tuple[Any, Any]]) -> bool:
    """Whether two values are equal, as far as it can be told without going into them."""
    kind = type(left)
    if kind is type(right):
        if kind is dict or kind is list:
            if not left:
                return not right
            pending.append((left, right))
            return True
        if kind in _COMPARABLE and (kind is not int or left == right):
            return bool(left == right)
    if kind not in _SCALARS and type(right) not in _SCALARS:
        pending.append((left, right))
        return True
    return _scalars_equal(left, right)


_COMPARABLE: Final = frozenset({bool, int, str, bytes, type(None)})


def _same_shape(left: Mapping[Any, Any], right: Any) -> bool:
    if not isinstance(right, Mapping) or len(left) != len(right):
        return False
    if isinstance(left, Message) and isinstance(right, Message):
        return left.type_name == right.type_name
    return isinstance(left, Message) == isinstance(right, Message)


def _value_pairs(left: Mapping[Any, Any], right: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """The values of each key; for a key that only one map has, two that differ."""
    for key, value in left.items():
        other = find(right, key)
        if other is _NOTHING:
            yield True, False
            return
        yield value, other


def _compare_numbers(left: Any, right: Any) -> int:
    """Order of two numbers of whatever types; cel-go rounds an int to a double before it compares the two."""
    if isinstance(left, float) != isinstance(right, float):
        left, right = _as_double(left, right), _as_double(right, left)
    return int(left > right) - int(left < right)


def _as_double(value: Any, other: Any) -> Any:
    if isinstance(value, float):
        return value
    limit = UINT_MAX if isinstance(value, UInt) else INT_MAX
    if isinstance(other, float) and not -float(limit) <= other <= float(limit):
        return value
    return float(value)


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1; raises `EvaluationError` for values without an order."""
    left, right = normal(left), normal(right)
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS:
        if left != left or right != right:
            raise EvaluationError("NaN values cannot be ordered")
        return _compare_numbers(left, right)
    if kind is other and kind in _ORDERED:
        if isinstance(left, _Nanoseconds):
            left, right = left.nanoseconds, right.nanoseconds
        return int(left > right) - int(left < right)
    raise EvaluationError("no such overload")


_ORDERED: Final = frozenset({bool, str, bytes, Duration, Timestamp})


class _Probe:
    """Finds the very key a dict holds for an equal one, to tell `true` from `1`."""

    __slots__ = ("found", "key")

    def __init__(self, key: object) -> None:
        self.key = key
        self.found: object = _NOTHING

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        if self.key == other:
            self.found = other
            return True
        return False


def find(container: Mapping[Any, Any], key: Any) -> Any:
    """The value of a key, or `NOTHING`; a number finds an equal one of another type, as `_spellings` says."""
    if type(key) is str:
        return _find_string(container, key)
    key = normal(key)
    if isinstance(container, MapValue):
        return _find_distinct(container, key)
    try:
        probe = _Probe(key)
        value = container.get(probe, _NOTHING)
    except TypeError:
        return _NOTHING
    if value is _NOTHING or isinstance(key, bool) != isinstance(probe.found, bool):
        return _NOTHING
    if isinstance(probe.found, float) and not isinstance(key, float):
        return _NOTHING  # a double looks for an int, but no int for a double (common/types/map.go)
    return value


def _find_string(container: Mapping[Any, Any], key: str) -> Any:
    if type(container) is dict:
        return container.get(key, _NOTHING)
    try:
        return container[key]
    except KeyError:
        return _NOTHING


def _find_distinct(container: MapValue, key: Any) -> Any:
    for candidate in _spellings(key):
        try:
            return container[candidate]
        except KeyError:
            continue
    return _NOTHING


def _spellings(key: Any) -> Iterator[Any]:
    """A number as each of the types of keys that it finds, its own first."""
    yield key
    if type(key) not in _NUMBERS or (isinstance(key, float) and not key.is_integer()):
        return
    whole = int(key)
    if INT_MIN <= whole <= INT_MAX:
        yield whole
    if 0 <= whole <= UINT_MAX:
        yield UInt(whole)


NOTHING: Final = _NOTHING
"""What `find` gives when there is no such key."""


def print_key(key: Any) -> str:
    """A key or an index as cel-go's messages print it."""
    if isinstance(key, bool):
        return "true" if key else "false"
    if key is None:
        return "null"
    if isinstance(key, TypeValue):
        return key.name
    if isinstance(key, float):
        return print_double(key)
    return str(int(key)) if isinstance(key, int) else str(key)


_QUALIFIERS: Final = frozenset({str, int, UInt, bool, float})

_GO_TYPES: Final = {
    "null_type": "types.Null",
    "bytes": "types.Bytes",
    "google.protobuf.Duration": "types.Duration",
    "google.protobuf.Timestamp": "types.Timestamp",
    "list": "*types.baseList",
    "map": "*types.baseMap",
    "type": "*types.Type",
    "optional_type": "*types.Optional",
}
"""What Go calls the types of values, where that is not `cel.` and the last part of the type's own name."""


def check_qualifier(key: Any) -> None:
    """Raise `EvaluationError` for what can be no key or index at all (cel-go interpreter/attributes.go)."""
    if type(key) not in _QUALIFIERS and not isinstance(key, (str, int, float)):
        name = type_name(key)
        go_type = _GO_TYPES.get(name) or f"cel.{name.rpartition('.')[2]}"
        raise EvaluationError(f"invalid qualifier type: {go_type}")


def index(container: Any, key: Any) -> Any:
    """`container[key]` of a list or a map, or `NOTHING`; raises when the key cannot be one."""
    check_qualifier(key)
    if isinstance(container, Mapping):
        return find(container, key)
    if isinstance(container, (list, tuple)):
        position = _position(key)
        return container[position] if 0 <= position < len(container) else _NOTHING
    return _NOTHING


def _position(key: Any) -> int:
    key = normal(key)
    if type(key) is int or type(key) is UInt:
        return int(key)
    if isinstance(key, float):
        if key.is_integer() and abs(key) < INT_MAX:
            return int(key)
        raise EvaluationError(f"unsupported index value {print_key(key)} in list")
    raise EvaluationError(f"unsupported index type '{type_name(key)}' in list")


def contains(container: Any, value: Any, budget: Budget | None = None) -> bool:
    """`value in container`."""
    if type(container) is dict and type(value) is str:
        return value in container
    if isinstance(container, (list, tuple)):  # before maps, which take longer to tell
        if budget is not None:
            budget.work(len(container))
        return _among(container, value, budget)
    if isinstance(container, Mapping):
        return find(container, value) is not _NOTHING
    raise EvaluationError("no such overload")


def _among(container: list[Any] | tuple[Any, ...], value: Any, budget: Budget | None) -> bool:
    if type(value) is str or value is None:
        return value in container
    if isinstance(value, int) and -_EXACT_DOUBLE < value < _EXACT_DOUBLE and value not in container:
        # Python takes more for equal than the language, true for 1, but never less.
        return False
    return any(equal(value, element, budget) for element in container)
