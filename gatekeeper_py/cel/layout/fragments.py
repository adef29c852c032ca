"""Text that may be broken into lines at some places, after Wadler's "A prettier printer" (2003)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Group", "Indent", "Line", "Piece", "render"]


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line may end; `flat` stands there otherwise."""

    flat: str = " "


@dataclass(frozen=True, slots=True)
class Group:
    """Stands on one line, or ends a line at each of its own places."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Indent:
    """The lines within are indented by so many columns more."""

    columns: int
    pieces: tuple[Piece, ...]


Piece: TypeAlias = str | Line | Group | Indent

_Entry: TypeAlias = tuple[int, bool, Piece]
"""Indentation, whether places are flat, and what stands there."""


def render(piece: Piece, width: int) -> str:
    """The text, no line of it longer than `width` where that can be helped."""
    return _Rendering(width).text(piece)


class _Rendering:
    """One text."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._out: list[str] = []
        self._column = 0
        self._stack: list[_Entry] = []

    def text(self, piece: Piece) -> str:
        self._stack.append((0, False, piece))
        while self._stack:
            self._step(*self._stack.pop())
        return "".join(self._out)

    def _step(self, indent: int, flat: bool, piece: Piece) -> None:
        match piece:
            case str():
                self._put(piece)
            case Line():
                self._line(indent, flat, piece)
            case Indent():
                self._push(indent + piece.columns, flat, piece.pieces)
            case Group():
                self._push(indent, flat or self._fits(indent, piece.pieces), piece.pieces)

    def _put(self, text: str) -> None:
        self._out.append(text)
        self._column += len(text)

    def _line(self, indent: int, flat: bool, line: Line) -> None:
        if flat:
            self._put(line.flat)
        else:
            self._out.append("\n" + " " * indent)
            self._column = indent

    def _push(self, indent: int, flat: bool, pieces: Sequence[Piece]) -> None:
        self._stack.extend((indent, flat, piece) for piece in reversed(pieces))

    def _fits(self, indent: int, pieces: Sequence[Piece]) -> bool:
        """Whether pieces stand on the rest of the line, with what follows up to the next place."""
        left = self._width - self._column
        waiting: list[_Entry] = [(indent, True, piece) for piece in reversed(pieces)]
        behind = len(self._stack)
        while left >= 0:
            if not waiting:
                if behind == 0:
                    return True
                behind -= 1
                waiting.append(self._stack[behind])
            at, flat, piece = waiting.pop()
            if isinstance(piece, str):
                left -= len(piece)
            elif isinstance(piece, Line):
                if not flat:
                    return True
                left -= len(piece.flat)
            else:
                waiting.extend((at, flat, inner) for inner in reversed(piece.pieces))
        return False
