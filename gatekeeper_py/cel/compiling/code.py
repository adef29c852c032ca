"""Small building blocks of Python syntax trees, and the blocks of statements they are put into."""

from __future__ import annotations

import ast

from gatekeeper_py.cel.compiling import python
from gatekeeper_py.cel.compiling.python import LOAD, STORE

__all__ = [
    "Block",
    "assign",
    "attribute",
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
    "store",
    "subscript",
    "tuple_of",
]


def load(name: str) -> ast.expr:
    """`name`."""
    return python.Name(name, LOAD)


def store(name: str) -> ast.Name:
    """`name`, to be assigned."""
    return python.Name(name, STORE)


def constant(value: str | bytes | bool | int | float | None) -> ast.expr:
    """A literal."""
    return python.Constant(value)


def call(function: str | ast.expr, *arguments: ast.expr) -> ast.expr:
    """`function(arguments)`."""
    return python.Call(load(function) if isinstance(function, str) else function, list(arguments), [])


def attribute(value: ast.expr, name: str) -> ast.expr:
    """`value.name`."""
    return python.Attribute(value, name, LOAD)


def method(value: ast.expr, name: str, *arguments: ast.expr) -> ast.expr:
    """`value.name(arguments)`."""
    return call(attribute(value, name), *arguments)


def subscript(value: ast.expr, key: ast.expr) -> ast.expr:
    """`value[key]`."""
    return python.Subscript(value, key, LOAD)


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    """`left operator right`."""
    return python.Compare(left, [operator], [right])


def negate(value: ast.expr) -> ast.expr:
    """`not value`."""
    return python.UnaryOp(ast.Not(), value)


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.expr:
    """`left operator right`."""
    return python.BinOp(left, operator, right)


def choose(condition: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    """`then if condition else otherwise`."""
    return python.IfExp(condition, then, otherwise)


def named(name: str, value: ast.expr) -> ast.expr:
    """`(name := value)`."""
    return python.NamedExpr(store(name), value)


def tuple_of(*values: ast.expr) -> ast.expr:
    """`(values)`."""
    return python.Tuple(list(values), LOAD)


def list_of(values: list[ast.expr]) -> ast.expr:
    """`[values]`."""
    return python.List(values, LOAD)


def assign(name: str, value: ast.expr) -> ast.stmt:
    """`name = value`."""
    return python.Assign([store(name)], value)


def name_of(value: ast.expr) -> str | None:
    """The name an expression is; None when it is more than a name."""
    return value.id if isinstance(value, ast.Name) else None


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
        return result if result or empty else [python.Pass()]


def charge_for(units: ast.expr) -> ast.stmt:
    """`cost += units`."""
    return python.AugAssign(store("cost"), ast.Add(), units)
