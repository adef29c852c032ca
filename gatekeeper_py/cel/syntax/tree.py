"""The syntax tree of an expression, after macros are expanded.

Nodes compare by identity, so that the checker can keep what it learns of each in a dictionary.
Every node knows the `span` of text it came from and the `position` cel-go would name in a message:
the operator of an operation, the dot of a selection, the opening parenthesis of a call,
the bracket of a literal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

__all__ = [
    "Binding",
    "Call",
    "Comprehension",
    "ComprehensionKind",
    "Entry",
    "Field",
    "Identifier",
    "ListLiteral",
    "Literal",
    "MapLiteral",
    "Message",
    "Node",
    "Select",
    "Span",
    "children",
    "mentions",
    "nodes",
    "operands",
]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the source, in code points, end exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    span: Span
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class Literal(_Node):
    """A constant: None, bool, int, UInt, float, str or bytes."""

    value: object


@dataclass(frozen=True, slots=True, eq=False)
class Identifier(_Node):
    """A name; `absolute` when written with a leading dot."""

    name: str
    absolute: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Select(_Node):
    """`operand.field`; `test` inside has(); `optional` when written `operand.?field`."""

    operand: Node
    field: str
    test: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Call(_Node):
    """A function, method or operator call.

    Operators have cel-go's names: `_&&_ _||_ !_ _?_:_ _==_ _!=_ _<_ _<=_ _>_ _>=_ @in _+_ _-_ _*_ _/_ _%_ -_
    _[_] _[?_]`. `target` is the receiver of a method call.
    """

    function: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ListLiteral(_Node):
    """`[a, ?b]`; `optional` holds the indices of the elements written with a question mark."""

    elements: tuple[Node, ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Entry(_Node):
    """`key: value` of a map literal; `?key: value` when optional."""

    key: Node
    value: Node
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class MapLiteral(_Node):
    """`{key: value}`."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Field(_Node):
    """`name: value` of a message; `?name: value` when optional."""

    name: str
    value: Node
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Message(_Node):
    """`Type.name{field: value}`."""

    type_name: str
    fields: tuple[Field, ...]


class ComprehensionKind(Enum):
    """The macros that walk a list or a map."""

    ALL = "all"
    EXISTS = "exists"
    EXISTS_ONE = "exists_one"
    MAP = "map"
    FILTER = "filter"
    TRANSFORM_LIST = "transformList"
    TRANSFORM_MAP = "transformMap"
    TRANSFORM_MAP_ENTRY = "transformMapEntry"


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension(_Node):
    """A macro over `range`, with one or two variables.

    `condition` is the predicate of all/exists/exists_one/filter and the optional filter of the others;
    `result` is the transform of map and transform*, else None.
    """

    kind: ComprehensionKind
    range: Node
    variables: tuple[str, ...]
    condition: Node | None
    result: Node | None


@dataclass(frozen=True, slots=True, eq=False)
class Binding(_Node):
    """`variable` stands for `value` in `body`: what cel.bind and the optional macros become."""

    variable: str
    value: Node
    body: Node


Node: TypeAlias = (
    Literal | Identifier | Select | Call | ListLiteral | MapLiteral | Message | Comprehension | Binding
)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below `node`, in the order of the text."""
    match node:
        case Select():
            return (node.operand,)
        case Call():
            return node.arguments if node.target is None else (node.target, *node.arguments)
        case ListLiteral():
            return node.elements
        case MapLiteral():
            return tuple(part for entry in node.entries for part in (entry.key, entry.value))
        case Message():
            return tuple(field.value for field in node.fields)
        case Comprehension():
            return tuple(part for part in (node.range, node.condition, node.result) if part is not None)
        case Binding():
            return node.value, node.body
    return ()


def nodes(node: Node) -> Iterator[Node]:
    """`node` and all that is below it, in the order of the text, each before what is below it."""
    pending = [node]
    while pending:
        each = pending.pop()
        yield each
        pending.extend(reversed(children(each)))


def operands(node: Node, function: str) -> Iterator[Node]:
    """What an operator joins: `a`, `b` and `c` of `a && b && c`; of anything else itself."""
    if isinstance(node, Call) and node.function == function:
        for argument in node.arguments:
            yield from operands(argument, function)
    else:
        yield node


def mentions(node: Node, name: str) -> bool:
    """Whether a name stands somewhere in `node`, whatever it means there."""
    return any(isinstance(each, Identifier) and each.name == name for each in nodes(node))
