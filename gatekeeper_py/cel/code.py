"""Small building blocks of Python syntax trees, and the blocks of statements they are put into."""

from __future__ import annotations

import ast

__all__ = [
    "Block",
    "assign",
    "binary",
    "call",
    "charge_for",
    "choose",
    "compare",
    "constant",
    "list_of",
    "load",
    "method",
    "name_of",
    "named",
    "negate",
    "place",
    "store",
    "subscript",
    "tuple_of",
]


def load(name: str) -> ast.expr:
    """`name`."""
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    """`name`, to be assigned."""
    return ast.Name(name, ast.Store())


def constant(value: str | bytes | bool | int | float | None) -> ast.expr:
    """A literal."""
    return ast.Constant(value)


def call(function: str | ast.expr, *arguments: ast.expr) -> ast.expr:
    """`function(arguments)`."""
    return ast.Call(load(function) if isinstance(function, str) else function, list(arguments), [])


def method(value: ast.expr, name: str, *arguments: ast.expr) -> ast.expr:
    """`value.name(arguments)`."""
    return call(ast.Attribute(value, name, ast.Load()), *arguments)


def subscript(value: ast.expr, key: ast.expr) -> ast.expr:
    """`value[key]`."""
    return ast.Subscript(value, key, ast.Load())


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    """`left operator right`."""
    return ast.Compare(left, [operator], [right])


def negate(value: ast.expr) -> ast.expr:
    """`not value`."""
    return ast.UnaryOp(ast.Not(), value)


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.expr:
    """`left operator right`."""
    return ast.BinOp(left, operator, right)


def choose(condition: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    """`then if condition else otherwise`."""
    return ast.IfExp(condition, then, otherwise)


def named(name: str, value: ast.expr) -> ast.expr:
    """`(name := value)`."""
    return ast.NamedExpr(store(name), value)


def tuple_of(*values: ast.expr) -> ast.expr:
    """`(values)`."""
    return ast.Tuple(list(values), ast.Load())


def list_of(values: list[ast.expr]) -> ast.expr:
    """`[values]`."""
    return ast.List(values, ast.Load())


def assign(name: str, value: ast.expr) -> ast.stmt:
    """`name = value`."""
    return ast.Assign([store(name)], value)


def name_of(value: ast.expr) -> str | None:
    """The name an expression is; None when it is more than a name."""
    return value.id if isinstance(value, ast.Name) else None


def place(tree: ast.Module) -> ast.Module:
    """The tree with the position the compiler asks of every node: none of ours stands in a file.

    Does what ast.fix_missing_locations does, which took a quarter of a compilation.
    """
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        for value in tuple(vars(node).values()):
            if isinstance(value, ast.AST):
                nodes.append(value)
            elif type(value) is list:
                nodes += [item for item in value if isinstance(item, ast.AST)]
        if node._attributes:
            node.lineno = 1  # type: ignore[attr-defined]
            node.col_offset = 0  # type: ignore[attr-defined]
    return tree


class Block:
    """Statements that run one after the other, and what all of them cost together."""

    __slots__ = ("body", "cost")

    def __init__(self) -> None:
        self.body: list[ast.stmt] = []
        self.cost = 0

    def statements(self, *, empty: bool = False) -> list[ast.stmt]:
        """The statements, the charge for them first; `pass` for none unless they may be `empty`."""
        charge = [charge_for(constant(self.cost))] if self.cost else []
        result = [*charge, *self.body]
        return result if result or empty else [ast.Pass()]


def charge_for(units: ast.expr) -> ast.stmt:
    """`cost += units`."""
    return ast.AugAssign(store("cost"), ast.Add(), units)
