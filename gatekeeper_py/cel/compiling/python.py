"""Nodes of Python's syntax trees that have the position its compiler asks of each, and need not be given one.

`python.Name("x", LOAD)` is an `ast.Name` like any other: only its class knows line and column. Contexts and
operators, which have no position, are those of `ast`.
"""

from __future__ import annotations

import ast
from typing import Final, TypeVar, cast

__all__ = [
    "LOAD",
    "STORE",
    "Assign",
    "Attribute",
    "AugAssign",
    "BinOp",
    "BoolOp",
    "Break",
    "Call",
    "Compare",
    "Constant",
    "Continue",
    "Dict",
    "ExceptHandler",
    "Expr",
    "For",
    "FunctionDef",
    "If",
    "IfExp",
    "List",
    "Name",
    "NamedExpr",
    "Nonlocal",
    "Pass",
    "Raise",
    "Return",
    "Subscript",
    "Try",
    "Tuple",
    "UnaryOp",
    "While",
    "arg",
]

N = TypeVar("N", bound=ast.AST)


def _placed(kind: type[N]) -> type[N]:
    """The class of the nodes of one kind; none of ours stands in a file, so that any place will do."""
    return cast(type[N], type(kind.__name__, (kind,), {"lineno": 1, "col_offset": 0}))


LOAD: Final = ast.Load()
STORE: Final = ast.Store()

Attribute = _placed(ast.Attribute)
BinOp = _placed(ast.BinOp)
BoolOp = _placed(ast.BoolOp)
Call = _placed(ast.Call)
Compare = _placed(ast.Compare)
Constant = _placed(ast.Constant)
Dict = _placed(ast.Dict)
IfExp = _placed(ast.IfExp)
List = _placed(ast.List)
Name = _placed(ast.Name)
NamedExpr = _placed(ast.NamedExpr)
Subscript = _placed(ast.Subscript)
Tuple = _placed(ast.Tuple)
UnaryOp = _placed(ast.UnaryOp)

Assign = _placed(ast.Assign)
AugAssign = _placed(ast.AugAssign)
Break = _placed(ast.Break)
Continue = _placed(ast.Continue)
Expr = _placed(ast.Expr)
For = _placed(ast.For)
FunctionDef = _placed(ast.FunctionDef)
If = _placed(ast.If)
Nonlocal = _placed(ast.Nonlocal)
Pass = _placed(ast.Pass)
Raise = _placed(ast.Raise)
Return = _placed(ast.Return)
Try = _placed(ast.Try)
While = _placed(ast.While)

ExceptHandler = _placed(ast.ExceptHandler)
arg = _placed(ast.arg)
