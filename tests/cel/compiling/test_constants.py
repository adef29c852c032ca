"""What is known of an expression without data, and costs nothing."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel import Budget, Environment
from gatekeeper_py.cel.checking.checker import Checked
from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import DYN, INT
from gatekeeper_py.cel.compiling.constants import VARIABLE, Constants
from gatekeeper_py.cel.errors import InstantiationError
from gatekeeper_py.cel.evaluation.values import Duration, MapValue, TypeValue, UInt
from gatekeeper_py.cel.library import optionals
from gatekeeper_py.cel.syntax.tree import Comprehension
from tests.cel.notation import notation

LIBRARY = Library(
    "l",
    (Function("f", (Overload("f_int", (INT,), INT, abs),)),),
    constants={"answer": (INT, 42), "space.answer": (INT, 43)},
)
ENVIRONMENT = Environment([optionals.LIBRARY, LIBRARY], {"x": DYN, "n": INT, "a.n": INT}, homogeneous=False)


def checked(text: str) -> Checked:
    return ENVIRONMENT.compile(text).checked


CONSTANT = [
    ("1", 1),
    ("null", None),
    ("true", True),
    ("'a'", "a"),
    ("b'a'", b"a"),
    ("1u", UInt(1)),
    ("answer", 42),
    ("space.answer", 43),
    ("int", TypeValue("int")),
    ("google.protobuf.Timestamp", TypeValue("google.protobuf.Timestamp")),
    ("[]", []),
    ("[1, ['a', answer]]", [1, ["a", 42]]),
    ("{}", {}),
    ("{'a': [1], 'a': {}}", {"a": {}}),
    ("{1: 'a', true: 'b'}[1]", VARIABLE),
    ("int('7')", 7),
    ("[string(int('7'))]", ["7"]),
    ("duration('1s')", Duration(10**9)),
    ("type(1)", TypeValue("int")),
    ("dyn([1])", [1]),
]
OPEN = ["x", "n", "a.n", "x.a", "[1, x]", "{'a': x}", "{x: 'a'}", "int(x)", "type(n)", "[?optional.of(1)]"]
OPEN += ["{?'a': optional.of(1)}", "1 + 1", "-n", "size('a')", "f(1)", "optional.of(1)", "[1][0]", "1 == 1"]
OPEN += [
    "true || false",
    "true ? 1 : 2",
    "[1].map(i, 1)",
    "has({'a': 1}.a)",
    "{'a': 1}.a",
    "'a'.startsWith('a')",
]


@pytest.mark.parametrize(("text", "expected"), CONSTANT, ids=[text for text, _ in CONSTANT])
def test_what_needs_no_data_is_known(text: str, expected: object) -> None:
    program = checked(text)
    found = Constants(program).value(program.node)
    if expected is VARIABLE:
        assert found is VARIABLE
    else:
        assert notation(found) == notation(expected)


@pytest.mark.parametrize("text", OPEN)
def test_all_else_waits_for_data(text: str) -> None:
    """Operations too, unless they are conversions: cel-go computes no others."""
    program = checked(text)
    assert Constants(program).value(program.node) is VARIABLE


def test_a_map_of_keys_that_python_confuses_is_known() -> None:
    program = checked("{1: 'a', true: 'b', 1u: 'c'}")
    found = Constants(program).value(program.node)
    assert isinstance(found, MapValue)
    assert (found[1], found[True], found[UInt(1)]) == ("a", "b", "c")


def test_a_variable_of_a_loop_is_no_constant_of_that_name() -> None:
    program = checked("[1].map(answer, answer)")
    assert isinstance(program.node, Comprehension)
    assert program.node.result is not None
    assert Constants(program).value(program.node.result) is VARIABLE


def test_a_value_is_computed_once() -> None:
    program = checked("[int('7')]")
    constants = Constants(program)
    assert constants.value(program.node) is constants.value(program.node)


@pytest.mark.parametrize("text", ["int('a')", "[int('a')]", "{'k': uint('-1')}", "string(int('a')) == x"])
def test_a_conversion_that_must_fail_fails_while_it_compiles(text: str) -> None:
    with pytest.raises(InstantiationError, match=r"type conversion error from 'string' to 'u?int'$"):
        checked(text)


@pytest.mark.parametrize("text", [text for text, expected in CONSTANT if expected is not VARIABLE])
def test_a_constant_costs_nothing(text: str) -> None:
    budget = Budget(0)
    program = ENVIRONMENT.compile(text)
    for evaluate in (program.evaluate, program.evaluate_plainly):
        evaluate({}, budget)
        assert budget.remaining == 0


def test_a_method_with_the_name_of_a_conversion_is_none() -> None:
    program = ENVIRONMENT.compile_unchecked("x.int('7')")
    assert Constants(program.checked).value(program.tree) is VARIABLE
