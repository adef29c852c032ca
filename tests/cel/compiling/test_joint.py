"""Many rules as one function: what it finds, what it computes once, and what it leaves to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gatekeeper_py.cel import (
    DYN,
    STRIDE,
    Budget,
    CostExceeded,
    DeadlineExceeded,
    Function,
    Library,
    Overload,
    object_type,
)
from gatekeeper_py.cel.compiling import joint
from gatekeeper_py.cel.compiling.joint import Found, JointRule, Part, is_joinable, join
from gatekeeper_py.cel.environment import kubernetes_environment

VARIABLES = object_type("Variables", {"a": DYN, "b": DYN, "c": DYN})
CALLS: list[object] = []


def _counted(value: object) -> object:
    CALLS.append(value)
    return value


COUNTING = Library(
    "counting", functions=(Function("counted", (Overload("counted_dyn", (DYN,), DYN, _counted),)),)
)
ENVIRONMENT = kubernetes_environment().extend(
    variables={"it": DYN, "variables": VARIABLES}, libraries=[COUNTING]
)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    CALLS.clear()


def part(text: str, **fields: Part) -> Part:
    return Part(ENVIRONMENT.compile(text).checked, fields)


def rule(conditions: Sequence[Part], *tests: Part, chained: bool = True, **more: Any) -> JointRule:
    return JointRule(tuple(conditions), chained, tests=tests, **more)


def found(
    rules: Sequence[JointRule], it: object, known: Mapping[tuple[str, ...], object] | None = None
) -> Found:
    return join(rules, known or {}, "variables")({"it": it}, Budget(1_000_000))


def emptied(*lists: Part, conditions: Sequence[Part] = ()) -> JointRule:
    shown = tuple((str(at), each) for at, each in enumerate(lists))
    return rule(conditions, needed=lists, empty=lists, shown=shown)


YES, NO, ODD = part("it.yes"), part("it.no"), part("it.gone")
NONE, SOME = part("it.no ? [1] : []"), part("[1, 2].filter(n, it.yes)")
DATA = {"yes": True, "no": False, "odd": "x", "n": 3}

FINDS: dict[str, tuple[JointRule, Found]] = {
    "met": (rule((), YES), {}),
    "not met": (rule((), YES, NO), {0: None}),
    "shows nothing": (rule((), NO, shown=()), {0: {}}),
    "does not apply": (rule((NO,), NO), {}),
    "applies": (rule((YES,), NO), {0: None}),
    "test without a value": (rule((YES,), ODD, shown=()), {0: {}}),
    "test that is no bool": (rule((YES,), part("it.odd"), shown=()), {0: {}}),
    "condition without a value": (rule((YES, ODD), YES, shown=()), {0: None}),
    "false before one without a value": (rule((NO, ODD), NO), {}),
    "false after one without a value": (rule((ODD, NO), NO), {0: None}),
    "condition that is no bool": (rule((part("it.odd"),), YES), {0: None}),
    "all conditions count": (rule((YES, ODD, YES, YES), NO, chained=False), {0: None}),
    "one is false, another has no value": (rule((ODD, NO, YES, YES), NO, chained=False), {}),
    "all conditions hold": (rule((YES, YES), NO, chained=False), {0: None}),
    "one of all conditions does not": (rule((YES, NO), NO, chained=False), {}),
    "empty": (emptied(NONE), {}),
    "not empty": (emptied(NONE, SOME), {0: {"0": [], "1": [1, 2]}}),
    "empty of itself": (emptied(part("[]")), {}),
    "list without a value": (emptied(NONE, ODD), {0: {}}),
    "not empty, does not apply": (emptied(SOME, conditions=(NO,)), {}),
    "never met": (JointRule((YES,), chained=True), {0: None}),
    "never met, does not apply": (JointRule((NO,), chained=True), {}),
}


@pytest.mark.parametrize(("given", "expected"), FINDS.values(), ids=FINDS)
def test_it_finds_the_rules_that_are_not_surely_met(given: JointRule, expected: Found) -> None:
    assert found([given], DATA) == expected


def test_rules_do_not_disturb_each_other() -> None:
    rules = [given for given, _ in FINDS.values()]
    expected = {at: said[0] for at, (_, said) in enumerate(FINDS.values()) if said}
    assert found(rules, DATA) == expected


def test_what_rules_have_in_common_is_computed_once() -> None:
    once = part("counted(it.n)")
    reads = part("variables.a == 3", a=once)
    asks = part("counted(it.yes)")
    rules = [
        rule((asks,), reads, needed=(once,), shown=(("a", once),)),
        rule((asks, NO), reads, needed=(once,)),
        rule((asks, YES), part("variables.a == 4", a=once), needed=(once,), shown=(("a", once),)),
    ]
    assert found(rules, DATA) == {2: {"a": 3}}
    assert CALLS == [True, 3]


def test_what_is_perhaps_read_waits_until_it_is() -> None:
    costly = part("counted(it.n)")
    reads = part("it.yes || variables.a == 3", a=costly)
    again = part("it.no || variables.a == 3 || variables.a == 4", a=costly)
    assert found([rule((), reads)], DATA) == {}
    assert CALLS == []
    assert found([rule((), reads), rule((), again), rule((), again)], {**DATA, "n": 4}) == {}
    assert CALLS == [4]


def test_a_variable_that_fails_leaves_open_who_reads_it() -> None:
    fails = part("counted(it.gone)")
    reads = part("has(variables.a)", a=fails)
    rules = [
        rule((), reads, needed=(fails,), shown=(("a", fails),)),
        rule((), YES),
        rule((YES,), reads, needed=(fails,), shown=(("a", fails),)),
        rule((), part("it.yes || variables.a", a=fails)),
    ]
    assert found(rules, DATA) == {0: {}, 2: {}}


def test_what_is_evaluated_to_be_paid_for_may_fail() -> None:
    rules = [rule((), YES, paid=(part("counted(it.n)"), part("it.gone"))), rule((), NO)]
    assert found(rules, DATA) == {1: None}
    assert CALLS == [3]


def test_what_follows_from_what_is_known_is_not_computed() -> None:
    kind = part("it.kind")
    rules = [
        rule((part("it.kind == 'A' || counted(it.yes)"),), NO),
        rule((part("it.kind == 'B' && counted(it.yes)"),), NO),
        rule((), part("variables.a == 'A' ? it.yes : counted(it.no)", a=kind), needed=(kind,)),
        rule((), part("variables.a == 'B'", a=kind), needed=(kind,), shown=(("a", kind),)),
    ]
    assert found(rules, DATA, {("it", "kind"): "A"}) == {0: None, 3: {"a": "A"}}
    assert CALLS == []


def test_a_part_that_would_be_written_too_often_leaves_its_rule_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint, "MAX_COPIES", 1)
    costly = part("counted(it.n)")
    reads = part("it.no || variables.a == 3", a=costly)
    twice = part("it.yes ? (it.no || variables.a == 4) : (it.no || variables.a == 3)", a=costly)
    assert found([rule((), reads, shown=()), rule((), twice, shown=())], DATA) == {1: {}}
    assert found([rule((), twice, shown=()), rule((), reads, shown=())], DATA) == {0: {}}


def test_it_costs_at_least_what_its_parts_cost() -> None:
    text = "[1, 2, 3].exists(x, x == it.n) && it.n + 1 == 4"
    alone, together = Budget(1_000), Budget(1_000)
    ENVIRONMENT.compile(text).evaluate_plainly({"it": DATA}, alone)
    join([rule((), part(text))], {}, "variables")({"it": DATA}, together)
    assert together.remaining <= alone.remaining


class _Stops(Budget):
    """Says stop at the first checkpoint."""

    def __init__(self, error: Exception) -> None:
        super().__init__(1_000_000)
        self.error = error

    def checkpoint(self, cost: int) -> int:
        raise self.error


@pytest.mark.parametrize("error", [CostExceeded("too dear"), DeadlineExceeded("too late")])
def test_what_costs_too_much_is_no_answer(error: Exception) -> None:
    walks = part("it.all(x, x == x)")
    function = join([rule((), walks), rule((YES,), YES)], {}, "variables")
    with pytest.raises(type(error)):
        function({"it": list(range(STRIDE))}, _Stops(error))


JOINABLE = {
    "it.a && variables.a": True,
    "has(variables.a)": True,
    "variables.b": False,
    "variables == variables": False,
    "variables.?a.orValue(1) == 1": False,
    "it.all(variables, variables.x)": True,
    "[2, 1].sort() == [1, 2] && it.a": False,
    "it[" * 45 + "it.a" + "]" * 45 + " == 1": False,
}


@pytest.mark.parametrize(("text", "joinable"), JOINABLE.items())
def test_what_can_be_a_part(text: str, joinable: bool) -> None:
    environment = ENVIRONMENT.extend(variables={"it": DYN})
    made = Part(environment.compile(text).checked, {"a": part("it.a")})
    assert is_joinable(made, "variables") is joinable
