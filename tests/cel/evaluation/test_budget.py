"""No expression holds the process for longer than its budget allows."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gatekeeper_py.cel import Budget, CostExceeded, DeadlineExceeded, EvaluationError, kubernetes_environment
from gatekeeper_py.cel.checking.types import DYN, list_of
from gatekeeper_py.cel.evaluation.budget import EXPRESSION_LIMIT

ENVIRONMENT = kubernetes_environment(extras=True).extend(
    variables={"x": DYN, "y": DYN, "numbers": list_of(DYN)}
)
TOO_DEAR = "operation cancelled: actual cost limit exceeded"


def evaluate(text: str, budget: Budget | None = None, **variables: object) -> object:
    return ENVIRONMENT.compile(text).evaluate(variables, budget or Budget(10**9))


def cost(text: str, **variables: object) -> int:
    budget = Budget(10**9)
    evaluate(text, budget, **variables)
    return 10**9 - budget.remaining


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("true", 0),
        ("x", 1),
        ("x.a", 2),
        ("x.a.b.c", 4),
        ("has(x.a)", 1),
        ("has(x.a.b)", 2),
        ("has(x.?a.b)", 2),
        ("has(x.?a.nope)", 1),
        ("has(x.?nope.a)", 0),
        ("x.a == 'b'", 3),
        ("[1, 2]", 0),
        ("[x]", 11),
        ("{'a': x}", 31),
        ("x.list.all(i, i > 0)", 2 + 3 * 5 + 1),
        ("x.list.exists(i, i > 5)", 2 + 3 * 6 + 1),
        ("x.list.map(i, i)", 2 + 3 * 13 + 1),
        ("x.list.filter(i, i > 1)", 2 + 3 * 2 + 2 * 13 + 1),
        ("'0123456789'.contains('0123456789')", 1),
        ("x.text.startsWith('a')", 2 + 10),
        ("x.text.matches('a+')", 2 + 11 * 1),
    ],
)
def test_costs_are_those_of_cel_go(text: str, units: int) -> None:
    data = {"a": {"b": {"c": 1}}, "list": [1, 2, 3], "text": "a" * 100}
    assert cost(text, x=data if text != "x.a == 'b'" else {"a": "b"}) == units


def test_the_whole_budget_is_shared() -> None:
    program = ENVIRONMENT.compile("numbers.all(n, n > 0)")
    budget = Budget(100)
    numbers = list(range(1, 11))
    assert program.evaluate({"numbers": numbers}, budget) is True
    assert budget.remaining == 100 - 52
    with pytest.raises(CostExceeded, match=r"^validation failed due to running out of cost budget"):
        program.evaluate({"numbers": numbers}, budget)
    assert budget.remaining < 0


def test_errors_cost_too() -> None:
    budget = Budget(100)
    with pytest.raises(EvaluationError):
        evaluate("numbers.map(n, n > 0)[9]", budget, numbers=[1, 2, 3])
    assert budget.remaining < 60


LOOPS = [
    "numbers.all(a, numbers.all(b, numbers.all(c, true)))",
    "numbers.map(a, numbers.map(b, numbers.map(c, c)))",
    "numbers.filter(a, numbers.exists(b, numbers.exists_one(c, c == -1)))",
    "numbers.all(a, numbers.all(b, x.nope || x.nada))",
    "numbers.transformMap(i, a, numbers.transformList(j, b, numbers.map(c, c)))",
    "[numbers, numbers].all(a, a.all(b, a.all(c, b == c || b != c)))",
]


@pytest.mark.parametrize("text", LOOPS)
def test_loops_end_at_the_limit_of_an_expression(text: str) -> None:
    budget = Budget(10**9)
    with pytest.raises(CostExceeded, match=f"^{TOO_DEAR}$"):
        evaluate(text, budget, numbers=list(range(1000)), x={})
    assert 10**9 - budget.remaining < 2.5 * EXPRESSION_LIMIT


@pytest.mark.parametrize(
    "logic", ["{} == x || true", "true && ({} == x) && false", "[1].exists(i, {} == x || i == 1)"]
)
@pytest.mark.parametrize("text", LOOPS)
def test_no_logic_absorbs_the_limit(text: str, logic: str) -> None:
    with pytest.raises(CostExceeded):
        evaluate(logic.format(text), numbers=list(range(1000)), x={})


@pytest.mark.parametrize("text", LOOPS)
def test_a_deadline_ends_any_loop(text: str) -> None:
    with pytest.raises(DeadlineExceeded):
        evaluate(text, Budget(10**9, deadline=time.monotonic() - 1), numbers=list(range(1000)), x={})


def test_a_deadline_is_not_absorbed() -> None:
    late = Budget(10**9, deadline=time.monotonic() - 1)
    with pytest.raises(DeadlineExceeded):
        evaluate("numbers.all(a, numbers.all(b, true)) || true", late, numbers=list(range(1000)))


@pytest.mark.parametrize("differs", [False, True])
def test_the_same_large_values_are_compared_once_with_one_budget(differs: bool) -> None:
    left, right = ({"rows": [*({"at": at} for at in range(100)), {"at": end}]} for end in (0, int(differs)))
    budget, variables = Budget(10**9), {"x": {"a": left}, "y": {"a": right}}
    worked = []
    for text in ("x.a == y.a", "x.?a == y.?a", "!(x.a != y.a)"):
        assert evaluate(text, budget, **variables) is not differs
        worked.append(budget.worked)
    assert worked[0] > 0
    assert set(worked) == {worked[0]}


def test_nan_stays_unequal_when_it_is_compared_again() -> None:
    budget, nan = Budget(10**9), [0.0] * 100 + [float("nan")]
    assert [evaluate("x == x", budget, x=nan) for _ in range(2)] == [False, False]


@pytest.mark.parametrize(
    "text",
    ["x.matches(y)", "x.find(y) == ''", "x.findAll(y).size() == 0", f"x.matches('{'((a|b){500}){2}c'}')"],
)
def test_a_pattern_too_large_to_be_searched_for_fast_is_work(text: str) -> None:
    """Kubernetes asks 80,000 units for this, which takes ten seconds."""
    large = "((a|b){500}){2}c"
    with pytest.raises(CostExceeded):
        evaluate(text, x="a" * 200_000, y=large)
    assert evaluate(f"{text} == {'true' if 'find' in text else 'false'}", x="a" * 100, y=large) is True


HUGE = "a" * 3_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x.startsWith('b')", False),
        ("x == y", True),
        ("size(x)", len(HUGE)),
        ("x.matches('(a|aa)+$')", True),
        ("x.matches('(a*)*b')", False),
        ("x.contains('ab')", False),
        ("x.contains(y)", "error"),
        ("x + y + x + y == x", False),
        ("x.matches(y)", "error"),
        ("[x, y].map(t, t + t).map(t, t + t).map(t, t + t)", "error"),
    ],
)
def test_huge_strings(text: str, expected: object) -> None:
    started = time.monotonic()
    try:
        found = evaluate(text, x=HUGE, y="".join(["a"] * len(HUGE)))
    except EvaluationError:
        found = "error"
    assert found == expected
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "text",
    [
        "[1].map(a, x)" + ".map(a, a + a)" * 40,
        "cel.bind(a, x + x, " * 30 + "a + a" + ")" * 30,
        "[[1]].map(a, a + a)" + ".map(a, a + a)" * 60,
        "[numbers + numbers, numbers].map(a, a + a + a + a).map(a, a + a + a + a).map(a, a + a + a + a)",
    ],
)
def test_growth_is_bounded(text: str) -> None:
    """Doubling again and again ends in an error or in something small, never in all of the memory."""
    text = text.replace(
        "cel.bind(a, x + x, " * 30,
        "".join(f"cel.bind(a{i}, {_previous(i)} + {_previous(i)}, " for i in range(30)),
    )
    text = text.replace("a + a)" + ")" * 29, "a29 + a29)" + ")" * 29)
    with pytest.raises(EvaluationError):
        evaluate(text, x="0123456789" * 100, numbers=list(range(100_000)))


def _previous(index: int) -> str:
    return f"a{index - 1}" if index else "x"


def test_a_million_elements_are_walked_within_the_limit() -> None:
    numbers = list(range(1_000_000))
    with pytest.raises(CostExceeded):
        evaluate("numbers.all(n, n >= 0)", numbers=numbers)
    assert evaluate("size(numbers)", numbers=numbers) == 1_000_000
    assert evaluate("numbers[999999]", numbers=numbers) == 999_999
    assert evaluate("numbers.exists(n, n == 5)", numbers=numbers) is True


def test_comparing_much_again_and_again_is_stopped() -> None:
    data: Any = {f"k{i}": [i] * 50 for i in range(2000)}
    other: Any = {f"k{i}": [i] * 50 for i in range(2000)}
    with pytest.raises(CostExceeded):
        evaluate("numbers.all(n, x == y)", x=data, y=other, numbers=list(range(10_000)))
    with pytest.raises(CostExceeded):
        evaluate("numbers.all(n, !(n in x))", x=[-1] * 100_000, numbers=list(range(10_000)))
