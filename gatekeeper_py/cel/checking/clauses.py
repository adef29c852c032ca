"""The clauses of a format, `%.2f`, read for those who print them and for the checker, which refuses bad ones.

As version 2 of cel-go's strings extension reads them (ext/formatting.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.golang.quoting import quote

__all__ = ["Clause", "FormatError", "read_clauses", "refusal"]

_REFUSALS = {
    "s": "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
    "durations, and timestamps, was given {}",
    "d": "decimal clause can only be used on integers, was given {}",
    "f": "fixed-point clause can only be used on doubles, was given {}",
    "e": "scientific clause can only be used on doubles, was given {}",
    "b": "only integers and bools can be formatted as binary, was given {}",
    "x": "only integers, byte buffers, and strings can be formatted as hex, was given {}",
    "o": "octal clause can only be used on integers, was given {}",
}


class FormatError(EvaluationError):
    """A format or one of its arguments is wrong."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One `%...` of a format: the text before it, its verb and its precision."""

    before: str
    verb: str
    precision: int | None


def refusal(verb: str, name: str) -> FormatError:
    """The error of a clause whose argument has a type it cannot print."""
    return FormatError("error during formatting: " + _REFUSALS[verb.lower()].format(name))


def read_clauses(text: str, arguments: int) -> Iterator[Clause | str]:
    """The clauses of a format with so many arguments, one after the other, and then the text that is left.

    Raises `FormatError` where cel-go finds the first mistake.
    """
    start = position = count = 0
    before: list[str] = []
    while (position := text.find("%", position)) >= 0:
        before.append(text[start:position])
        if text.startswith("%%", position):
            before.append("%")
            start = position = position + 2
            continue
        if count >= arguments:
            raise FormatError(f"index {count} out of range")
        if position + 1 >= len(text):
            raise FormatError("unexpected end of string")
        precision, position = _read_precision(text, position + 1)
        verb = text[position]
        if verb not in "sdfebxXo":
            first = chr(verb.encode("utf-8", "replace")[0])
            raise FormatError(f'could not parse formatting clause: unrecognized formatting clause "{first}"')
        yield Clause("".join(before), verb, precision)
        before.clear()
        count += 1
        start = position = position + 1
    yield "".join(before) + text[start:]


def _read_precision(text: str, position: int) -> tuple[int | None, int]:
    """The number after a point, if there is one, and where the verb stands."""
    if text[position] != ".":
        return None, position
    end = position + 1
    while end < len(text) and text[end] in "0123456789":
        end += 1
    prefix = "could not parse formatting clause: error while parsing precision: "
    if end == len(text):
        raise FormatError(prefix + "could not find end of precision specifier")
    digits = text[position + 1 : end]
    prefix += f"error while converting precision to integer: strconv.Atoi: parsing {quote(digits)}: "
    if not digits:
        raise FormatError(prefix + "invalid syntax")
    significant = digits.lstrip("0") or "0"
    if len(significant) > 19 or int(significant) >= 2**63:
        raise FormatError(prefix + "value out of range")
    return int(significant), end
