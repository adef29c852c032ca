"""From text to tree: cel-python's grammar, extended by `grammar.lark`, read by Lark.

Limits and messages are those of cel-go 0.26 (parser/parser.go), which Kubernetes shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from threading import Lock
from typing import Any, Final, NamedTuple

from gatekeeper_py.cel.syntax import tables
from gatekeeper_py.cel.syntax.diagnosis import diagnose
from gatekeeper_py.cel.syntax.driver import Driver, Token, Unexpected
from gatekeeper_py.cel.syntax.literals import read_bytes, read_double, read_int, read_string, read_uint
from gatekeeper_py.cel.syntax.macros import STANDARD, MacroCall, MacroError, expand
from gatekeeper_py.cel.syntax.source import Issues
from gatekeeper_py.cel.syntax.tokens import RESERVED
from gatekeeper_py.cel.syntax.tree import (
    Binding,
    Call,
    Entry,
    Field,
    Identifier,
    ListLiteral,
    Literal,
    MapLiteral,
    Message,
    Node,
    Select,
    Span,
)
from gatekeeper_py.golang.numbers import UInt

__all__ = ["parse"]

LENGTH_LIMIT = 100_000
"""Code points of a text (cel-go: expressionSizeCodePointLimit)."""
DEPTH_LIMIT = 250
"""Nested expressions, and operations on top of each other (cel-go: maxRecursionDepth)."""
TREE_LIMIT = 400
"""Levels of the tree. cel-go has no such limit; what is deeper exhausts the stack of those who walk it."""

_SURROGATES = re.compile("[\ud800-\udfff]")

_BINDING_LEVELS = 5
"""Levels of nodes that a macro which binds a variable puts on top of its arguments (optMap)."""


def parse(text: str, *, macros: frozenset[str] = frozenset(STANDARD), backticks: bool = False) -> Node:
    """Read `text` and expand the `macros` that are switched on.

    `backticks` allows field names between back-ticks, which Kubernetes does not.
    Raises `CompileError` with all that is wrong with the syntax.
    """
    text = _SURROGATES.sub("\ufffd", text)
    issues = Issues(text)
    if len(text) > LENGTH_LIMIT:
        size = f"size: {len(text)}, limit {LENGTH_LIMIT}"
        issues.add_general(f"expression code point size exceeds limit: {size}")
        raise issues.error()
    node = _reader().read(issues, macros, backticks)
    issues.raise_any()
    return node


class _TooDeep(Exception):
    """The text nests deeper than is allowed."""


class _NoMessage(Exception):
    """Braces stand behind something that is no name of a message."""


class _Depth(NamedTuple):
    """How deep a piece of text nests."""

    nested: int = 0
    """Expressions within expressions: brackets, arguments, the last branch of a choice."""
    operations: int = 0
    """Operations whose operands are operations."""
    tree: int = 1
    """Levels of nodes."""


_LEAF = _Depth()


class _Operation(NamedTuple):
    """The left side of a binary operation, up to its operator."""

    left: Node
    function: str
    position: int


class _Signs(NamedTuple):
    """Repeated `!` or `-`."""

    number: int
    position: int


class _Chain(NamedTuple):
    """Terms joined by `&&` or by `||`; becomes a balanced tree, so that a long chain is no deep one."""

    function: str
    terms: list[Node]
    positions: list[int]


class _Reader:
    """Lark's tables and the builder that is called. One text at a time: it is shared by all threads."""

    def __init__(self) -> None:
        self._builder = _Builder()
        self._lock = Lock()
        lark = tables.shipped(self._builder) or tables.made(self._builder)
        self._driver = Driver(lark, TRANSPARENT)

    def read(self, issues: Issues, macros: frozenset[str], backticks: bool) -> Node:
        """The tree of `issues.text`; what is wrong goes to `issues`."""
        with self._lock:
            self._builder.begin(issues, macros, backticks)
            try:
                node: Node = self._driver.parse(issues.text)
                return node
            except _TooDeep:
                issues.add_general(f"expression recursion limit exceeded: {DEPTH_LIMIT}")
            except (_NoMessage, Unexpected):
                diagnose(issues)
        raise issues.error()


@cache
def _reader() -> _Reader:
    """The one reader, built when the first text comes."""
    return _Reader()


TRANSPARENT: Final = frozenset(
    ("conditionaland", "relation", "addition", "multiplication", "unary", "member", "primary")
)
"""Rules that make nothing of a single part; the methods of these names are not called for one."""


class _Builder:
    """What is called for every rule that was read: each method is named as its rule."""

    def begin(self, issues: Issues, macros: frozenset[str], backticks: bool) -> None:
        """Make ready for a text."""
        self._issues = issues
        self._macros = macros
        self._backticks = backticks
        self._depths: dict[Node, _Depth] = {}

    def expr(self, children: list[Any]) -> Node:
        node = self._close(children[0])
        if len(children) > 1:
            yes, no = self._close(children[2]), children[4]
            span = Span(node.span.start, no.span.end)
            position = children[1].start_pos
            node = self._operate(Call(span, position, "_?_:_", None, (node, yes, no)), node, yes, no)
        depth = self._depths.get(node, _LEAF)
        return self._keep(node, depth._replace(nested=depth.nested + 1))

    def conditionalor(self, children: list[Any]) -> Node | _Chain:
        if len(children) == 1:
            return self._close(children[0])
        return self._chain("_||_", *children)

    def conditionaland(self, children: list[Any]) -> Node | _Chain:
        if len(children) == 1:
            return children[0]  # type: ignore[no-any-return]
        return self._chain("_&&_", *children)

    def _chain(self, function: str, left: Node | _Chain, operator: Token, right: Node | _Chain) -> _Chain:
        chain = left if isinstance(left, _Chain) else _Chain(function, [left], [])
        chain.terms.append(self._close(right))
        chain.positions.append(_start(operator))
        return chain

    def _close(self, value: Node | _Chain) -> Node:
        if not isinstance(value, _Chain):
            return value
        node = _balance(value, 0, len(value.positions) - 1)
        deepest = self._deepest(value.terms)
        levels = len(value.positions).bit_length()
        return self._keep(node, deepest._replace(tree=deepest.tree + levels))

    def relation(self, children: list[Any]) -> Node:
        if len(children) == 1:
            return children[0]  # type: ignore[no-any-return]
        (left, function, position), right = children
        span = Span(left.span.start, right.span.end)
        return self._operate(Call(span, position, function, None, (left, right)), left, right)

    addition = multiplication = relation

    def relation_lt(self, children: list[Any]) -> _Operation:
        return _Operation(children[0], _FUNCTIONS[children[1]], children[1].start_pos)

    relation_le = relation_gt = relation_ge = relation_eq = relation_ne = relation_in = relation_lt
    addition_add = addition_sub = relation_lt
    multiplication_mul = multiplication_div = multiplication_mod = relation_lt

    def unary(self, children: list[Any]) -> Node:
        node: Node = children[-1]
        if len(children) == 1:
            return node
        function, signs = children[0]
        if function == "-_" and isinstance(node, Literal) and self._issues.text[node.span.start] == "-":
            node, signs = self._unsigned(node), signs._replace(number=signs.number + 1)
        if signs.number % 2 == 0:
            return node
        span = Span(signs.position, node.span.end)
        depth = self._depths.get(node, _LEAF)
        call = Call(span, signs.position, function, None, (node,))
        return self._keep(call, depth._replace(tree=depth.tree + 1))

    def _unsigned(self, node: Literal) -> Literal:
        """Of several signs none is the number's own: to ANTLR all of them are operators."""
        number = self._issues.text[node.span.start + 1 : node.span.end].lstrip()
        start = node.span.end - len(number)
        value: object = None
        try:
            if node.value is not None:
                value = read_double(number) if isinstance(node.value, float) else read_int(number)
        except ValueError as error:
            self._issues.add(start, str(error))
        return Literal(Span(start, node.span.end), start, value)

    def unary_not(self, children: list[Any]) -> tuple[str, _Signs]:
        return "!_", _signs(children)

    def unary_neg(self, children: list[Any]) -> tuple[str, _Signs]:
        return "-_", _signs(children)

    def member(self, children: list[Any]) -> Node:
        return children[0]  # type: ignore[no-any-return]

    primary = member

    def field(self, children: list[Any]) -> Token:
        token: Token = children[0]
        if token.type == "ESC_IDENTIFIER" and not self._backticks:
            self._issues.add(_start(token), "unsupported syntax: '`'")
        return token

    def member_dot(self, children: list[Any]) -> Node:
        operand, dot, field = children[0], children[1], children[-1]
        span = Span(operand.span.start, field.end_pos)
        optional = len(children) == 4
        select = Select(span, dot.start_pos, operand, _field_name(field), optional=optional)
        return self._operate(select, operand)

    def member_index(self, children: list[Any]) -> Node:
        operand, bracket, index, end = children[0], children[1], children[-2], children[-1]
        function = "_[?_]" if len(children) == 5 else "_[_]"
        span = Span(operand.span.start, end.end_pos)
        call = Call(span, bracket.start_pos, function, None, (operand, index))
        return self._operate(call, operand, index)

    def member_dot_arg(self, children: list[Any]) -> Node:
        target, name, opening = children[0], children[2], children[3]
        span = Span(target.span.start, children[-1].end_pos)
        return self._call(span, opening.start_pos, str(name), target, _arguments(children))

    def ident_arg(self, children: list[Any]) -> Node:
        opening = children[-3] if isinstance(children[-2], tuple) else children[-2]
        name = "".join(children[: children.index(opening)])
        self._refuse_reserved(children)
        span = Span(children[0].start_pos, children[-1].end_pos)
        return self._call(span, opening.start_pos, name, None, _arguments(children))

    dot_ident_arg = ident_arg

    def _call(
        self, span: Span, position: int, name: str, target: Node | None, arguments: tuple[Node, ...]
    ) -> Node:
        try:
            expanded = expand(MacroCall(span, position, name, target, arguments), self._macros)
        except MacroError as error:
            self._issues.add(error.position, str(error))
            expanded = Literal(span, position, None)
        operands = arguments if target is None else (target, *arguments)
        node = expanded or Call(span, position, name, target, arguments)
        deepest = self._deepest(operands)
        levels = _BINDING_LEVELS if isinstance(expanded, Binding) else 1
        operations = deepest.operations + (target is not None)
        return self._keep(node, _Depth(deepest.nested, operations, deepest.tree + levels))

    def ident(self, children: list[Any]) -> Node:
        self._refuse_reserved(children)
        token = children[-1]
        span = Span(children[0].start_pos, token.end_pos)
        return Identifier(span, token.start_pos, str(token), absolute=len(children) == 2)

    dot_ident = ident

    def _refuse_reserved(self, children: list[Any]) -> None:
        name = children[1] if children[0] == "." else children[0]
        if name in RESERVED:
            self._issues.add(children[0].start_pos, f"reserved identifier: {name}")

    def paren_expr(self, children: list[Any]) -> Node:
        opening, inner, closing = children
        node = replace(inner, span=Span(opening.start_pos, closing.end_pos))
        return self._keep(node, self._depths[inner])

    def exprlist(self, children: list[Any]) -> tuple[Node, ...]:
        return tuple(children[::2])

    def listinits(self, children: list[Any]) -> list[tuple[Node, bool]]:
        if len(children) == 1:
            return [children[0]]
        children[0].append(children[2])
        return children[0]  # type: ignore[no-any-return]

    mapinits = fieldinits = listinits

    def listinit(self, children: list[Any]) -> tuple[Node, bool]:
        return children[-1], len(children) == 2

    def list_lit(self, children: list[Any]) -> Node:
        items = children[1] if isinstance(children[1], list) else []
        elements = tuple(node for node, _ in items)
        optional = frozenset(index for index, (_, marked) in enumerate(items) if marked)
        span = Span(children[0].start_pos, children[-1].end_pos)
        return self._hold(ListLiteral(span, span.start, elements, optional), elements)

    def mapinit(self, children: list[Any]) -> Entry:
        key, colon, value = children[-3:]
        optional = len(children) == 4
        start = children[0].start_pos if optional else key.span.start
        return Entry(Span(start, value.span.end), colon.start_pos, key, value, optional)

    def map_lit(self, children: list[Any]) -> Node:
        entries = children[1] if isinstance(children[1], list) else []
        span = Span(children[0].start_pos, children[-1].end_pos)
        parts = [part for entry in entries for part in (entry.key, entry.value)]
        return self._hold(MapLiteral(span, span.start, tuple(entries)), parts)

    def fieldinit(self, children: list[Any]) -> Field:
        name, colon, value = children[-3:]
        span = Span(children[0].start_pos, value.span.end)
        return Field(span, colon.start_pos, _field_name(name), value, optional=len(children) == 4)

    def member_object(self, children: list[Any]) -> Node:
        name, brace = children[:2]
        fields = children[2] if isinstance(children[2], list) else []
        span = Span(name.span.start, children[-1].end_pos)
        node = Message(span, brace.start_pos, self._type_name(name), tuple(fields))
        return self._hold(node, [field.value for field in fields])

    def _type_name(self, node: Node) -> str:
        """The name before the braces of a message; what is not a plain name does not belong there."""
        names = []
        while isinstance(node, Select) and not (node.optional or node.test):
            names.append(node.field)
            node = node.operand
        text = self._issues.text[node.span.start]
        if not isinstance(node, Identifier) or text == "(":
            raise _NoMessage
        names.append(f".{node.name}" if node.absolute else node.name)
        return ".".join(reversed(names))

    def literal(self, children: list[Any]) -> Node:
        start, token = children[0].start_pos, children[-1]
        value = None
        try:
            value = _LITERALS[token.type]("".join(children))
        except ValueError as error:
            self._issues.add(start, str(error))
        return Literal(Span(start, token.end_pos), start, value)

    def _operate(self, node: Node, *operands: Node) -> Node:
        """Keep an operation of `operands`."""
        deepest = self._deepest(operands)
        return self._keep(node, _Depth(deepest.nested, deepest.operations + 1, deepest.tree + 1))

    def _hold(self, node: Node, parts: Sequence[Node]) -> Node:
        """Keep an aggregate of `parts`."""
        deepest = self._deepest(parts)
        return self._keep(node, deepest._replace(tree=deepest.tree + 1))

    def _deepest(self, nodes: Iterable[Node]) -> _Depth:
        nested = operations = tree = 0
        for node in nodes:
            depth = self._depths.get(node, _LEAF)
            nested = max(nested, depth.nested)
            operations = max(operations, depth.operations)
            tree = max(tree, depth.tree)
        return _Depth(nested, operations, tree)

    def _keep(self, node: Node, depth: _Depth) -> Node:
        if max(depth.nested, depth.operations) > DEPTH_LIMIT or depth.tree > TREE_LIMIT:
            raise _TooDeep
        self._depths[node] = depth
        return node


_FUNCTIONS = {
    "<": "_<_",
    "<=": "_<=_",
    ">": "_>_",
    ">=": "_>=_",
    "==": "_==_",
    "!=": "_!=_",
    "in": "@in",
    "+": "_+_",
    "-": "_-_",
    "*": "_*_",
    "/": "_/_",
    "%": "_%_",
}

_LITERALS: dict[str, Callable[[str], object]] = {
    "NUM_INT": read_int,
    "NUM_UINT": lambda text: UInt(read_uint(text)),
    "NUM_FLOAT": read_double,
    "STRING": read_string,
    "BYTES": read_bytes,
    "TRUE": lambda _: True,
    "FALSE": lambda _: False,
    "NULL": lambda _: None,
}


def _start(token: Token) -> int:
    assert token.start_pos is not None
    return token.start_pos


def _field_name(token: Token) -> str:
    return token[1:-1] if token.type == "ESC_IDENTIFIER" else str(token)


def _arguments(children: list[Any]) -> tuple[Node, ...]:
    return children[-2] if isinstance(children[-2], tuple) else ()


def _signs(children: list[Any]) -> _Signs:
    if len(children) == 1:
        return _Signs(1, children[0].start_pos)
    _, (number, position) = children[0]
    return _Signs(number + 1, position)


def _balance(chain: _Chain, low: int, high: int) -> Node:
    """The operators `low` to `high` of a chain as a balanced tree, shaped as cel-go shapes it."""
    middle = (low + high + 1) // 2
    left = chain.terms[middle] if middle == low else _balance(chain, low, middle - 1)
    right = chain.terms[middle + 1] if middle == high else _balance(chain, middle + 1, high)
    span = Span(left.span.start, right.span.end)
    return Call(span, chain.positions[middle], chain.function, None, (left, right))
