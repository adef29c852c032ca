"""Nodes that Python's compiler takes as they are."""

from __future__ import annotations

import ast

import pytest

from gatekeeper_py.cel.compiling import python
from gatekeeper_py.cel.compiling.python import LOAD, STORE

KINDS = [name for name in python.__all__ if not name.isupper()]


@pytest.mark.parametrize("name", KINDS)
def test_a_node_is_one_of_asts_and_has_a_position(name: str) -> None:
    kind = getattr(python, name)
    assert issubclass(kind, getattr(ast, name))
    assert (kind.lineno, kind.col_offset) == (1, 0)
    assert kind._fields == getattr(ast, name)._fields


def test_a_tree_of_them_compiles_without_being_given_positions() -> None:
    one = python.Constant(1)
    body: list[ast.stmt] = [
        python.Assign([python.Name("x", STORE)], python.BinOp(one, ast.Add(), one)),
        python.If(python.Compare(python.Name("x", LOAD), [ast.Gt()], [one]), [python.Pass()], []),
    ]
    namespace: dict[str, object] = {}
    exec(compile(ast.Module(body, []), "<test>", "exec"), namespace)  # noqa: S102
    assert namespace["x"] == 2


def test_the_classes_of_ast_are_left_as_they_are() -> None:
    assert not hasattr(ast.Name("x", LOAD), "lineno")
