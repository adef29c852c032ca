"""JSON text to values and places: one document, several, or one a line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from gatekeeper_py.cluster.place import FieldPath, ManifestError, Position, Problem, Span, position_of

__all__ = ["SyntaxProblem", "documents", "find"]

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ATOM = re.compile(r"[^\s,\]}]+")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class SyntaxProblem(ManifestError):
    """A text that is no JSON at all; it may still be YAML."""


class _Refused(ValueError):
    """What Python's json lets through and we do not."""


class _Duplicate(_Refused):
    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f'key "{key}" stands here twice')


def documents(path: str, text: str) -> Iterator[tuple[Any, int, Position]]:
    """Value, offset and place of each document; raise `ManifestError`."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer
    )
    index = line_start = 0
    line = 1
    while (begin := _skip(text, index)) < len(text):
        line += text.count("\n", index, begin)
        line_start = text.rfind("\n", 0, begin) + 1
        value, end = _decode(path, text, begin, decoder)
        yield value, begin, Position(line, begin - line_start + 1)
        line += text.count("\n", begin, end)
        index = end


def _decode(path: str, text: str, begin: int, decoder: json.JSONDecoder) -> tuple[Any, int]:
    try:
        value, end = decoder.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        what = f"not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        problem = Problem(path, error.lineno, error.colno, what, "Correct the line or the one before it")
        raise SyntaxProblem([problem]) from error
    except _Duplicate as error:
        where = position_of(text, _second(text, begin, error.key))
        problem = Problem(path, *where, str(error), "Keep one of them")
    except _Refused as error:
        problem = Problem(path, *position_of(text, begin), str(error), "Write a finite number")
    except RecursionError:
        problem = Problem(path, *position_of(text, begin), "nested too deeply", "Make it flatter")
    else:
        lone = _lone_surrogate(text, begin, end)
        if lone is None:
            return value, end
        what = "half a character (a lone surrogate)"
        problem = Problem(path, *position_of(text, lone), what, "Write the whole character")
    raise ManifestError([problem])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Duplicate(key)
            seen.add(key)
    return made


def _constant(text: str) -> Any:
    raise _Refused(f"{text} is no number that JSON can hold")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Refused(f"{text[:40]} is no number that JSON can hold")
    return value


def _integer(text: str) -> int | float:
    """As Kubernetes reads a number: 64 bits, or else a float."""
    if len(text) > 18:
        value = _float(text)
        return int(text) if len(text) <= 20 and -(2**63) <= int(text) < 2**63 else value
    return int(text)


def _lone_surrogate(text: str, begin: int, end: int) -> int | None:
    """Where half a character is written."""
    if not _SURROGATE.search(text, begin, end):
        return None
    for string in _STRING.finditer(text, begin, end):
        if any("\ud800" <= character <= "\udfff" for character in json.loads(string[0], strict=False)):
            return string.start()
    return None


def _skip(text: str, index: int) -> int:
    return _SPACE.match(text, index).end()  # type: ignore[union-attr]


def find(text: str, begin: int, field: FieldPath) -> tuple[Span, bool]:
    """Where a field of the document at `begin` is written, and whether all of it was found."""
    start, key = begin, None
    for part in field:
        found = next((place for place in _children(text, start) if place[0] == part), None)
        if found is None:
            return _span(text, start, key), False
        _, key, start = found
    return _span(text, start, key), True


def _span(text: str, start: int, key: int | None) -> Span:
    string = _STRING.match(text, start)
    if string:
        return Span(start, string.end(), key, '"', json.loads(string[0], strict=False))
    return Span(start, start + 1, key)


def _children(text: str, start: int) -> Iterator[tuple[str | int, int | None, int]]:
    """Name, place of the key and place of the value of everything in an object or array."""
    if text[start] not in "{[":
        return
    keyed = text[start] == "{"
    index, number = _skip(text, start + 1), 0
    while text[index] not in "}]":
        name: str | int = number
        key = None
        if keyed:
            string = _STRING.match(text, index)
            assert string is not None
            name, key = json.loads(string[0], strict=False), index
            index = _skip(text, _skip(text, string.end()) + 1)
        yield name, key, index
        index, number = _skip(text, _end(text, index)), number + 1
        index = _skip(text, index + 1) if text[index] == "," else index


def _end(text: str, index: int) -> int:
    """Where the value that begins at `index` ends."""
    depth = 0
    while True:
        string = _STRING.match(text, index)
        if string:
            index = string.end()
        elif text[index] in "{[":
            depth, index = depth + 1, index + 1
        elif text[index] in "}]":
            depth, index = depth - 1, index + 1
        else:
            atom = _ATOM.match(text, index)
            index = atom.end() if atom and text[index] not in ",:" else index + 1
        if depth == 0:
            return index
        index = _skip(text, index)


def _second(text: str, begin: int, key: str) -> int:
    """Where a key stands for the second time in one object, looking everywhere below `begin`."""
    waiting = [begin]
    while waiting:
        seen = False
        for name, place, start in _children(text, waiting.pop()):
            if name == key and place is not None:
                if seen:
                    return place
                seen = True
            waiting.append(start)
    return begin
