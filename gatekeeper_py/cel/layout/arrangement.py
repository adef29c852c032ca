"""How the parts of an expression stand: its tokens are read by the grammar's precedence, and none is changed.

A line that is too long is broken at its outermost operators, which stay at the ends of lines; then before the
methods of a chain; then between arguments and elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from gatekeeper_py.cel.layout.fragments import Group, Indent, Line, Piece, render
from gatekeeper_py.cel.syntax.tokens import READER, RELATIONS, TOKENS

__all__ = ["LINE_WIDTH", "lay_out"]

LINE_WIDTH = 120
"""Columns of a line, as in the policies that ship."""
STEP = 2
"""Columns by which a line within brackets, or in a chain, is indented."""

HIDDEN: Final = frozenset(token.name for token in TOKENS if token.hidden)
CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
SHORT = 45
"""Columns of a method that stays on the line of what it is called of."""
FEW = 3
"""Words in brackets that stand below each other; more of them fill lines."""
UNBOUNDED = 1 << 30
SPACE, BREAK = Line(), Line("")


class _Unreadable(Exception):
    """Text that is not an expression, or holds what would be lost."""


def lay_out(text: str, width: int = LINE_WIDTH) -> str:
    """The expression laid out in lines of so many columns; a string may be longer.

    What is no expression, or has a comment or a string of several lines, is given back as it is.
    """
    try:
        tokens = _tokens(text)
        made = render(_Reader(tokens).whole(), width)
    except (_Unreadable, RecursionError):
        return text
    return made if _tokens(made) == tokens else text


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(text):
        match = READER.match(text, place)
        if match is None or match.lastgroup == "COMMENT":
            raise _Unreadable
        if match.lastgroup not in HIDDEN:
            if "\n" in match[0]:
                raise _Unreadable
            found.append(match[0])
        place = match.end()
    return found


class _Level(NamedTuple):
    """Operators that bind alike, and how they stand with their operands."""

    operators: frozenset[str]
    arrange: Callable[[Piece, Sequence[tuple[str, Piece]]], Piece]


class _Chain(Group):
    """Operands of which each has a line."""


def _below(first: Piece, rest: Sequence[tuple[str, Piece]]) -> Piece:
    """A line ends at each operator; `&&` in `||` is indented."""
    pieces: list[Piece] = [_within(first)]
    for operator, operand in rest:
        pieces += [f" {operator}", SPACE, _within(operand)]
    return _Chain(tuple(pieces))


def _within(operand: Piece) -> Piece:
    return Indent(STEP, (operand,)) if isinstance(operand, _Chain) else operand


def _filled(first: Piece, rest: Sequence[tuple[str, Piece]]) -> Piece:
    """As many operands on a line as fit: texts are made of many short ones."""
    pieces: list[Piece] = [first]
    for operator, operand in rest:
        pieces += [f" {operator}", Group((SPACE, operand))]
    return Group(tuple(pieces))


LEVELS: Final = (
    _Level(frozenset({"||"}), _below),
    _Level(frozenset({"&&"}), _below),
    _Level(frozenset(RELATIONS), _below),
    _Level(frozenset({"+", "-"}), _filled),
    _Level(frozenset({"*", "/", "%"}), _filled),
)
"""From those that bind least."""


class _Reader:
    """Recursive descent over tokens, which are kept as they are written."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._place = 0

    def whole(self) -> Piece:
        made = self._expression()
        if self._place < len(self._tokens):
            raise _Unreadable
        return made

    def _next(self, offset: int = 0) -> str:
        place = self._place + offset
        return self._tokens[place] if place < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._next()
        if not token or (wanted and token not in wanted):
            raise _Unreadable
        self._place += 1
        return token

    def _expression(self) -> Piece:
        """An operation, or a choice; choices behind each other stand below each other."""
        condition = self._operation(0)
        pieces: list[Piece] = []
        while self._next() == "?":
            self._take("?")
            chosen = Group((condition, " ?", Indent(STEP, (SPACE, self._expression()))))
            self._take(":")
            condition = self._operation(0)
            if self._next() != "?":
                return Group((*pieces, Group((chosen, " :", SPACE, condition))))
            pieces += [chosen, " :", SPACE]
        return condition

    def _operation(self, level: int) -> Piece:
        """Operands with operators of a level between them."""
        if level == len(LEVELS):
            return self._signed()
        first = self._operation(level + 1)
        rest: list[tuple[str, Piece]] = []
        while self._next() in LEVELS[level].operators:
            rest.append((self._take(), self._operation(level + 1)))
        if not rest:
            return first
        return LEVELS[level].arrange(first, rest)

    def _signed(self) -> Piece:
        signs = ""
        while self._next() in ("!", "-"):
            signs += self._take()
        member = self._member()
        return Group((signs, member)) if signs else member

    def _member(self) -> Piece:
        """A value with the fields, items and methods that are read of it."""
        head: list[Piece] = [self._primary()]
        links: list[list[Piece]] = []
        calls = 0
        while self._next() in (".", "[", "{"):
            link, is_call = self._link()
            calls += is_call
            if is_call:
                links.append(link)
            else:
                (links[-1] if links else head).extend(link)
        if len(head) == 1 and not links:
            return head[0]
        if calls < 2:
            return Group((*head, *(piece for link in links for piece in link)))
        return _chained(head, links)

    def _link(self) -> tuple[list[Piece], bool]:
        """What is read of a value, and whether it is a method."""
        token = self._take()
        if token == "[":
            mark = self._take("?") if self._next() == "?" else ""
            index = self._expression()
            return ["[", mark, index, self._take("]")], False
        if token == "{":
            return [self._bracketed("{", self._pair)], False
        mark = self._take("?") if self._next() == "?" else ""
        pieces: list[Piece] = [token, mark, self._take()]
        if self._next() != "(":
            return pieces, False
        self._take("(")
        return [*pieces, self._bracketed("(", self._expression)], True

    def _primary(self) -> Piece:
        token = self._take()
        if token == "(":
            inner = self._expression()
            return Group(("(", Indent(STEP, (inner,)), self._take(")")))
        if token == "[":
            return self._bracketed("[", self._element)
        if token == "{":
            return self._bracketed("{", self._pair)
        if token == ".":
            token += self._take()
        elif not _begins_value(token):
            raise _Unreadable
        if self._next() == "(":
            self._take("(")
            return Group((token, self._bracketed("(", self._expression)))
        return token

    def _bracketed(self, opening: str, read: Callable[[], Piece]) -> Piece:
        """What stands in brackets, with commas between; the opening one is taken already."""
        pieces: list[list[Piece]] = []
        while self._next() != CLOSING[opening]:
            pieces.append([read()])
            if self._next() != CLOSING[opening]:
                pieces[-1].append(self._take(","))
        return Group((opening, Indent(STEP, _spread(pieces)), self._take(CLOSING[opening])))

    def _element(self) -> Piece:
        if self._next() == "?":
            return Group((self._take("?"), self._expression()))
        return self._expression()

    def _pair(self) -> Piece:
        mark = self._take("?") if self._next() == "?" else ""
        key = self._operation(0)
        self._take(":")
        return Group((mark, key, ": ", self._expression()))


def _spread(elements: Sequence[Sequence[Piece]]) -> tuple[Piece, ...]:
    """Each on a line, or as many on a line as fit where all are single words."""
    words = len(elements) > FEW and all(isinstance(piece, str) for element in elements for piece in element)
    made: list[Piece] = list(elements[0]) if elements else []
    for element in elements[1:]:
        made += [Group((SPACE, *element))] if words else [SPACE, *element]
    return tuple(made)


def _begins_value(token: str) -> bool:
    return token[0].isalnum() or (token[0] in "_\"'`." and token not in RELATIONS)


def _chained(head: Sequence[Piece], links: Sequence[Sequence[Piece]]) -> Piece:
    """A line ends before each method of a chain; a short first one stays with what it is called of."""
    attached = len(render(Group(tuple(links[0])), UNBOUNDED)) <= SHORT
    before = (*head, *links[0]) if attached else head
    broken = [piece for link in links[attached:] for piece in (BREAK, *link)]
    return Group((*before, Indent(STEP, tuple(broken))))
