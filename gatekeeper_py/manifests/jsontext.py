"""JSON text to values and places: one document, several, or one a line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from gatekeeper_py.manifests.place import ManifestError, Position, Problem, Span, position_of
from gatekeeper_py.objects.fieldpath import FieldPath

__all__ = ["SyntaxProblem", "documents", "find"]

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_READ = json.JSONDecoder(strict=False)
"""Reads over a value that has been found good before."""
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
    space = _SPACE.match(text, index)
    return space.end() if space else index


def find(text: str, begin: int, field: FieldPath) -> tuple[Span, bool]:
    """Where a field of the document at `begin` is written, and whether all of it was found."""
    start, key = begin, None
    for part in field:
        found = _child(text, start, part)
        if found is None:
            return _span(text, start, key), False
        _, key, start = found
    return _span(text, start, key), True


def _child(text: str, start: int, part: str | int) -> tuple[str | int, int | None, int] | None:
    children = _children(text, start)
    if isinstance(part, int) and text[start] == "[":
        return children[part] if part < len(children) else None
    return next((child for child in children if child[0] == part), None)


def _span(text: str, start: int, key: int | None) -> Span:
    string = _STRING.match(text, start)
    if string:
        return Span(start, string.end(), key, '"', json.loads(string[0], strict=False))
    return Span(start, start + 1, key)


@lru_cache(maxsize=64)
def _children(text: str, start: int) -> tuple[tuple[str | int, int | None, int], ...]:
    """Name, place of the key and place of the value of everything in an object or array."""
    return tuple(_walk(text, start)) if text[start] in "{[" else ()


def _walk(text: str, start: int) -> Iterator[tuple[str | int, int | None, int]]:
    index, number = _skip(text, start + 1), 0
    while text[index] not in "}]":
        name: str | int = number
        key = None
        if text[start] == "{":
            key = index
            name, end = _READ.raw_decode(text, index)
            index = _skip(text, _skip(text, end) + 1)
        yield name, key, index
        index, number = _skip(text, _READ.raw_decode(text, index)[1]), number + 1
        index = _skip(text, index + 1) if text[index] == "," else index


def _second(text: str, begin: int, key: str) -> int:
    """Where a key stands for the second time in one object, looking everywhere below `begin`.

    What follows the object may be no JSON at all: then the place is that of the document.
    """
    waiting = [begin]
    with suppress(ValueError, IndexError):
        while waiting:
            children = _children(text, waiting.pop())
            places = [place for name, place, _ in children if name == key and place is not None]
            if len(places) > 1:
                return places[1]
            waiting.extend(start for _, _, start in children)
    return begin
