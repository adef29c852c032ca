"""What the API server takes an `Object{...}` literal for: maps, lists and scalars of Go.

Follows ConvertToNative and CheckTypeNamesMatchFieldPathNames of apiserver/pkg/cel/mutation/dynamic.
The conversion reaches one level into lists and maps that the expression itself wrote; what lies deeper, and
null, uint, bytes, timestamps and durations anywhere, stay values of the language. No schema accepts those,
and the messages that say so print them as Go does: hence `Foreign`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper_py.cel import Duration, Message, Optional, Timestamp, TypeValue, print_timestamp, type_name
from gatekeeper_py.golang.numbers import UInt, print_double
from gatekeeper_py.golang.quoting import quote
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.mutation.jsonvalue import ConversionError, json_value

__all__ = [
    "PATCH",
    "Foreign",
    "NativeError",
    "contents",
    "go_syntax",
    "go_type",
    "go_type_of",
    "go_value",
    "json_native",
    "native",
    "type_names",
]


class NativeError(ValueError):
    """An object that Go cannot hold: a map in it has a key that is no string."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A value that is neither map, list, string, number nor boolean to Go."""

    shown: str
    """As %v prints it."""
    syntax: str
    """As %#v prints it."""
    type: str
    """As %T prints it."""


PATCH = "JSONPatch"
AUTHORIZATION = "kubernetes.authorization."
"""How the types of authorizers begin: their values are an error to Go."""

OPAQUE: Mapping[str, str] = {
    "kubernetes.Quantity": "*resource.Quantity",
    "kubernetes.Semver": "semver.Version",
    "kubernetes.URL": "*url.URL",
    "net.CIDR": "netip.Prefix",
    "net.IP": "netip.Addr",
}
"""What Go holds in the values of Kubernetes' own types. The address that %#v prints is not ours to know."""


def native(patch: Message, is_data: Callable[[object], bool]) -> dict[str, Any]:
    """The fields of an `Object`, nested ones too; containers of the request's data stay as they are.

    `is_data` tells a list or map of the data from one the expression made. Raise `NativeError`.
    """
    return {name: _field(name, value, is_data) for name, value in patch.items()}


def _field(name: str, value: Any, is_data: Callable[[object], bool]) -> Any:
    value = _unwrapped(value)
    if isinstance(value, Message):
        return _element(value, is_data)
    if isinstance(value, (list, tuple)) and not is_data(value):
        return [_element(inner, is_data) for inner in value]
    if isinstance(value, Mapping) and not is_data(value):
        return {_key(name, key): _element(inner, is_data) for key, inner in value.items()}
    return _element(value, is_data)


def _element(value: Any, is_data: Callable[[object], bool]) -> Any:
    value = _unwrapped(value)
    if isinstance(value, Message):
        return _nested_object(value, is_data)
    if isinstance(value, (list, tuple)):
        syntax = f"[]ref.Val{{{', '.join(map(_syntax, value))}}}"
        return value if is_data(value) else Foreign(f"[{_joined(value)}]", syntax, "[]ref.Val")
    if isinstance(value, Mapping):
        if is_data(value):
            return value
        entries = _sorted(value)
        shown = f"map[{' '.join(f'{_nested(key)}:{_nested(inner)}' for key, inner in entries)}]"
        syntax = ", ".join(f"{_syntax(key)}:{_syntax(inner)}" for key, inner in entries)
        return Foreign(shown, f"map[ref.Val]ref.Val{{{syntax}}}", "map[ref.Val]ref.Val")
    return _scalar(value)


def _sorted(value: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """The entries in the order in which Go prints them (internal/fmtsort), where the keys are of one type."""
    alike = len({type(key) for key in value}) == 1
    return sorted(value.items(), key=lambda entry: entry[0]) if alike else list(value.items())


def _nested_object(value: Message, is_data: Callable[[object], bool]) -> Any:
    if value.type_name == PATCH:
        return Foreign(PATCH, PATCH, "*mutation.JSONPatchVal")
    try:
        return native(value, is_data)
    except NativeError as error:
        return Foreign(str(error), str(error), "*types.Err")


def _unwrapped(value: Any) -> Any:
    while isinstance(value, Optional) and value.present:
        value = value.value
    return value


def _key(name: str, key: object) -> str:
    if isinstance(key, str):
        return key
    kind = {"int": "Int", "bool": "Bool", "uint": "Uint", "double": "Double"}.get(type_name(key), "Val")
    raise NativeError(
        f"fail to convert field {quote(name)}: map key {_quoted(key)} is of type types.{kind}, not string"
    )


def _quoted(key: object) -> str:
    """Go's %q: a number is the character of that code."""
    if isinstance(key, int) and not isinstance(key, bool):
        inner = quote(chr(key) if 0 <= key < 0x110000 else "\ufffd")[1:-1]
        return f"'{inner}'"
    kind = "Bool" if isinstance(key, bool) else "Double"
    return f"%!q(types.{kind}={go_value(key)})"


def _scalar(value: Any) -> Any:
    if isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, UInt):
        return Foreign(str(int(value)), hex(value), "uint64")
    if isinstance(value, int):
        return value
    if isinstance(value, Optional):
        return None
    return value.name if isinstance(value, TypeValue) else _foreign(value)


def _foreign(value: Any) -> Foreign:
    if value is None:
        return Foreign("NULL_VALUE", "0", "structpb.NullValue")
    if isinstance(value, bytes):
        syntax = ", ".join(f"{byte:#x}" for byte in value)
        return Foreign(f"[{' '.join(map(str, value))}]", f"[]uint8{{{syntax}}}", "[]uint8")
    if isinstance(value, Timestamp):
        return Foreign(_go_time(value), _go_date(value), "time.Time")
    if isinstance(value, Duration):
        return Foreign(_go_duration(value.nanoseconds), str(value.nanoseconds), "time.Duration")
    name = type_name(value)
    if name.startswith(AUTHORIZATION):
        return Foreign("no such overload", "(*types.Err)", "*types.Err")
    if name == "kubernetes.NamedFormat":
        return Foreign("cel.Format", "cel.Format", "cel.Format")
    go = OPAQUE.get(name, name)
    return Foreign(str(value), f"({go})" if go.startswith("*") else go, go)


def _joined(values: Iterable[Any]) -> str:
    return " ".join(map(_nested, values))


def _syntax(value: Any) -> str:
    """A value of the language inside another, as %#v prints it."""
    value = _unwrapped(value)
    if isinstance(value, (Mapping, list, tuple)):
        return _nested(value)
    return go_syntax(_scalar(value)).replace("[]uint8", "types.Bytes", 1 if isinstance(value, bytes) else 0)


def _nested(value: Any) -> str:
    """A value of the language inside another, as cel-go formats it."""
    value = _unwrapped(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_nested(key)}: {_nested(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_nested, value))}]"
    found = _scalar(value)
    return found.shown if isinstance(found, Foreign) else go_value(found)


def _go_time(value: Timestamp) -> str:
    """time.Time.String() in UTC: `2026-01-01 00:00:00.5 +0000 UTC`."""
    return print_timestamp(Timestamp(value.nanoseconds)).replace("T", " ").replace("Z", " +0000 UTC")


def _go_date(value: Timestamp) -> str:
    """time.Time.GoString() in UTC: `time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)`."""
    year, month, day, *clock = map(int, re.findall(r"\d+", print_timestamp(Timestamp(value.nanoseconds)))[:6])
    parts = (year, f"time.{calendar.month_name[month]}", day, *clock, value.nanoseconds % 1_000_000_000)
    return f"time.Date({', '.join(map(str, parts))}, time.UTC)"


SMALL_UNITS = (("ns", 1), ("µs", 1_000), ("ms", 1_000_000))


def _go_duration(nanoseconds: int) -> str:
    """time.Duration.String(): `1h0m0s`, `1.5s`, `2ms`."""
    if nanoseconds < 0:
        return f"-{_go_duration(-nanoseconds)}"
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 1_000_000_000:
        name, unit = next(pair for pair in reversed(SMALL_UNITS) if nanoseconds >= pair[1])
        return f"{go_value(nanoseconds / unit)}{name}"
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    seconds = f"{rest // 1_000_000_000}{_decimals(rest % 1_000_000_000)}s"
    if not minutes:
        return seconds
    return f"{minutes // 60}h{minutes % 60}m{seconds}" if minutes >= 60 else f"{minutes}m{seconds}"


def _decimals(nanoseconds: int) -> str:
    return f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""


def json_native(value: Any) -> Any:
    """A native value as JSON, sharing no container with the data (structpb.NewStruct)."""
    if isinstance(value, dict):
        return {name: json_native(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(json_native, value))
    if isinstance(value, Foreign):
        return _foreign_json(value)
    return (
        json_value(float(value))
        if isinstance(value, int) and not isinstance(value, bool)
        else json_value(value)
    )


def _foreign_json(value: Foreign) -> Any:
    if value.type == "uint64":
        return json_value(float(value.shown))
    if value.type == "[]uint8":
        return json_value(bytes(map(int, value.shown[1:-1].split())))
    raise ConversionError(f"proto:\u00a0invalid type: {value.type}")


def go_value(value: Any) -> str:
    """A value as %v prints it."""
    if isinstance(value, Foreign):
        return value.shown
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _go_float(value)
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_value(value[key])}' for key in sorted(value))}]"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(map(go_value, value))}]"
    return str(value)


def _go_float(value: float) -> str:
    """%v of a double is %g, but with an exponent only from 1e21 on."""
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value) if 1e-4 <= abs(value) < 1e16 else print_double(value)


def go_syntax(value: Any) -> str:
    """A value as %#v prints it."""
    if isinstance(value, Foreign):
        return value.syntax
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, dict):
        entries = ", ".join(f"{quote(key)}:{go_syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{entries}}}"
    if isinstance(value, (list, tuple)):
        return f"[]interface {{}}{{{', '.join(map(go_syntax, value))}}}"
    return go_value(value)


TYPES: Mapping[type, str] = {
    bool: "bool",
    int: "int64",
    float: "float64",
    str: "string",
    dict: "map[string]interface {}",
    list: "[]interface {}",
    tuple: "[]interface {}",
}


def go_type(value: Any) -> str:
    """The type of a value as %T prints it."""
    return value.type if isinstance(value, Foreign) else TYPES.get(type(value), "<nil>")


def go_type_of(value: Any, is_data: Callable[[object], bool]) -> str:
    """The type that a value of the language has in Go, as %T prints it."""
    return go_type(_element(value, is_data))


def type_names(value: Any, path: str) -> Iterator[str]:
    """What is wrong with the names of `Object` literals: each must be the path of fields that leads to it."""
    value = _unwrapped(value)
    if isinstance(value, Message):
        if value.type_name == PATCH:
            return
        if value.type_name != path:
            yield messages.type_name_mismatch(value.type_name, path)
        for name, inner in value.items():
            yield from type_names(inner, f"{path}.{name}")
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from type_names(inner, path)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from type_names(inner, path)


def contents(roots: Iterable[object]) -> frozenset[int]:
    """Identities of all lists and maps reachable from these values."""
    found: set[int] = set()
    pending = list(roots)
    while pending:
        value = pending.pop()
        if not isinstance(value, (dict, list, tuple)) or id(value) in found:
            continue
        found.add(id(value))
        pending.extend(value.values() if isinstance(value, dict) else value)
    return frozenset(found)
