"""Find what matches a regular expression: `find` and `findAll` (apiserver/pkg/cel/library/regex.go)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import INT, STRING, list_of
from gatekeeper_py.cel.errors import CostExceeded, EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.library.standard import PATTERNS_KEPT, pattern, search_work

__all__ = ["LIBRARY"]

QUADRATIC_LIMIT = 1 << 26
"""Bytes that searches may look at before the clock is asked: RE2 reads the rest of the text for each match
of `a.*b|a`. A tenth of a second of work, and more than a text with few matches needs."""
SECONDS = 0.2
"""How long such searches may go on then. Kubernetes lets them; for 3 MB it takes hours."""

_SURROGATES = re.compile("[\ud800-\udfff]")


@lru_cache(PATTERNS_KEPT)
def _spans_only(text: str) -> Any:
    """The compiled pattern, which remembers no groups: only whole matches are asked for."""
    try:
        source = pattern(text)
    except EvaluationError as error:
        raise EvaluationError(f"Illegal regex: {error}") from None
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    return re2.compile(source.pattern, options=options)


def _encode(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text).encode()


def _find(text: str, expression: str) -> str:
    match = _spans_only(expression).search(_encode(text))
    return match.group().decode() if match else ""


def _find_all(text: str, expression: str, limit: int = -1) -> list[str]:
    compiled = _spans_only(expression)
    found: list[str] = []
    if limit == 0:
        return found
    for piece in _matches(compiled, _encode(text)):
        found.append(piece.decode())
        if len(found) == limit:
            break
    return found


def _matches(compiled: Any, text: bytes) -> Iterator[bytes]:
    """Each match, left to right; an empty one right after another match does not count (Go's regexp)."""
    position, previous, looked = 0, -1, 0
    began = time.monotonic()
    while position <= len(text):
        looked += len(text) - position
        if looked > QUADRATIC_LIMIT and time.monotonic() - began > SECONDS:
            raise CostExceeded("operation cancelled: actual cost limit exceeded")
        match = compiled.search(text, position)
        if match is None:
            return
        start, end = match.span()
        accepted = not (end == position and start == previous)
        position = _next_character(text, position) if end == position else end
        previous = end
        if accepted:
            yield text[start:end]


def _next_character(text: bytes, position: int) -> int:
    """Where the next code point begins."""
    position += 1
    while position < len(text) and text[position] & 0xC0 == 0x80:
        position += 1
    return position


def _cost(text: str, expression: str, *_: int) -> int:
    return costs.regex(text, len(expression))


def _find_work(text: str, expression: str) -> int:
    return search_work(text, expression, _spans_only(expression))


def _find_all_work(text: str, expression: str, *_: int) -> int:
    return len(text) + _find_work(text, expression)


LIBRARY = Library(
    "kubernetes.regex",
    functions=(
        Function(
            "find",
            (
                Overload(
                    "string_find_string",
                    (STRING, STRING),
                    STRING,
                    _find,
                    member=True,
                    cost=_cost,
                    work=_find_work,
                ),
            ),
        ),
        Function(
            "findAll",
            (
                Overload(
                    "string_find_all_string",
                    (STRING, STRING),
                    list_of(STRING),
                    _find_all,
                    member=True,
                    cost=_cost,
                    work=_find_all_work,
                ),
                Overload(
                    "string_find_all_string_int",
                    (STRING, STRING, INT),
                    list_of(STRING),
                    _find_all,
                    member=True,
                    cost=_cost,
                    work=_find_all_work,
                ),
            ),
        ),
    ),
)
