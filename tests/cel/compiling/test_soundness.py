"""What is constant is looked at while an expression compiles, whatever code is generated later."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel import DYN, Budget, CompileError, InstantiationError, kubernetes_environment
from gatekeeper_py.cel.compiling.soundness import inspect

ENVIRONMENT = kubernetes_environment().extend(variables={"x": DYN})

WRONG = [
    "int('a')",
    "x == int('a')",
    "x == [int('a')]",
    "false ? int('a') == x : true",
    "x.find('(') == ''",
    "[x].all(y, y.findAll('(') == [])",
    r"x.findAll('\\C') == []",
    "x[null]",
    "x[?b'a']",
    "false && x[[1]] == 1",
    "[1].all(y, x[duration('1s')] == y)",
]


@pytest.mark.parametrize("text", WRONG)
def test_a_constant_that_cannot_be_is_told_at_once(text: str) -> None:
    with pytest.raises(InstantiationError):
        ENVIRONMENT.compile(text)


@pytest.mark.parametrize(("text", "levels"), [("x", 1), ("x + 1", 2), ("[x].all(y, y > 1)", 3)])
def test_levels_of_a_tree_are_counted(text: str, levels: int) -> None:
    program = ENVIRONMENT.compile(text)
    assert inspect(program.checked) == levels
    assert program._code is None


def test_a_deep_expression_is_generated_at_once_or_refused() -> None:
    assert ENVIRONMENT.compile(" + ".join(["x"] * 60))._code is not None
    with pytest.raises(CompileError):
        ENVIRONMENT.compile("(" * 300 + "x" + ")" * 300)


def test_code_is_generated_once() -> None:
    program = ENVIRONMENT.compile("x == 1")
    assert program.evaluate({"x": 1}, Budget(1000)) is True
    assert program.evaluate is program.evaluate
