"""`"...".format([...])` as version 2 of cel-go's strings extension prints it (ext/formatting.go).

That version prints numbers through golang.org/x/text in the locale en_US, which shows: `%f` groups
thousands, `%e` writes `1.500000×10⁰⁰` and takes its precision for a width, and infinity is `∞`.
The compiler reads literal formats with the same `read_clauses`, to refuse bad ones before they run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from gatekeeper_py.cel.checking.clauses import Clause, FormatError, read_clauses, refusal
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.evaluation.times import print_duration, print_timestamp
from gatekeeper_py.cel.evaluation.values import Duration, Timestamp, TypeValue, normal, type_name
from gatekeeper_py.cel.library.conversions import print_double
from gatekeeper_py.golang.quoting import quote

__all__ = ["format_string"]

DEFAULT_PRECISION = 6
LONGEST_NUMBER = 1_000_000
"""A precision whose digits but the last exceed this is no precision to golang.org/x/text."""
_CONTEXT = Context(prec=1200, rounding=ROUND_HALF_EVEN)
"""Digits enough for any double and 255 places after its point."""
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_NO_VERB = "%!(NOVERB)"


def format_string(text: str, arguments: list[Any]) -> str:
    """`text` with each clause replaced by its argument; surplus arguments are ignored."""
    pieces: list[str] = []
    length = 0
    for number, clause in enumerate(read_clauses(text, len(arguments))):
        if isinstance(clause, str):
            pieces.append(clause)
            break
        piece = _FORMATTERS[clause.verb](arguments[number], clause)
        length += len(clause.before) + len(piece)
        costs.check_length(length)
        pieces += (clause.before, piece)
    return "".join(pieces)


def _string(value: Any, _: Clause) -> str:
    if isinstance(value, (list, tuple, Mapping)) and type_name(value) in ("list", "map"):
        return _nested(value)
    if value is None:
        return "null"
    if type_name(value) not in _PRINTABLE:
        raise refusal("s", type_name(value))
    return _converted(value)


_PRINTABLE = frozenset(
    {
        "int",
        "uint",
        "double",
        "bool",
        "string",
        "bytes",
        "type",
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
    }
)


def _converted(value: Any) -> str:
    """`string(value)`, of a value of `_PRINTABLE`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, TypeValue):
        return value.name
    if isinstance(value, Timestamp):
        return print_timestamp(value)
    if isinstance(value, Duration):
        return print_duration(value)
    number = normal(value)
    return print_double(number) if isinstance(number, float) else str(int(number))


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        reason = "invalid UTF-8 in bytes, cannot convert to string"
        raise FormatError(
            f'error during formatting: could not convert argument "{reason}" to string'
        ) from None


def _decimal(value: Any, _: Clause) -> str:
    if type_name(value) not in ("int", "uint"):
        raise refusal("d", type_name(value))
    return str(int(value))


def _double(value: Any, verb: str) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if type_name(value) != "double":
        raise refusal(verb, type_name(value))
    return float(value)


def _infinity(value: float) -> str:
    return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"


def _fixed(value: Any, clause: Clause) -> str:
    number = _double(value, "f")
    if not math.isfinite(number):
        return _infinity(number)
    precision = DEFAULT_PRECISION if clause.precision is None else clause.precision
    if precision // 10 > LONGEST_NUMBER:
        return _NO_VERB
    return _places(number or 0.0, precision)


def _places(number: float, precision: int) -> str:
    """A number with as many places as x/text gives it, which keeps 8 bits of the least and 16 of the most.

    The 16 bits are signed; below zero they bound nothing, and the shortest digits are shown.
    """
    least, most = precision & 0xFF, precision & 0xFFFF
    if precision == least:
        return f"{number:,.{precision}f}"
    exact = Decimal(number) if most < 0x8000 else Decimal(repr(number))
    exponent = exact.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    shown = min(places, most) if most < 0x8000 else places
    text = f"{exact.quantize(Decimal(1).scaleb(-max(shown, least)), context=_CONTEXT):,f}"
    whole, _, fraction = text.partition(".")
    kept = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{kept}" if kept else whole


def _scientific(value: Any, clause: Clause) -> str:
    number = _double(value, "e")
    precision = DEFAULT_PRECISION if clause.precision is None else clause.precision
    if precision // 10 > LONGEST_NUMBER:
        return _NO_VERB
    return _exponential(number).rjust(precision & 0xFFFF)


def _exponential(number: float) -> str:
    if not math.isfinite(number):
        return _infinity(number)
    mantissa, _, exponent = f"{number or 0.0:.{DEFAULT_PRECISION}e}".partition("e")
    sign = "-" if exponent[0] == "-" else ""
    return f"{mantissa}×10{(sign + exponent[1:]).translate(_SUPERSCRIPT)}"


def _based(value: Any, verb: str) -> str:
    return f"{int(value):{verb}}"


def _binary(value: Any, _: Clause) -> str:
    if type_name(value) not in ("int", "uint", "bool"):
        raise refusal("b", type_name(value))
    return _based(value, "b")


def _octal(value: Any, _: Clause) -> str:
    if type_name(value) not in ("int", "uint"):
        raise refusal("o", type_name(value))
    return _based(value, "o")


def _hexadecimal(value: Any, clause: Clause) -> str:
    name = type_name(value)
    if name == "string":
        value, name = value.encode("utf-8", "surrogatepass"), "bytes"
    if name == "bytes":
        return value.hex().upper() if clause.verb == "X" else str(value.hex())
    if name not in ("int", "uint"):
        raise refusal("x", name)
    return _based(value, clause.verb)


_FORMATTERS: Mapping[str, Callable[[Any, Clause], str]] = {
    "s": _string,
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "x": _hexadecimal,
    "X": _hexadecimal,
    "o": _octal,
}


@dataclass(frozen=True, slots=True)
class _Text:
    """A piece already printed, among values still to print."""

    text: str


def _nested(value: Any) -> str:
    """A list or a map as CEL writes it; keeps its own stack, because data may be nested deep."""
    pieces: list[str] = []
    length = 0
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, _Text):
            piece = item.text
        elif isinstance(item, (list, tuple)):
            pending.extend(reversed(_list_parts(item)))
            continue
        elif isinstance(item, Mapping) and type_name(item) == "map":
            pending.extend(reversed(_map_parts(item)))
            continue
        else:
            piece = _literal(item)
        length += len(piece)
        costs.check_length(length)
        pieces.append(piece)
    return "".join(pieces)


def _list_parts(items: list[Any] | tuple[Any, ...]) -> list[Any]:
    parts: list[Any] = [_Text("[")]
    for number, item in enumerate(items):
        if number:
            parts.append(_Text(", "))
        parts.append(item)
    parts.append(_Text("]"))
    return parts


def _map_parts(entries: Mapping[Any, Any]) -> list[Any]:
    printed = sorted(((_key(key), value) for key, value in entries.items()), key=lambda entry: entry[0])
    parts: list[Any] = [_Text("{")]
    for number, (key, value) in enumerate(printed):
        parts.append(_Text(f", {key}:" if number else f"{key}:"))
        parts.append(value)
    parts.append(_Text("}"))
    return parts


def _key(key: Any) -> str:
    name = type_name(key)
    if name == "string":
        return quote(key)
    if name == "bool":
        return "true" if key else "false"
    if name in ("int", "uint"):
        return str(int(key))
    raise FormatError(f"error during formatting: no formatting function for map key of type {name}")


def _literal(value: Any) -> str:
    """A value inside a list or a map, as a CEL literal."""
    if value is None:
        return "null"
    name = type_name(value)
    if name == "double":
        number = float(value)
        return f"{number:.{DEFAULT_PRECISION}f}" if math.isfinite(number) else quote(_go_infinity(number))
    if name not in _PRINTABLE:
        raise FormatError(f"error during formatting: no formatting function for {name}")
    text = _converted(value)
    if name == "string":
        return quote(text)
    if name == "bytes":
        return "b" + quote(text)
    if isinstance(value, Timestamp):
        return f"timestamp({quote(text)})"
    if isinstance(value, Duration):
        return f"duration({quote(text)})"
    return text


def _go_infinity(number: float) -> str:
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
