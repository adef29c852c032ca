"""Places in files, and the problems found there."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

__all__ = ["ManifestError", "Position", "Problem", "Span", "position_of"]

NEXT_LINE = "\n"

_ESCAPES = dict(zip("ntrbfv_NLP", "\n\t\r\b\f\v\xa0\x85\u2028\u2029", strict=True))
_HEXADECIMAL = {"x": 2, "u": 4, "U": 8}


class Position(NamedTuple):
    """A place in a file, line and column counted from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong, where, and what to do about it."""

    path: str
    line: int
    """0 when the problem has no place in the file."""
    column: int
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        """`path:line:column: what. remedy`; the remedy has its own line when `what` has several."""
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        if not self.remedy:
            return f"{place}: {self.what}"
        return f"{place}: {self.what}{NEXT_LINE if NEXT_LINE in self.what else '. '}{self.remedy}"


class ManifestError(Exception):
    """Manifests that cannot be used, with every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def position_of(text: str, index: int) -> Position:
    """Line and column of the character at `index`."""
    line = bisect_left(_line_ends(text), index)
    return Position(line + 1, index - text.rfind("\n", 0, index))


@lru_cache(maxsize=4)
def _line_ends(text: str) -> array[int]:
    """Where the lines of a text end: lists of many objects ask for many places."""
    return array("Q", (match.start() for match in re.finditer("\n", text)))


@dataclass(frozen=True, slots=True)
class Span:
    """A value in a text: where it begins and ends, its key, and for a string how it is written."""

    start: int
    end: int
    key: int | None = None
    """Where the value's key begins, in a mapping."""
    style: str = ""
    """Of a string: `|`, `>`, `'`, `"`, or empty for a plain one."""
    value: str = ""
    """Of a string: what it means."""

    def index(self, text: str, offset: int) -> int:
        """Where in the text the string's character at `offset` is written.

        Folding and indentation change white space only, so the n-th visible character of the value is the
        n-th visible one of the text. A space is taken to follow the visible character before it.
        """
        visible = sum(not character.isspace() for character in self.value[:offset])
        at_space = offset >= len(self.value) or self.value[offset].isspace()
        wanted = visible - 1 if at_space else visible
        place = self.start
        for number, (place, width) in enumerate(self._units(text)):
            if number == wanted:
                return place + width if at_space else place
        return place

    def offset(self, text: str, index: int) -> int:
        """How many of the string's characters are written before the place `index` of the text."""
        before = sum(place < index for place, _ in self._units(text))
        for number, character in enumerate(self.value):
            if not character.isspace():
                before -= 1
            if before < 0:
                return number
        return len(self.value)

    def _units(self, text: str) -> Iterator[tuple[int, int]]:
        """Place and width of every visible character of the value."""
        if self.style in ("|", ">"):
            begin = text.find("\n", self.start) + 1
            return _visible(text, begin, self.end)
        if self.style == "'":
            return _single_quoted(text, text.index("'", self.start) + 1, self.end - 1)
        if self.style == '"':
            return _double_quoted(text, text.index('"', self.start) + 1, self.end - 1)
        return _visible(text, self._after_properties(text), self.end)

    def _after_properties(self, text: str) -> int:
        """Where a plain string begins, behind its anchor and tag."""
        begin = self.start
        while begin < self.end and text[begin] in "&!":
            begin += len(text[begin : self.end].split(None, 1)[0])
            begin += len(text[begin : self.end]) - len(text[begin : self.end].lstrip())
        return begin


def _visible(text: str, index: int, end: int) -> Iterator[tuple[int, int]]:
    return ((place, 1) for place in range(index, end) if not text[place].isspace())


def _single_quoted(text: str, index: int, end: int) -> Iterator[tuple[int, int]]:
    while index < end:
        width = 2 if text.startswith("''", index) else 1
        if not text[index].isspace():
            yield index, width
        index += width


def _double_quoted(text: str, index: int, end: int) -> Iterator[tuple[int, int]]:
    while index < end:
        width, character = _escape(text, index) if text[index] == "\\" else (1, text[index])
        if character and not character.isspace():
            yield index, width
        index += width


def _escape(text: str, index: int) -> tuple[int, str]:
    """Width and meaning of an escape sequence; an escaped line break means nothing."""
    letter = text[index + 1]
    digits = _HEXADECIMAL.get(letter)
    if digits is None:
        return 2, "" if letter in "\r\n" else _ESCAPES.get(letter, letter)
    code = int(text[index + 2 : index + 2 + digits], 16)
    if 0xD800 <= code < 0xDC00 and text.startswith("\\u", index + 6):
        return 12, "?"
    return 2 + digits, chr(code)
