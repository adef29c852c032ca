"""What programs give: recorded answers of cel-go, and what no record shows."""

from __future__ import annotations

import gc
import itertools
import json
import math
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gatekeeper_py.cel import Budget, CompileError, Environment, EvaluationError, kubernetes_environment
from gatekeeper_py.cel.checking.types import DYN, INT, STRING, object_type
from gatekeeper_py.cel.library import optionals
from tests.cel.notation import notation

RECORD = json.loads((Path(__file__).parent / "data" / "cel_go.json").read_text(encoding="utf-8"))
"""Answers of cel-go 0.26 in Kubernetes' environment (apiserver/pkg/cel/environment, v0.36.3)."""
DATA: dict[str, Any] = RECORD["data"]
KUBERNETES = kubernetes_environment().extend(variables={"object": DYN, "x": DYN, "y": DYN})
CORE = Environment([optionals.LIBRARY], {"x": DYN, "y": DYN, "n": INT, "s": STRING}, homogeneous=False)


def value(text: str, environment: Environment = CORE, **variables: object) -> object:
    return environment.compile(text).evaluate(variables, Budget(10**9))


def error(text: str, environment: Environment = CORE, **variables: object) -> str:
    with pytest.raises(EvaluationError) as caught:
        environment.compile(text).evaluate(variables, Budget(10**9))
    return str(caught.value)


@pytest.mark.parametrize("case", RECORD["cases"], ids=lambda case: case["expression"])
def test_answers_as_cel_go(case: dict[str, Any]) -> None:
    """Both kinds of code give cel-go's value or error, and its cost where there is a value."""
    if "compile" in case:
        with pytest.raises(CompileError) as refused:
            KUBERNETES.compile(case["expression"])
        assert str(refused.value) == case["compile"]
        return
    program = KUBERNETES.compile(case["expression"])
    for evaluate in (program.evaluate, program.evaluate_plainly):
        budget = Budget(10**9)
        outcome: dict[str, Any]
        try:
            outcome = {"value": notation(evaluate(DATA, budget))}
        except EvaluationError as failure:
            outcome = {"error": str(failure)}
        if "cost" in case:
            outcome |= {"cost": 10**9 - budget.remaining}
        assert {"expression": case["expression"], **outcome} == case


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x.a.b", "no such key: a"),
        ("x['a']", "no such key: a"),
        ("x[0]", "no such key: 0"),
        ("x[true]", "no such key: true"),
        ("x == 1 && y.a", "no such key: a"),
        ("y.a && x == 1", "no such key: a"),
        ("[1][1]", "index out of bounds: 1"),
    ],
)
def test_errors_name_what_is_missing(text: str, message: str) -> None:
    assert error(text, x={} if "x == 1" not in text else 1, y={}) == message


@pytest.mark.parametrize("operand", [None, 1, 1.5, True, "text", b"b"])
def test_what_has_no_fields_has_no_field(operand: object) -> None:
    assert error("x.f", x=operand) == "no such key: f"
    assert value("has(x.f)", x=operand) is False
    assert value("x.?f.hasValue()", x=operand) is False


def test_a_string_is_no_map_of_its_parts() -> None:
    assert value("has(x.bc)", x="abc") is False
    assert error("'a' in x", x="abc") == "no such overload"
    assert error("x[0]", x="abc") == "no such key: 0"


def test_json_true_is_not_one() -> None:
    assert value("x == 1", x=True) is False
    assert value("x == true", x=1) is False
    assert value("x in [1, 2]", x=True) is False
    assert value("[x] == [1]", x=True) is False
    assert value("{'a': x} == {'a': 1}", x=True) is False
    assert error("x < 2", x=True) == "no such overload"
    assert error("x + 1", x=True).startswith("no such overload")
    assert error("x && true", x=1) == "no such overload"


@pytest.mark.parametrize("big", [2**63, -(2**63) - 1, 2**64, 10**400, -(10**400)])
def test_ints_beyond_64_bits_are_doubles(big: int) -> None:
    assert value("type(x) == double", x=big) is True
    assert value("x > 0", x=big) is (big > 0)
    assert value("x == 5", x=big) is False
    assert error("x + 1", x=big).startswith("no such overload")
    assert type(value("x + 1.0", x=big)) is float
    assert error("int(x)", x=big) == "integer overflow"
    assert error("[1][x]", x=big).startswith("unsupported index value")


def test_ints_stay_within_64_bits() -> None:
    for text in ("n + 1", "n * 2", "-(-n - 1)", "n - -1", "(-n - 1) / -1"):
        assert error(text, n=2**63 - 1) == "integer overflow"
    assert value("n - 1", n=-(2**63) + 1) == -(2**63)


def test_a_variable_that_is_not_given_is_an_error_where_it_is_used() -> None:
    assert error("x == 1") == "no such attribute(s): x"
    assert value("true || x == 1") is True


def test_a_lazy_map_computes_what_is_selected() -> None:
    class Lazy(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            if key == "bad":
                raise EvaluationError("bad variable")
            return len(key)

        def __contains__(self, key: object) -> bool:
            return key in ("good", "bad")

    environment = Environment(variables={"variables": object_type("v", {"good": INT, "bad": INT})})
    assert value("variables.good == 4", environment, variables=Lazy()) is True
    assert value("has(variables.bad)", environment, variables=Lazy()) is True
    assert error("variables.bad == 1", environment, variables=Lazy()) == "bad variable"
    assert value("variables.bad == 1 || true", environment, variables=Lazy()) is True


@pytest.mark.parametrize("count", [1, 50, 240])
def test_long_chains(count: int) -> None:
    terms = [f"x != {i}" for i in range(count)]
    assert value(" && ".join(terms), x=-1) is True
    assert value(" || ".join(term.replace("!", "=") for term in terms), x=count - 1) is True
    assert value(" + ".join(["n"] * count), n=1) == count
    assert value(" + ".join(["s"] * count), s="a") == "a" * count
    assert value(" + ".join(["[x]"] * count), x=1) == [1] * count


def test_deep_nesting() -> None:
    assert value("!" * 100 + "true") is True
    assert value("(" * 100 + "x" + ")" * 100, x=1) == 1
    assert value("[" * 60 + "x" + "]" * 60 + "[0]" * 60, x=1) == 1
    assert value("x ? 1 : " * 80 + "0", x=False) == 0
    assert value("-" + "(-" * 100 + "n" + ")" * 100, n=1) == -1


@pytest.mark.parametrize("depth", [2, 6, 12])
def test_nested_comprehensions(depth: int) -> None:
    text = "x.all(a0, " + "".join(f"x.exists(a{i}, a{i} >= a{i - 1} && " for i in range(1, depth))
    text += "true" + ")" * depth
    assert value(text, x=[1, 2]) is True
    nested = "".join(
        f"x.map(b{i}, x.filter(c{i}, c{i} > 0 || x.all(d{i}, d{i} > 0)).size() > 0 ? " for i in range(depth)
    )
    nested += "x" + " : [])" * depth
    found: Any = [1]
    for _ in range(depth):
        found = [found]
    assert value(nested, x=[1]) == found


def test_variables_of_inner_loops_hide_outer_ones() -> None:
    assert value("[1, 2].map(a, [3].map(a, a))") == [[3], [3]]
    assert value("[1, 2].map(x, x)", x=9) == [1, 2]
    assert value("[x].map(x, [x + 1].map(x, x))", x=1) == [[2]]


def test_data_are_never_changed() -> None:
    data = {"a": [1, {"b": 2}], "c": {"d": [3]}}
    before = json.dumps(data)
    for text in ("x.a + x.c.d", "x.a.map(i, i)", "x.a.filter(i, true)", "[x, x].map(i, i.c)", "{'k': x}.k.a"):
        value(text, x=data)
    assert json.dumps(data) == before


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "\udfff\ud800", "😀" * 1000, "\u202e", ""])
def test_odd_strings(odd: str) -> None:
    assert value("x == y", x=odd, y=odd) is True
    assert value("size(x)", x=odd) == len(odd)
    assert value("x.startsWith('zz')", x=odd) is False
    assert value("(x + 'b').endsWith('b')", x=odd) is True
    assert value("x.contains('zz')", x=odd) is False
    assert value("x.matches('^zz$')", x=odd) is False
    assert value("x in ['zz']", x=odd) is False
    assert isinstance(value("bytes(x)", x=odd), bytes)
    assert value("{x: 1}[x]", x=odd) == 1


def test_nul_does_not_end_a_string() -> None:
    assert value("x == 'a'", x="a\0b") is False
    assert value("x.matches('^a$')", x="a\0b") is False
    assert value("size(x)", x="a\0b") == 3


def test_deep_data() -> None:
    deep: Any = "leaf"
    other: Any = "leaf"
    for _ in range(10_000):
        deep, other = {"k": [deep]}, {"k": [other]}
    assert value("x == y", x=deep, y=other) is True
    assert value("x in [y]", x=deep, y=other) is True
    assert value("has(x.k) && size(x.k) == 1", x=deep) is True
    assert value("x.k[0].k.exists(i, i == y)", x=deep, y=deep["k"][0]["k"][0]) is True
    for text in ("string(x)", "x < y", "x + y", "x.matches('a')"):
        assert error(text, x=deep, y=other).startswith("no such overload")


def test_absorption_never_hides_a_wrong_type() -> None:
    assert error("x || false", x="yes") == "no such overload"
    assert value("x || true", x="yes") is True
    assert value("x && false", x="yes") is False
    assert error("[x].all(i, i)", x="yes") == "no such overload"
    assert error("x ? 1 : 2", x="yes") == "no such overload"
    assert error("!x", x="yes") == "no such overload"


def test_unchecked_expressions_evaluate() -> None:
    program = CORE.compile_unchecked("x.a + 1 == y ? 'same' : [1, 'mixed'][1]")
    assert program.evaluate({"x": {"a": 1}, "y": 2}, Budget(1000)) == "same"
    assert program.evaluate({"x": {"a": 1}, "y": 3}, Budget(1000)) == "mixed"


@pytest.mark.parametrize(
    "text",
    ["x.a", "x.a == 1 || x.b == 2", "[1, 0].map(i, i / 0)", "[x].all(i, i.a)", "[x][1]", "!y", "int(x)"],
)
def test_errors_leave_no_garbage(text: str) -> None:
    """What an evaluation made goes away with it; the garbage collector would find it late."""
    program = CORE.compile(text)

    def run() -> None:
        with pytest.raises(EvaluationError):
            program.evaluate({"x": {}, "y": 1}, Budget(1000))

    run()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(100):
            with suppress(EvaluationError):
                program.evaluate({"x": {}, "y": 1}, Budget(1000))
        assert len(gc.get_objects()) - before < 100
    finally:
        gc.enable()


def test_code_makes_python_warn_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in (
            "1 == 1",
            "null == dyn(null)",
            "dyn(null).x",
            "dyn(1)[0]",
            "true == dyn(true)",
            "dyn('a')['b']",
        ):
            CORE.compile(text)


def test_programs_are_shared_by_threads() -> None:
    program = KUBERNETES.compile(
        "object.items.filter(i, i.n >= x).map(i, i.n + x).size() == y || object.items[99].n > 0"
    )

    def run(number: int) -> object:
        data = {"object": {"items": [{"n": n} for n in range(number)]}, "x": 3, "y": max(number - 3, 0)}
        return program.evaluate(data, Budget(10**6))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(200)))


ODD: list[Any] = [None, True, False, 0, 1, -1, 2**63, 10**400, 1.5, math.inf, "", "a", "é\ud800", b"x"]
ODD += [[], [1], ["a", None], [[]], (1, 2), {}, {"a": 1}, {"name": "a"}, {1: 2}]
PROGRAMS = [KUBERNETES.compile(case["expression"]) for case in RECORD["cases"] if "compile" not in case]

IDIOMS = (
    "x.startsWith(y)",
    "x.endsWith(y)",
    "'ab'.startsWith(x)",
    "x.?a.orValue([]) + y.?a.orValue([])",
    "x.?a.orValue([1]) + y.?name.orValue([2]) + [3]",
    "[x].map(i, i) + y",
    "y + [x].map(i, i)",
    "x.map(i, i) + y.map(i, i)",
    "[x.?a, y.?name].exists(each, each.?b.?c.orValue('') != '')",
    "[x.?a, y.?a].map(each, each.?b.orValue(1))",
    "[x.?a, y.?name].map(each, each.hasValue())",
    "[x.?a, y.?name].map(each, each.value())",
    "optional.of(x).?a.orValue(y)",
    "optional.of(x).a.b.orValue(y)",
    "optional.none().?a.?b.orValue(y)",
    "optional.of(x).value() == y",
)
"""What policies often say, of data that may be anything."""
PROGRAMS += [KUBERNETES.compile(text) for text in IDIOMS]


def _mutated(value: Any, random: Random) -> Any:
    """Data with parts left out and parts replaced by what nobody expects."""
    if random.random() < 0.08:
        return random.choice(ODD)
    if isinstance(value, dict):
        return {key: _mutated(part, random) for key, part in value.items() if random.random() > 0.04}
    return [_mutated(part, random) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("text", IDIOMS)
def test_idioms_give_the_same_and_cost_as_much_whatever_the_data(text: str) -> None:
    program = KUBERNETES.compile(text)
    for x, y in itertools.product([*ODD, {"a": [1]}, {"a": {"b": {"c": "d"}}}, {"name": [2]}], repeat=2):
        quick, plain = (
            _outcome(run, {"x": x, "y": y}) for run in (program.evaluate, program.evaluate_plainly)
        )
        assert quick[0] == plain[0]
        assert plain[1] <= quick[1] <= plain[1] + 2 or quick[0].startswith("error")


def _outcome(evaluate: Callable[[dict[str, Any], Budget], Any], data: dict[str, Any]) -> tuple[str, int]:
    """What an evaluation gives, and what it costs."""
    budget = Budget(10**7)
    try:
        said = notation(evaluate(data, budget))
    except EvaluationError as failure:
        said = f"error: {failure}"
    return said, 10**7 - budget.remaining


@pytest.mark.parametrize("seed", range(8))
def test_both_kinds_of_code_agree_on_any_data(seed: int) -> None:
    random = Random(seed)
    data = {
        "object": _mutated(DATA["object"], random),
        "x": random.choice(ODD),
        "y": random.choice(ODD),
    }
    for program in PROGRAMS:
        outcomes = []
        for evaluate in (program.evaluate, program.evaluate_plainly):
            try:
                outcomes.append(notation(evaluate(data, Budget(10**7))))
            except EvaluationError as failure:
                outcomes.append(f"error: {failure}")
        assert outcomes[0] == outcomes[1], program.text
