"""Comprehensions: what they give, which error they show, and that each turn has its price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel import (
    Budget,
    CostExceeded,
    Environment,
    EvaluationError,
    Program,
    kubernetes_environment,
)
from gatekeeper_py.cel.checking.types import DYN
from gatekeeper_py.cel.environment import KUBERNETES
from gatekeeper_py.cel.evaluation.budget import EXPRESSION_LIMIT
from tests.cel.notation import notation

ENVIRONMENT = kubernetes_environment().extend(variables={"x": DYN, "y": DYN})
MIXED = Environment(KUBERNETES, {"x": DYN}, homogeneous=False)
PURSE = 10**7


def outcomes(program: Program, **data: object) -> list[tuple[str, int]]:
    """What quick and plain code give, and what it costs."""
    found = []
    for evaluate in (program.evaluate, program.evaluate_plainly):
        budget = Budget(PURSE)
        try:
            said = notation(evaluate({"y": 0, **data}, budget))
        except EvaluationError as error:
            said = f"error: {error}"
        found.append((said, PURSE - budget.remaining))
    return found


def said(text: str, **data: object) -> str:
    quick, plain = outcomes(ENVIRONMENT.compile(text), **data)
    assert quick[0] == plain[0]
    return quick[0]


def cost(program: Program, **data: object) -> int:
    (_, quick), (_, plain) = outcomes(program, **data)
    assert quick == plain
    return plain


TURNS = [
    ("x.all(i, true)", 3),
    ("x.all(i, i >= y)", 3 + 3),
    ("x.all(k, v, v >= y)", 3 + 3),
    ("x.exists(i, false)", 4),
    ("x.exists(i, i < y)", 4 + 3),
    ("x.exists_one(i, i >= y)", 3 + 2),
    ("x.exists_one(i, i < y)", 3),
    ("x.existsOne(k, v, v >= y)", 3 + 2),
    ("x.map(i, i)", 13),
    ("x.map(i, 1)", 2),
    ("x.map(i, i < y, i)", 3),
    ("x.map(i, i >= y, i)", 3 + 13),
    ("x.filter(i, true)", 13),
    ("x.filter(i, i < y)", 3),
    ("x.transformList(k, v, v)", 13),
    ("x.transformList(k, v, v < y, v)", 3),
    ("x.transformMap(k, v, v)", 1 + 3),
    ("x.transformMap(k, v, k == y, v)", None),
    ("x.transformMapEntry(k, v, {v: 1})", 31 + 2),
    ("x.all(i, x.all(j, true))", None),
]
"""Macros over a list, and the units of one turn; None where it depends on the turn or on the list."""


@pytest.mark.parametrize(("text", "turn"), [each for each in TURNS if each[1]])
def test_a_loop_costs_the_same_at_every_turn(text: str, turn: int) -> None:
    program = ENVIRONMENT.compile(text)
    empty = cost(program, x=[])
    assert empty == (3 if "one(" in text.lower() else 2)
    assert [cost(program, x=list(range(count))) for count in (1, 2, 10, 300)] == [
        empty + count * turn for count in (1, 2, 10, 300)
    ]


def test_a_loop_in_a_loop_costs_what_its_turns_cost() -> None:
    program = ENVIRONMENT.compile("x.all(i, x.all(j, true))")
    assert [cost(program, x=[0] * count) for count in (0, 1, 2, 10)] == [
        2 + count * (3 + 2 + 3 * count) for count in (0, 1, 2, 10)
    ]


@pytest.mark.parametrize("text", [text for text, _ in TURNS if "k, v" not in text])
def test_the_keys_of_a_map_are_walked_at_the_price_of_a_list(text: str) -> None:
    program = ENVIRONMENT.compile(text)
    assert outcomes(program, x=dict.fromkeys(range(5))) == outcomes(program, x=list(range(5)))


@pytest.mark.parametrize(("macro", "turn", "fold"), [("all", 6, 2), ("exists", 7, 3)])
@pytest.mark.parametrize("place", [0, 1, 4])
def test_a_quantifier_ends_where_it_is_decided(macro: str, turn: int, fold: int, place: int) -> None:
    """One more look at the condition of the loop follows, unless the list is at its end."""
    operator = "!=" if macro == "all" else "=="
    program = ENVIRONMENT.compile(f"x.{macro}(i, i {operator} y)")
    more = fold if place < 4 else 0
    assert cost(program, x=[0, 1, 2, 3, 4], y=place) == 3 - 1 + (place + 1) * turn + more


@pytest.mark.parametrize(
    "macro", ["all(i, true)", "exists_one(i, true)", "map(i, 1)", "transformList(k, v, v)"]
)
def test_the_limit_is_looked_at_at_every_turn(macro: str) -> None:
    """However long the list, a loop is over soon after the limit."""
    program = ENVIRONMENT.compile(f"x.{macro}")
    for evaluate in (program.evaluate, program.evaluate_plainly):
        budget = Budget(PURSE)
        with pytest.raises(CostExceeded):
            evaluate({"x": MANY}, budget)
        assert EXPRESSION_LIMIT < PURSE - budget.remaining < EXPRESSION_LIMIT + 20


MANY = [0] * 600_000


# What loops give, told in Python: True, False, or None for an error.

Answer = Callable[[Sequence[bool | None]], str]
ERROR = "error: division by zero"


def _all(found: Sequence[bool | None]) -> str:
    return "bool:false" if False in found else ERROR if None in found else "bool:true"


def _exists(found: Sequence[bool | None]) -> str:
    return "bool:true" if True in found else ERROR if None in found else "bool:false"


def _exists_one(found: Sequence[bool | None]) -> str:
    return ERROR if None in found else f"bool:{str(found.count(True) == 1).lower()}"


def _filter(found: Sequence[bool | None]) -> str:
    kept = [f"int:{_spelled(each)}" for each in found if each]
    return ERROR if None in found else f"[{', '.join(kept)}]"


def _map(found: Sequence[bool | None]) -> str:
    return ERROR if None in found else f"[{', '.join(f'bool:{str(each).lower()}' for each in found)}]"


def _spelled(answer: bool | None) -> int:
    """An element of which `6 / i > 2` is this answer."""
    return {True: 2, False: 6, None: 0}[answer]


LOGIC: list[tuple[str, Answer]] = [
    ("x.all(i, 6 / i > 2)", _all),
    ("x.all(k, v, 6 / v > 2)", _all),
    ("x.exists(i, 6 / i > 2)", _exists),
    ("x.exists(k, v, 6 / v > 2)", _exists),
    ("x.exists_one(i, 6 / i > 2)", _exists_one),
    ("x.existsOne(k, v, 6 / v > 2)", _exists_one),
    ("x.filter(i, 6 / i > 2)", _filter),
    ("x.map(i, 6 / i > 2)", _map),
    ("x.map(i, true, 6 / i > 2)", _map),
    ("x.map(i, 6 / i > 2, i)", _filter),
    ("x.transformList(k, v, 6 / v > 2)", _map),
    ("x.transformList(k, v, 6 / v > 2, v)", _filter),
]
LOGIC_PROGRAMS = [(ENVIRONMENT.compile(text), answer) for text, answer in LOGIC]


@given(st.lists(st.sampled_from([True, False, None]), max_size=8))
def test_quantifiers_absorb_errors_and_nothing_else_does(found: list[bool | None]) -> None:
    elements = [_spelled(each) for each in found]
    for program, answer in LOGIC_PROGRAMS:
        assert [each for each, _ in outcomes(program, x=elements)] == [answer(found)] * 2, program.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2].all(i, i == 1 ? x.first : x.second)", "error: no such key: first"),
        ("[1, 2].exists(i, i == 1 ? x.first : x.second)", "error: no such key: first"),
        ("[1, 2].map(i, i == 1 ? x.first : x.second)", "error: no such key: first"),
        ("[1, 2].filter(i, i == 1 ? x.first : x.second)", "error: no such key: second"),
        ("[1, 2].exists_one(i, i == 1 ? x.first : x.second)", "error: no such key: second"),
        ("[1, 2].map(i, i == 1 ? x.first : x.second, i)", "error: no such key: second"),
        ("[1, 2].map(i, i == 2 ? x.second : true, x.first)", "error: no such key: second"),
        ("[1, 2].all(i, i == 1 ? x.first : dyn(1))", "error: no such key: first"),
        ("[1, 2].all(i, dyn(i))", "error: no such overload"),
        ("x.all(i, i)", "bool:true"),
        ("[1].all(i, x.all(j, x.nope))", "bool:true"),
    ],
)
def test_the_first_error_shows_and_that_of_a_condition_the_last(text: str, expected: str) -> None:
    assert said(text, x={}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x.transformList(i, v, [i, v])", '[[int:0, "a"], [int:1, "b"]]'),
        ("x.transformMap(i, v, v + string(i))", '{int:0: "a0", int:1: "b1"}'),
        ("x.transformMap(i, v, i > 0, v)", '{int:1: "b"}'),
        ("x.transformMapEntry(i, v, {v: i})", '{"a": int:0, "b": int:1}'),
        ("x.transformMapEntry(i, v, i > 0, {v: i})", '{"b": int:1}'),
        ("x.transformMapEntry(i, v, {'k': i})", "error: insert failed: key k already exists"),
        ("x.transformMapEntry(i, v, {1: i, true: v}).size()", "error: insert failed: key 1 already exists"),
        ("{'a': 1}.transformList(k, v, [k, v])", '[["a", int:1]]'),
        ("{'a': 1}.transformMap(k, v, k)", '{"a": "a"}'),
        ("{1: 'a', 2: 'b'}.transformMapEntry(k, v, {v: k})", '{"a": int:1, "b": int:2}'),
        ("{'a': 1, 'b': 2}.map(k, k)", '["a", "b"]'),
        ("[[1, 2], [3]].map(l, l.map(i, i * 2))", "[[int:2, int:4], [int:6]]"),
        ("[1, 2, 3].map(i, i > 1, i * i).filter(i, i > 4)", "[int:9]"),
        ("x.map(i, i).map(i, i) == x", "bool:true"),
    ],
)
def test_what_a_macro_makes(text: str, expected: str) -> None:
    program = MIXED.compile(text)
    assert [each for each, _ in outcomes(program, x=["a", "b"])] == [expected] * 2


@pytest.mark.parametrize(
    ("value", "one", "two"),
    [
        (1, "got 'types.Int', expected iterable type", "unsupported comprehension range type: types.Int"),
        (
            "ab",
            "got 'types.String', expected iterable type",
            "unsupported comprehension range type: types.String",
        ),
        (
            None,
            "got 'types.Null', expected iterable type",
            "unsupported comprehension range type: types.Null",
        ),
    ],
)
def test_what_holds_no_elements_cannot_be_walked(value: Any, one: str, two: str) -> None:
    assert said("x.all(i, true)", x=value) == f"error: {one}"
    assert said("x.map(i, i)", x=value) == f"error: {one}"
    assert said("x.all(k, v, true)", x=value) == f"error: {two}"
    assert said("x.transformList(k, v, v)", x=value) == f"error: {two}"


def test_elements_of_a_tuple_are_walked_as_those_of_a_list() -> None:
    for text, _ in TURNS:
        assert outcomes(ENVIRONMENT.compile(text), x=(0, 1, 2)) == outcomes(
            ENVIRONMENT.compile(text), x=[0, 1, 2]
        )
