"""Where an author is writing: in which field of which document, behind which characters of its value.

Half-written YAML is often none. Then the line of the cursor is taken to end at the cursor, with something in
the place of what is about to be written, and quotes and brackets closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gatekeeper_py.manifests import yamltext
from gatekeeper_py.manifests.place import ManifestError
from gatekeeper_py.objects.fieldpath import FieldPath

__all__ = ["Cursor", "cursor_at", "index_of"]

FILLER = "_"
"""Stands for what is about to be written."""

CLOSERS = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a document."""

    document: Any
    """What the document holds, as far as it can be read."""
    path: FieldPath
    before: str
    """What of the field's value, or of its name, stands before the cursor."""
    is_name: bool
    """Whether the name of the field is being written, and not its value."""


def index_of(text: str, line: int, column: int) -> int:
    """Where in a text a place is, line and column counted from 0."""
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1
        if not start:
            return len(text)
    end = text.find("\n", start)
    return min(start + column, len(text) if end < 0 else end)


def cursor_at(text: str, index: int) -> Cursor | None:
    """What is written at a place; None where that cannot be told."""
    for candidate in _candidates(text, index):
        found = yamltext.field_at(candidate, index)
        values = _values(candidate)
        if found is not None and found.document < len(values) and _is_written(found):
            return _cursor(candidate, index, found, values[found.document])
    return None


def _candidates(text: str, index: int) -> Iterator[str]:
    """The text, and what it may become."""
    yield text
    start = text.rfind("\n", 0, index) + 1
    end = text.find("\n", index)
    rest = "" if end < 0 else text[end:]
    quote, closers = _open(text[start:index])
    for filler in (FILLER, f"{FILLER}: "):
        yield f"{text[:index]}{filler if not quote else FILLER + quote}{closers}{rest}"


def _open(line: str) -> tuple[str, str]:
    """The quote that is open at the end of a line of YAML, and what closes its brackets."""
    quote, open_brackets = "", ""
    for place, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and (not line[:place].strip() or line[place - 1] in " [{,"):
            quote = character
        elif character in CLOSERS:
            open_brackets += character
        elif character in CLOSERS.values():
            open_brackets = open_brackets[:-1]
    return quote, "".join(CLOSERS[each] for each in reversed(open_brackets))


def _values(text: str) -> list[Any]:
    values: list[Any] = []
    with suppress(ManifestError):
        values.extend(value for value, _, _ in yamltext.documents("", text))
    return values


def _is_written(found: yamltext.Field) -> bool:
    """Whether a name or a text is at the place: in a list or a mapping something is about to be written."""
    return found.is_name or found.span.style in ("|", ">") or bool(found.span.value)


def _cursor(text: str, index: int, found: yamltext.Field, value: Any) -> Cursor:
    span = found.span
    if found.is_name:
        start = span.key if span.key is not None else span.start
        return Cursor(value, found.path, text[start:index], is_name=True)
    before = span.value[: span.offset(text, index)]
    space = " " if text[index - 1 : index].isspace() and before and not before[-1:].isspace() else ""
    return Cursor(value, found.path, before + space, is_name=False)
