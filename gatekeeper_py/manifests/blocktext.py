"""YAML as programs write it, in blocks with a value a line: read by its lines, in a third of libyaml's time.

What is read here can mean but one thing. A document that holds anything else (an anchor, a comment, a text
folded over lines, whatever is wrong) is left to `yamltext`, with all that follows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from gatekeeper_py.manifests.place import Position, Problem
from gatekeeper_py.manifests.scalars import resolve

__all__ = ["documents"]

ODD: Final = re.compile(r"[^\n -~]")
"""All but printable ASCII: libyaml refuses some, and takes some for the ends of lines."""

BEGIN: Final = "---\n"
BEGINS: Final = re.compile(f"^{BEGIN}", re.MULTILINE)
"""At the beginning of a line it ends whatever went before."""

_INNER = r"[\w./-]|:(?=[\w./-])"
"""A character of a name: a colon ends it, unless the next is one of the name, too."""
_WORD = r"(?:[\w./@%+=,;()$~*!?&^<>-]|:(?=[\w./@%+=,;()$~*!?&^<>-]))+"

FIELD: Final = re.compile(rf"( *)(- )?([A-Za-z_./](?:{_INNER}){{0,252}}):(?: (.+))?", re.ASCII)
ITEM: Final = re.compile(r"( *)-(?: (.+))?", re.ASCII)
PLAIN: Final = re.compile(rf"(?=-*[\w./]){_WORD}(?: {_WORD})*", re.ASCII)
QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"\\]*)\"")

ENDS: Final[Mapping[str, str]] = {"|": "\n", "|-": ""}
"""What a literal text ends with, by its mark."""

EMPTY: Final[Mapping[str, type]] = {"{}": dict, "[]": list}

DEEPEST: Final = 64
"""Levels that are read here; `yamltext` says how many there may be."""

LONGEST_REMEMBERED: Final = 128
"""Characters of a line whose meaning is remembered: the lines of a manifest are nearly those of the next."""


class _Odd(Exception):
    """Something that is not read here."""


class _Line(NamedTuple):
    """What a line says."""

    level: int
    """Its indent."""
    is_item: bool
    """Whether an item of a list begins here."""
    name: str
    """The field's; empty when the item is no mapping."""
    value: Any
    """A scalar, or the type of an empty collection, which each reading makes anew."""
    opens: bool = False
    """Whether the value is what stands deeper below."""
    end: str | None = None
    """Of a literal text below: what it ends with."""


def documents(text: str) -> Generator[tuple[Any, Position, tuple[Problem, ...]], None, tuple[int, int]]:
    """Value, place and (no) warnings of each document, up to the first that is not read here.

    Return where the rest of the text begins, and how many lines stand before that.
    """
    above = 0
    if ODD.search(text) is not None:
        return 0, above
    begins = (match.start() for match in BEGINS.finditer(text))
    for begin, end in pairwise((0, *begins, len(text))):
        chunk = text[begin:end]
        body = chunk.removeprefix(BEGIN).lstrip("\n")
        if chunk.strip("\n"):
            try:
                value = _Reader().read(body)
            except _Odd:
                return begin, above
            yield value, Position(above + chunk.count("\n", 0, len(chunk) - len(body)) + 1, 1), ()
        above += chunk.count("\n")
    return len(text), above


class _Reader:
    """Reads one document, a mapping."""

    __slots__ = ("around", "end", "key", "level", "margin", "opened", "texts", "top")

    def __init__(self) -> None:
        self.top: Any = {}
        """What the line before stands in: a mapping or a list,"""
        self.level = 0
        """at which indent,"""
        self.around: list[tuple[int, Any]] = []
        """and in what that stands, from the root."""
        self.key: Any = None
        """Where the last value stands there,"""
        self.opened = False
        """and whether it is below."""
        self.end: str | None = None
        """Of a literal text that is being read: what it ends with."""
        self.margin = ""
        self.texts: list[str] = []

    def read(self, text: str) -> Any:
        """The value of a document; raise `_Odd`."""
        root, line = self.top, ""
        for line in text.split("\n"):
            if self.end is not None and self._is_text(line):
                continue
            if line:
                self._take(_remembered(line) if len(line) <= LONGEST_REMEMBERED else _said(line))
        if self.end is not None:
            self._end_text()
        if not root or line:
            raise _Odd
        return root

    def _take(self, said: _Line) -> None:
        """Go on by what a line says."""
        level, is_item, name, value, opens, end = said
        if is_item or level != self.level or type(self.top) is list:
            self._turn(level, is_item, name)
        top = self.top
        if type(value) is type:
            value = value()
        if not name:
            top.append(value)
        elif name in top:
            raise _Odd
        else:
            top[name] = value
        self.key = name or -1
        self.opened = opens
        self.end = end

    def _turn(self, level: int, is_item: bool, name: str) -> None:
        """Go to where a line's value stands."""
        while level < self.level:
            self.level, self.top = self.around.pop()
            self.opened = False
        if is_item:
            if level > self.level or type(self.top) is dict:
                self._open(level, [])
            if name:
                self.top.append({})
                self._enter(level + len("- "), self.top[-1])
        elif level > self.level:
            self._open(level, {})
        elif type(self.top) is list:  # which has the indent of the field that it is the value of
            self.level, self.top = self.around.pop()
            if level != self.level:
                raise _Odd

    def _open(self, level: int, made: Any) -> None:
        """Make the last value what stands below its field or item."""
        if not self.opened or len(self.around) > DEEPEST:
            raise _Odd
        self.top[self.key] = made
        self._enter(level, made)

    def _enter(self, level: int, made: Any) -> None:
        self.around.append((self.level, self.top))
        self.level, self.top = level, made

    def _is_text(self, line: str) -> bool:
        """Whether a line is part of the literal text."""
        if not self.texts:
            margin = len(line) - len(line.lstrip(" "))
            if margin <= self.level or margin == len(line):
                raise _Odd
            self.margin = line[:margin]
        elif line.isspace():
            raise _Odd
        elif line and not line.startswith(self.margin):
            self._end_text()
            return False
        self.texts.append(line[len(self.margin) :])
        return True

    def _end_text(self) -> None:
        if not self.texts or self.end is None:
            raise _Odd
        self.top[self.key] = "\n".join(self.texts).rstrip("\n") + self.end
        self.texts, self.end = [], None


@lru_cache(4096)
def _remembered(line: str) -> _Line:
    return _said(line)


def _said(line: str) -> _Line:
    """What a line says; raise `_Odd`."""
    if match := FIELD.fullmatch(line):
        indent, dash, name, written = match.groups()
        if type(resolve(name)) is not str:
            raise _Odd
    elif match := ITEM.fullmatch(line):
        dash, name = "-", ""
        indent, written = match.groups()
    else:
        raise _Odd
    where = len(indent), bool(dash), name
    if written is None:
        return _Line(*where, None, opens=True)
    if written in ENDS:
        return _Line(*where, None, end=ENDS[written])
    return _Line(*where, _scalar(written))


def _scalar(written: str) -> Any:
    """The value that stands behind a name or a dash in its line."""
    if written in EMPTY:
        return EMPTY[written]
    if PLAIN.fullmatch(written):
        value = resolve(written)
        if type(value) is float and not math.isfinite(value):
            raise _Odd
        return value
    quoted = QUOTED.fullmatch(written)
    if quoted is None:
        raise _Odd
    return quoted[1] if quoted[2] is None else quoted[2]
