"""The math extras: with the option only."""

from __future__ import annotations

import math

import pytest

from gatekeeper_py.cel import CompileError
from gatekeeper_py.cel.evaluation.values import UInt
from tests.cel.library.expressions import compiled, error, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("math.greatest(1, 2.5)", 2.5),
        ("math.greatest(1, 3, 2)", 3),
        ("math.least([3, 1, 2])", 1),
        ("math.greatest(-1)", -1),
        ("math.ceil(1.2)", 2.0),
        ("math.floor(-1.2)", -2.0),
        ("math.round(1.5)", 2.0),
        ("math.round(2.4)", 2.0),
        ("math.round(-1.5)", -2.0),
        ("math.round(0.49999999999999994)", 0.0),
        ("math.trunc(-1.9)", -1.0),
        ("math.abs(-1)", 1),
        ("math.abs(1u)", UInt(1)),
        ("math.abs(-1.5)", 1.5),
        ("math.sign(-2)", -1),
        ("math.sign(3)", 1),
        ("math.sign(2.5)", 1.0),
        ("math.sign(0)", 0),
        ("math.sign(2u)", UInt(1)),
        ("math.sign(0u)", UInt(0)),
        ("math.sign(-2.5)", -1.0),
        ("math.sqrt(81)", 9.0),
        ("math.bitAnd(-1, 3)", 3),
        ("math.bitAnd(6u, 3u)", UInt(2)),
        ("math.bitOr(-8, 3)", -5),
        ("math.bitOr(6u, 3u)", UInt(7)),
        ("math.bitXor(6, 3)", 5),
        ("math.bitXor(6u, 3u)", UInt(5)),
        ("math.bitNot(5)", -6),
        ("math.bitNot(1u)", UInt(2**64 - 2)),
        ("math.bitShiftLeft(1, 63)", -(2**63)),
        ("math.bitShiftLeft(1, 64)", 0),
        ("math.bitShiftLeft(3u, 63)", UInt(2**63)),
        ("math.bitShiftRight(-1, 63)", 1),
        ("math.bitShiftRight(9u, 2)", UInt(2)),
        ("math.isNaN(0.0 / 0.0)", True),
        ("math.isInf(math.round(1.0 / 0.0))", True),
    ],
)
def test_functions_compute_as_go_does(text: str, value: object) -> None:
    result = evaluate(text, extras=True)
    assert (result, type(result)) == (value, type(value))


def test_the_root_of_a_negative_number_is_none() -> None:
    assert math.isnan(evaluate("math.sqrt(-1)", extras=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("math.abs(-9223372036854775807 - 1)", "integer overflow"),
        ("math.bitShiftLeft(1, -1)", "math.bitShiftLeft() negative offset: -1"),
        ("math.greatest(object)", "math.@max(list) argument must not be empty"),
    ],
)
def test_errors_are_worded_as_in_go(text: str, message: str) -> None:
    assert error(text, [], extras=True) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("math.least()", "math.least() requires at least one argument"),
        ("math.least('a')", "math.least() invalid single argument value"),
        ("math.greatest(1, [2])", "math.greatest() simple literal arguments must be numeric"),
    ],
)
def test_macros_refuse_what_is_no_number(text: str, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        compiled(text, extras=True)
    assert caught.value.issues[0].message == message


def test_kubernetes_does_not_have_them() -> None:
    with pytest.raises(CompileError, match="undeclared reference to 'math'"):
        compiled("math.abs(1)")
