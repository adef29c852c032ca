"""Quick code: the value or the error of the plain code, whatever the data, and never for less."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from gatekeeper_py.cel import (
    Budget,
    CompileError,
    DeadlineExceeded,
    Environment,
    EvaluationError,
    Function,
    Library,
    Overload,
    Program,
    kubernetes_environment,
)
from gatekeeper_py.cel.checking.types import DYN, INT, STRING, list_of
from gatekeeper_py.cel.compiling.generator import generate
from gatekeeper_py.cel.compiling.inlining import COMPUTED_COST_LIMIT, FEW
from gatekeeper_py.cel.evaluation.values import ComputedMap, MapValue, Message, Optional, UInt
from gatekeeper_py.cel.library import standard
from gatekeeper_py.cel.syntax.tree import Node, children
from tests.cel.notation import notation

VARIABLES = {"x": DYN, "y": DYN, "s": STRING, "n": INT, "l": list_of(DYN)}
ENVIRONMENT = kubernetes_environment().extend(variables=VARIABLES)
UNITS = 10**7
LONG = "k" * 253

TEMPLATES: dict[str, tuple[str, ...]] = {
    "any": (
        *(
            "x",
            "y",
            "x.a",
            "x.a.b",
            "x['a']",
            "x[s]",
            "x[n]",
            "x[0]",
            "l[1]",
            "l[-1]",
            "dyn(null)",
            "dyn({number})",
        ),
        *("x.?a.orValue({text})", "x.?a.?b.orValue({any})", "x.a.?b.orValue({list})", "x[?'a'].orValue(y)"),
        *(
            "optional.of({any}).?a.orValue({any})",
            "optional.of({any}).a.?b.orValue(1)",
            "dyn({text})",
            "dyn({list})",
        ),
        *("optional.none().?a.orValue({any})", "({truth} ? {any} : {any})", "({any} + {any})"),
        *("{optional}.orValue({any})", "{optional}.?a.orValue({any})", "[{optional}]", "{optional}.value()"),
    ),
    "optional": (
        *(
            "x.?a",
            "y.?a.?b",
            "x.?a.b",
            "{any}.?a",
            "{optional}.or({optional})",
            "{optional}.?a",
            "{optional}.b",
        ),
        *("x.?a.or(y.?a)", "x.?a.?b.or(y.?a).or({optional})", "optional.of({any})", "optional.none()"),
        *("x.?a.or(y.?a).?b", "x[?'a'].or(optional.of(y)).?a[?'b']", "x.?a.or(y.?b.or(y.?a)).a.b"),
    ),
    "text": (
        *("s", "'a'", "''", f"'{LONG}'", "'ab-' + s", "({text} + {text})", "(s + {text} + string(n))"),
        *("{text}.lowerAscii()", "string({any})", "{list}.join('-')", "({truth} ? {text} : s)"),
        *("{any}.find('a+')", "{text}.substring({number})"),
    ),
    "number": (
        *("n", "0", "1", "-7", "9007199254740993", "({number} + {number})", "({number} - {number})"),
        *("({number} * {number})", "size({list})", "size({any})", "{text}.size()", "int({any})"),
    ),
    "list": (
        *(
            "l",
            "[]",
            "[x, y]",
            "l.map(i, i)",
            "({list} + {list})",
            "x.?a.orValue([]) + {list}",
            "x.?a.orValue([]) + y.?a.orValue([])",
        ),
        *("x.map(i, i) + y.?a.orValue([n])", "{list}.distinct()"),
    ),
    "truth": (
        *("true", "has(x.a)", "has(x.?a.b)", "has({any}.name)", "!{truth}", "!{any}", "({truth} ? x : y)"),
        *("({any} == {any})", "({any} == 'a')", "('' != {any})", f"({{any}} == '{LONG}')", "({text} == s)"),
        *("({text} != {text})", "({any} == null)", "({any} != true)", "({any} == 1)", "(-7 != {any})"),
        *("({any} == 9007199254740993)", "({any} < 5)", "({number} >= 0)", "({any} <= 9007199254740993)"),
        *(
            "({any} == 9223372036854775807)",
            "({any} <= 9223372036854775806)",
            "matches({text}, '^a+b+c+d+$')",
        ),
        *(
            "{any}.startsWith('a')",
            "{text}.endsWith({text})",
            "{any}.endsWith({any})",
            "'ab'.startsWith({any})",
        ),
        *(
            "{any}.contains('b')",
            "{any}.contains('bbbbbbbbbbbb')",
            "{text}.contains('')",
            "{any}.matches('^a|1$')",
            "{any}.matches({text})",
        ),
        *("('a' in {any})", "({any} in {list})", "({text} in ['a', 'b'])", "({any} in ['a', 'b'])"),
        *("{optional}.hasValue()", "({optional} == {optional})", "({optional} != x.?a)"),
        *("x.?a.hasValue()", "x.?a.?b.hasValue()", "optional.of({any}).?a.hasValue()", "isQuantity({any})"),
        *("quantity('1Ki').isGreaterThan(quantity({text}))", "sets.contains({list}, {list})"),
    ),
}
"""Expressions by what they give, with names of kinds where parts go; nothing in them absorbs an error."""

BOTTOM = {"optional": "x.?a", "any": "x.a", "text": "s", "number": "n", "list": "l", "truth": "has(x.a)"}
PARTS = re.compile("{(" + "|".join(TEMPLATES) + ")}")


def filled(text: str, part: Callable[[str], str]) -> str:
    """A template with something for each of its parts."""
    return PARTS.sub(lambda match: part(match[1]), text)


@st.composite
def expressions(draw: st.DrawFn, kind: str | None = None, depth: int = 3) -> str:
    """An expression that says what policies say."""
    kind = kind or draw(st.sampled_from(sorted(TEMPLATES)))
    if not depth:
        return BOTTOM[kind]
    text = draw(st.sampled_from(TEMPLATES[kind]))
    return filled(text, lambda part: draw(expressions(part, depth - 1)))


INTS = st.sampled_from([0, 1, -7, 5, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)])
SCALARS = st.none() | st.booleans() | INTS | st.sampled_from([2**63, 1.0, 5.5, float("nan")])
TEXTS = st.sampled_from(["", "a", "ab", "-ab-", "10", "é\ud800", LONG, "b" * 30])
VALUES = st.recursive(
    SCALARS | TEXTS | st.just(b"a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "name"]), inner),
    max_leaves=6,
)
DATA = st.fixed_dictionaries(
    {"x": VALUES, "y": VALUES, "s": TEXTS, "n": INTS, "l": st.lists(VALUES, max_size=3)}
)


def outcome(evaluate: Any, data: Mapping[str, object]) -> tuple[str, int]:
    """What an evaluation gives, and what it costs."""
    budget = Budget(UNITS)
    try:
        said = notation(evaluate(data, budget))
    except EvaluationError as error:
        said = f"error: {error}"
    return said, UNITS - budget.remaining


def nodes(node: Node) -> int:
    return 1 + sum(map(nodes, children(node)))


COMMON: dict[str, Any] = {"x": {"a": {"b": "ab"}}, "y": {"a": [1]}, "s": "a", "n": 1, "l": ["a", 1]}


def check(program: Program, data: Iterable[dict[str, Any]]) -> None:
    """Both kinds of code give one answer, and the quick one costs as much or little more."""
    for each in data:
        (quick, paid), (plain, due) = (
            outcome(run, each) for run in (program.evaluate, program.evaluate_plainly)
        )
        assert quick == plain, each
        assert due <= paid <= due + 2 * nodes(program.tree), each


class Made(ComputedMap):
    """Has one value, which is made when it is read, and keeps none."""

    def __missing__(self, key: str) -> object:
        return {"a": {"b": 1}}[key]


class Contested(ComputedMap):
    """Has no value that can be told."""

    def __missing__(self, key: str) -> object:
        raise EvaluationError(f"{key} is contested")


ODD_VALUES: list[Any] = [
    *(None, True, 0, 1, -7, 5, 2**53 + 1, 2**63, 10**400, 1.0, 2.5, math.nan, "", "a", "ab", "\ud800", LONG),
    *(b"a", b"", [], ["a", 1], [1, "a"], [[]], (), ("a", 2), {}, {"a": "b"}, {"name": 1}, {"b": {"b": 1}}),
    *(
        Optional(),
        Optional({"a": 1}),
        Optional(Optional({"a": 1})),
        UInt(5),
        MapValue({}),
        Made(),
        Contested(),
        Message("M", {"a": 1}),
    ),
]
ODD_DATA = [
    {"x": x, "y": y, "s": s, "n": n, "l": listed}
    for odd in ODD_VALUES
    for x, y in ((odd, {"a": odd}), ({"a": odd}, odd), ({"a": {"b": odd}}, odd), ({"a": odd}, {"a": odd}))
    for s, n, listed in (("a", 1, [odd, odd]), ("", 2**63 - 1, [*[odd] * 70]), ("b" * 30, -(2**63), []))
]
SIMPLE = sorted(
    {
        filled(text, (BOTTOM | {"any": bottom}).__getitem__)
        for texts in TEMPLATES.values()
        for text in texts
        for bottom in ("x", "x.a")
    }
)


@pytest.mark.parametrize("text", SIMPLE)
def test_each_rule_holds_whatever_the_data(text: str) -> None:
    check(ENVIRONMENT.compile(text), ODD_DATA)


@given(expressions(), st.lists(DATA, min_size=1, max_size=3))
def test_rules_hold_within_each_other(text: str, data: list[dict[str, Any]]) -> None:
    try:
        program = ENVIRONMENT.compile(text)
    except CompileError:  # the default of an optional decides what type it is
        reject()
    check(program, (COMMON, *data))


@pytest.mark.parametrize("size", [1, 20, 21, 253])
@pytest.mark.parametrize("found", ["", "a", "k" * 20, "k" * 253, 1, None, [], {}])
def test_a_comparison_is_overpaid_by_two_units_at_most(size: int, found: object) -> None:
    program = ENVIRONMENT.compile(f"x == '{'k' * size}'")
    quick, plain = (outcome(run, {"x": found}) for run in (program.evaluate, program.evaluate_plainly))
    assert quick[0] == plain[0]
    assert plain[1] <= quick[1] <= plain[1] + 2


class TestTheLimits:
    """What quick code cannot afford, plain code may."""

    def test_one_expression_is_not_stopped_for_what_quick_code_overpays(self) -> None:
        program = ENVIRONMENT.compile("l.exists(i, i == 'k')")
        data = {"l": [""] * 180_000}
        assert outcome(program.evaluate, data) == ("bool:false", 900_002)

    def test_a_shared_purse_pays_the_price_of_plain_code_when_it_runs_short(self) -> None:
        program = ENVIRONMENT.compile("x == 'a'")
        quick, exact = Budget(2), Budget(1)
        for budget in (quick, exact):
            assert program.evaluate({"x": ""}, budget) is False
            assert budget.remaining == 0
        with pytest.raises(EvaluationError, match=r"^validation failed due to running out of cost budget"):
            program.evaluate({"x": ""}, exact)

    def test_a_deadline_ends_quick_code_for_good(self) -> None:
        checked = ENVIRONMENT.compile("l.all(i, i == i)").checked
        evaluate = generate(checked, plainly=lambda *_: pytest.fail("ran once more"))
        with pytest.raises(DeadlineExceeded):
            evaluate({"l": [1] * 100_000}, Budget(UNITS, time.monotonic() - 1))


ODD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("x.a", {"x": {}}),
    ("x[0]", {"x": []}),
    ("x < 5", {"x": 2.5}),
    ("x < 5", {"x": True}),
    ("!x", {"x": 0}),
    ("x.startsWith('a')", {"x": b"a"}),
    ("x.matches('a')", {"x": "\ud800"}),
    ("x.?a.orValue(1)", {"x": []}),
    ("x.join('-')", {"x": [1]}),
    ("x.join('-')", {"x": ("a",)}),
    ("x.?a.orValue([]) + [y]", {"x": {"a": ()}, "y": 1}),
    ("n + 1", {"n": 2**63 - 1}),
    ("x in ['a', 'b']", {"x": {}}),
)
USUAL: tuple[tuple[str, object], ...] = (
    ("x.a.b == 'ab'", True),
    ("has(x.a.b) && !has(x.c)", True),
    ("x['a'][s + ''] == 1 || true", True),
    ("l[0] == 'a' && l[1] == 1", True),
    ("x.?a.?b.orValue('') == 'ab' && x.?b.?c.orValue(1) == 1", True),
    ("x.?a.hasValue() && !x.?b.hasValue()", True),
    ("x.?a.b.hasValue()", True),
    ("x.?b.orValue([]) + y.?a.orValue([])", [1]),
    ("n + 1 > 0 && l[1] < 5 && n * 2 - 1 == 1", True),
    ("s + '-' + s == 'a-a' && s == 'a' && s != 'b'", True),
    ("x.a.b.startsWith('a') && x.a.b.endsWith('b') && x.a.b.contains('b') && x.a.b.matches('^a')", True),
    ("size(l) == 2 && size(s) == 1 && 'a' in x && s in ['a', 'b']", True),
    ("s.lowerAscii().substring(0) == 'a' && ['a'].join('-') == 'a' && quantity('1').isInteger()", True),
)


@pytest.mark.parametrize(("text", "expected"), USUAL)
def test_usual_data_never_need_plain_code(text: str, expected: object) -> None:
    checked = ENVIRONMENT.compile(text).checked
    evaluate = generate(checked, plainly=lambda *_: pytest.fail("plain code ran"))
    assert evaluate(COMMON, Budget(UNITS)) == expected


@pytest.mark.parametrize(("text", "data"), ODD)
def test_odd_data_are_left_to_plain_code(text: str, data: dict[str, Any]) -> None:
    left = object()
    evaluate = generate(ENVIRONMENT.compile(text).checked, plainly=lambda *_: left)
    budget = Budget(UNITS)
    assert evaluate(data, budget) is left
    assert budget.remaining == UNITS


@pytest.mark.parametrize(("count", "worked"), [(0, 0), (FEW, 0), (FEW + 1, FEW + 1), (1000, 1000)])
def test_copying_many_elements_is_work(count: int, worked: int) -> None:
    budget = Budget(UNITS)
    ENVIRONMENT.compile("l + l.filter(i, false)").evaluate({"l": [0] * count}, budget)
    assert budget.worked == worked


class TestComputedCalls:
    """A call of constants is computed while it compiles, unless it is dear or fails."""

    @staticmethod
    def environment(cost: int, called: list[int]) -> Environment:
        def run(number: int) -> int:
            called.append(number)
            if number < 0:
                raise EvaluationError("negative")
            return number + 1

        overload = Overload("f_int", (INT,), INT, run, cost=lambda _: cost)
        return Environment([Library("f", (Function("f", (overload,)),))], {"n": INT})

    @pytest.mark.parametrize("cost", [1, 1 + COMPUTED_COST_LIMIT])
    def test_once_for_all_evaluations_each_of_which_pays(self, cost: int) -> None:
        called: list[int] = []
        program = self.environment(cost, called).compile("f(1)")
        assert [outcome(program.evaluate, {}) for _ in range(3)] == [("int:2", cost)] * 3
        assert called == [1]

    @pytest.mark.parametrize(("text", "cost"), [("f(1)", 2 + COMPUTED_COST_LIMIT), ("f(n)", 1)])
    def test_not_when_it_is_dear_or_depends_on_data(self, text: str, cost: int) -> None:
        called: list[int] = []
        program = self.environment(cost, called).compile(text)
        assert called == []
        assert outcome(program.evaluate, {"n": 1})[0] == "int:2"
        assert called == [1]

    def test_an_error_is_one_of_the_evaluation(self) -> None:
        program = self.environment(1, []).compile("n == 0 || f(-1) == 1")
        assert outcome(program.evaluate, {"n": 0})[0] == "bool:true"
        assert outcome(program.evaluate, {"n": 1})[0] == "error: negative"


def test_the_first_element_of_a_list_tells_whether_an_overload_is_the_one() -> None:
    overload = Overload("f_list", (list_of(STRING),), INT, len)
    program = Environment([Library("f", (Function("f", (overload,)),))], {"x": DYN}).compile("f(x)")
    assert outcome(program.evaluate, {"x": ["a", 1]})[0] == "int:2"
    assert outcome(program.evaluate, {"x": [1, "a"]})[0] == "error: no such overload: f(list)"


def test_an_overload_of_a_library_is_not_taken_for_the_languages_own() -> None:
    """`size` of a library's list is what the library says, also where the data make it a list."""
    odd = Library("odd", (Function("size", (Overload("odd_size", (list_of(DYN), INT), INT, lambda *_: 9),)),))
    environment = Environment([standard.LIBRARY, odd], {"l": list_of(DYN)})
    assert environment.compile("size(l, 1) + size(l)").evaluate({"l": [0]}, Budget(UNITS)) == 10
