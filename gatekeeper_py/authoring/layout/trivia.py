"""What means nothing to YAML and much to people: comments and blank lines, each given out once."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gatekeeper_py.authoring.layout.nodes import Collection, Document, Node, Scalar

__all__ = ["Trivia"]


COMMENT = re.compile(r"(?:(?<=[ \t])|^)#")
"""Where a comment begins, if that is in no scalar."""


class Trivia:
    """The comments and blank lines of a text, by line; lines are counted from 0."""

    def __init__(self, text: str, documents: Iterable[Document]) -> None:
        written = sorted(
            (scalar.start, scalar.start + len(scalar.text))
            for document in documents
            for scalar in _scalars(document.root)
        )
        self._starts = [start for start, _ in written]
        self._ends = [end for _, end in written]
        self._own: dict[int, str] = {}
        self._behind: dict[int, str] = {}
        place = 0
        for number, line in enumerate(text.split("\n")):
            self._read(number, line, place)
            place += len(line) + 1

    def _read(self, number: int, line: str, place: int) -> None:
        """The comment of one line, which begins at a place of the text; or that the line is blank."""
        if not line.strip():
            if not self._written(place):
                self._own[number] = ""
            return
        for found in COMMENT.finditer(line):
            if self._written(place + found.start()):
                continue
            kept = self._own if not line[: found.start()].strip() else self._behind
            kept[number] = line[found.start() :].rstrip()
            return

    def _written(self, place: int) -> bool:
        """Whether a place is in a scalar."""
        index = bisect_right(self._starts, place) - 1
        return index >= 0 and place < self._ends[index]

    def before(self, line: int) -> Iterator[str]:
        """The lines above one that are not given out yet: comments, and an empty text for blank lines.

        What stood behind something that has no line of its own any more is among them.
        """
        blank = False
        for number in sorted(each for each in {*self._own, *self._behind} if each < line):
            told = self._own.pop(number, None) or self._behind.pop(number, None) or ""
            if told and blank:
                yield ""
            blank = not told
            if told:
                yield told
        if blank:
            yield ""

    def behind(self, *lines: int) -> str:
        """The comments at the ends of lines, with a space before."""
        told = [self._behind.pop(line) for line in dict.fromkeys(lines) if line in self._behind]
        return "".join(f" {each}" for each in told)

    def within(self, node: Node) -> bool:
        """Whether comments stand in a node that would be written on one line."""
        lines = range(node.line, node.last_line + 1)
        own = any(self._own.get(line) for line in lines)
        return own or any(line in self._behind for line in lines if line < node.last_line)


def _scalars(node: Node | None) -> Iterator[Scalar]:
    """Every scalar; of a block, what is below its first line."""
    if isinstance(node, Scalar):
        head = node.text.partition("\n")[0]
        below = replace(node, start=node.start + len(head), text=node.text[len(head) :])
        yield below if node.is_block else node
    elif isinstance(node, Collection):
        for each in node.items:
            yield from _scalars(each)
        for key, value in node.pairs or ():
            yield key
            yield from _scalars(value)
