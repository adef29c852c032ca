"""YAML as it is written: nodes that know where they stand, with their quotes, anchors and aliases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

__all__ = ["CannotLayOut", "Collection", "Document", "Node", "Scalar", "documents"]


class CannotLayOut(Exception):
    """A file that is left as it is; the message says why, and `line` and `column` where, from 1."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar, or an alias, with its properties: `text` as it is written."""

    line: int
    last_line: int
    text: str
    value: str
    start: int
    """Where the text begins in the file, in code points."""
    style: str
    """`|`, `>`, `'`, `"`; empty for a plain one, `*` for an alias."""

    @property
    def is_block(self) -> bool:
        """Whether it is written in lines below its key."""
        return self.style in ("|", ">")


@dataclass(frozen=True, slots=True)
class Collection:
    """A mapping (`pairs`) or a sequence (`items`)."""

    line: int
    last_line: int
    """Where its last bracket stands, or its last node ends."""
    flow: bool
    properties: str
    """Its anchor and tag, as they are written."""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Scalar, Node], ...] | None = None


Node: TypeAlias = Scalar | Collection
_Pairs: TypeAlias = tuple[tuple[Scalar, Node], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One document: the line of its `---`, when that is written, and what it holds."""

    marker: int | None
    root: Node | None


def documents(text: str) -> list[Document]:
    """The documents of a text. Raises `CannotLayOut` for what no policy needs, and for what is no YAML."""
    try:
        return list(_Builder(text).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        where = (mark.line + 1, mark.column + 1) if mark else ()
        raise CannotLayOut(f"not valid YAML: {what}", *where) from error
    except yaml.reader.ReaderError as error:
        raise CannotLayOut("a character that YAML does not allow") from error


class _Builder:
    """Makes nodes of events."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self._event: Any = next(self._events)

    def _take(self) -> Any:
        event = self._event
        self._event = next(self._events, None)
        return event

    def documents(self) -> Iterator[Document]:
        self._take()  # the stream begins
        while isinstance(self._event, yaml.DocumentStartEvent):
            start = self._take()
            if start.version or start.tags:
                raise CannotLayOut("a directive of YAML", start.start_mark.line + 1)
            marker = start.end_mark.line if start.explicit else None
            root = self._node()
            self._take()  # the document ends
            empty = isinstance(root, Scalar) and root.text == "" and root.style == ""
            yield Document(marker, None if empty else root)

    def _node(self) -> Node:
        event = self._take()
        if isinstance(event, yaml.AliasEvent):
            return self._scalar(event, f"*{event.anchor}", "*")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, event.value, event.style or "")
        properties = " ".join(filter(None, (_anchor(event), event.tag or "")))
        if isinstance(event, yaml.SequenceStartEvent):
            items = tuple(self._until(yaml.SequenceEndEvent))
            return self._collection(event, properties, items, None)
        pairs = tuple(self._pairs())
        return self._collection(event, properties, (), pairs)

    def _until(self, end: type[Any]) -> Iterator[Node]:
        while not isinstance(self._event, end):
            yield self._node()

    def _pairs(self) -> Iterator[tuple[Scalar, Node]]:
        while not isinstance(self._event, yaml.MappingEndEvent):
            key = self._node()
            if not isinstance(key, Scalar) or key.line != key.last_line:
                raise CannotLayOut("a key that is no word", key.line + 1)
            yield key, self._node()

    def _collection(
        self,
        event: Any,
        properties: str,
        items: tuple[Node, ...],
        pairs: _Pairs | None,
    ) -> Collection:
        end = self._take()
        inner = items if pairs is None else tuple(value for _, value in pairs)
        last = end.end_mark.line if event.flow_style else max((each.last_line for each in inner), default=0)
        if pairs is not None and not event.flow_style:
            last = max(last, *(key.line for key, _ in pairs))
        return Collection(event.start_mark.line, last, bool(event.flow_style), properties, items, pairs)

    def _scalar(self, event: Any, value: str, style: str) -> Scalar:
        start, end = event.start_mark, event.end_mark
        text = self._text[start.index : end.index]
        if style in ("|", ">"):
            text = text.rstrip("\n ")
        return Scalar(start.line, start.line + text.count("\n"), text, value, start.index, style)


def _anchor(event: Any) -> str:
    return f"&{event.anchor}" if event.anchor else ""
