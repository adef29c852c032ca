"""Text: version 2 of cel-go's strings extension (ext/strings.go), as Kubernetes has it.

Strings are sequences of code points. `EXTRA` adds what version 3 brought and Kubernetes has not: reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import DYN, INT, STRING, Type, list_of
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.evaluation.values import print_key, type_name
from gatekeeper_py.cel.library.formatting import format_string

__all__ = ["EXTRA", "LIBRARY"]

WHITESPACE = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
"""What Unicode calls white space; Python's own strip takes four control characters more."""

_ESCAPES = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
        **dict.fromkeys(map(chr, range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}"),
    }
)

_STEPS_TO_PRINT = 8
"""Steps to print a value, where a walk takes one to visit it."""
_LARGEST_RESULT = costs.MAXIMUM_LENGTH // costs.CHARACTERS_PER_STEP
"""Steps to write the longest string there may be."""


def _out_of_range(index: int) -> EvaluationError:
    return EvaluationError(f"index out of range: {index}")


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise _out_of_range(index)
    return text[index : index + 1]


def _index_of(text: str, part: str, offset: int = 0) -> int:
    if not part:
        return offset
    if offset < 0:
        raise _out_of_range(offset)
    return text.find(part, offset)


def _last_index_of(text: str, part: str) -> int:
    if not part:
        return len(text)
    if len(part) > len(text):
        return -1
    return _last_index_before(text, part, len(text) - 1)


def _last_index_before(text: str, part: str, offset: int) -> int:
    if not part:
        return offset
    if offset < 0:
        raise _out_of_range(offset)
    if offset >= len(text) or len(part) > len(text):
        return -1
    text = text[: offset + len(part)]
    # Python searches forwards in linear time, but not backwards.
    found = text[::-1].find(part[::-1])
    return -1 if found < 0 else len(text) - found - len(part)


def _lower(text: str) -> str:
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _upper(text: str) -> str:
    if text.isascii():
        return text.upper()
    return text.encode("utf-8", "surrogatepass").upper().decode("utf-8", "surrogatepass")


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    growth = len(new) - len(old)
    if growth > 0:
        count = text.count(old)
        costs.check_length(len(text) + growth * (count if limit < 0 else min(count, limit)))
    return text.replace(old, new, limit)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    if limit < 0 or limit > len(text):
        return list(text)
    return [*text[: limit - 1], text[limit - 1 :]]


def _substring(text: str, start: int) -> str:
    if not 0 <= start <= len(text):
        raise _out_of_range(start)
    return text[start:]


def _substring_range(text: str, start: int, end: int) -> str:
    if start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    for index in (start, end):
        if not 0 <= index <= len(text):
            raise _out_of_range(index)
    return text[start:end]


def _trim(text: str) -> str:
    return text.strip(WHITESPACE)


def _quote(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _join(items: Sequence[Any], separator: str = "") -> str:
    for item in items:
        if not isinstance(item, str):
            raise EvaluationError(f"join: invalid input: {_shown(item)}")
    costs.check_length(_joined_length(items, separator))
    return separator.join(items)


def _shown(item: Any) -> str:
    """A value as Go's `%v` prints it; of a list or a map only what it is."""
    if item is None:
        return "0"
    return print_key(item) if isinstance(item, (bool, int, float)) else type_name(item)


def _joined_length(items: Sequence[Any], separator: str) -> int:
    return sum(map(costs.text_length, items)) + len(separator) * max(len(items) - 1, 0)


def _join_cost(items: Sequence[Any], separator: str = "") -> int:
    return costs.scaled(2 * _joined_length(items, separator))


def _replace_work(text: str, _: str, new: str, *__: int) -> int:
    """The result is bounded; a long replacement in a short text makes most of it."""
    return costs.steps(text) + min(costs.steps(new) * (len(text) + 1), _LARGEST_RESULT)


def _format_work(text: str, arguments: Sequence[Any]) -> int:
    return costs.steps(text) + _STEPS_TO_PRINT * costs.deep_size(arguments)


def _index_cost(text: str, *_: object) -> int:
    """Rounded down, as for the lists whose functions have these names."""
    return int(costs.utf8_length(text) * costs.TRAVERSAL)


def _first(cost: Callable[[str], int]) -> Callable[..., int]:
    """The cost of the first argument alone."""
    return lambda text, *_: cost(text)


def _method(
    name: str,
    *signatures: tuple[str, tuple[Type, ...], Type, Callable[..., Any]],
    cost: Callable[..., int] | None = None,
    work: Callable[..., int] | None = None,
) -> Function:
    """A method of strings with its overloads: identifier, parameters, result, implementation."""
    return Function(
        name,
        tuple(
            Overload(identifier, parameters, result, implementation, member=True, cost=cost, work=work)
            for identifier, parameters, result, implementation in signatures
        ),
    )


_traversal = _first(costs.traversal)

LIBRARY = Library(
    "cel.lib.ext.strings",
    functions=(
        _method("charAt", ("string_char_at_int", (STRING, INT), STRING, _char_at)),
        _method(
            "indexOf",
            ("string_index_of_string", (STRING, STRING), INT, _index_of),
            ("string_index_of_string_int", (STRING, STRING, INT), INT, _index_of),
            cost=_index_cost,
        ),
        _method(
            "lastIndexOf",
            ("string_last_index_of_string", (STRING, STRING), INT, _last_index_of),
            ("string_last_index_of_string_int", (STRING, STRING, INT), INT, _last_index_before),
            cost=_index_cost,
        ),
        _method("lowerAscii", ("string_lower_ascii", (STRING,), STRING, _lower), cost=_traversal),
        _method("upperAscii", ("string_upper_ascii", (STRING,), STRING, _upper), cost=_traversal),
        _method(
            "replace",
            ("string_replace_string_string", (STRING, STRING, STRING), STRING, _replace),
            ("string_replace_string_string_int", (STRING, STRING, STRING, INT), STRING, _replace),
            cost=costs.twice,
            work=_replace_work,
        ),
        _method(
            "split",
            ("string_split_string", (STRING, STRING), list_of(STRING), _split),
            ("string_split_string_int", (STRING, STRING, INT), list_of(STRING), _split),
            cost=costs.twice,
        ),
        _method(
            "substring",
            ("string_substring_int", (STRING, INT), STRING, _substring),
            ("string_substring_int_int", (STRING, INT, INT), STRING, _substring_range),
            cost=_traversal,
        ),
        _method("trim", ("string_trim", (STRING,), STRING, _trim), cost=_traversal),
        Function(
            "format",
            (
                Overload(
                    "string_format",
                    (STRING, list_of(DYN)),
                    STRING,
                    format_string,
                    member=True,
                    cost=_traversal,
                    work=_format_work,
                ),
            ),
        ),
        Function(
            "strings.quote", (Overload("strings_quote", (STRING,), STRING, _quote, cost=costs.traversal),)
        ),
        Function(
            "join",
            (
                Overload(
                    "list_join",
                    (list_of(STRING),),
                    STRING,
                    _join,
                    member=True,
                    cost=_join_cost,
                    work=lambda items: 2 * len(items),
                ),
                Overload(
                    "list_join_string",
                    (list_of(STRING), STRING),
                    STRING,
                    _join,
                    member=True,
                    cost=_join_cost,
                    work=lambda items, _: 2 * len(items),
                ),
            ),
        ),
    ),
)

EXTRA = Library(
    "cel.lib.ext.strings.v3",
    functions=(
        _method("reverse", ("string_reverse", (STRING,), STRING, lambda text: text[::-1]), work=costs.steps),
    ),
)
