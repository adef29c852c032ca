"""What is left of an expression gives what the whole one gives, and never costs less."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from random import Random
from typing import Any

import pytest

from gatekeeper_py.cel import (
    BOOL,
    DYN,
    NOTHING,
    STRING,
    Budget,
    EvaluationError,
    Program,
    object_type,
)
from gatekeeper_py.cel.compiling.generator import generate
from gatekeeper_py.cel.compiling.specialization import specialize
from gatekeeper_py.cel.environment import kubernetes_environment

ASKED = object_type("Asked", {"operation": STRING, "part": STRING, "dry": BOOL})
ENVIRONMENT = kubernetes_environment().extend(variables={"asked": ASKED, "old": DYN, "it": DYN})
KNOWN = {
    ("asked", "operation"): "CREATE",
    ("asked", "part"): NOTHING,
    ("old",): None,
    ("it", "kind"): "Pod",
}

SETTLED = {
    "asked.operation == 'CREATE'": True,
    "asked.operation != 'CREATE'": False,
    "'CREATE' == asked.operation": True,
    "asked.operation in ['CREATE', 'UPDATE']": True,
    "!(asked.operation in ['DELETE'])": True,
    "has(asked.part)": False,
    "has(it.kind)": True,
    "old == null": True,
    "old == null || it.spec.size > 1": True,
    "asked.operation == 'DELETE' && it.spec.size > 1": False,
    "it.kind == 'Pod' ? old == null : it.spec.size > 1": True,
    "it.kind.startsWith('Po')": True,
    "asked.operation == it.kind": False,
    "true": True,
    "it.kind": "Pod",
}
LEFT = {
    "old != null && it.a || it.b == 1": "it.b == 1",
    "it.kind == 'Pod' ? it.spec : it.template.spec": "it.spec",
    "old == null && it.a == 1": "it.a == 1",
    "old == null && it.a": "true && it.a",
    "it.a == 1 && old == null": "it.a == 1",
    "it.a == 1 && old != null": "it.a == 1 && false",
    "[dyn(it.kind == 'Pod'), it.a]": "[dyn(it.kind == 'Pod'), it.a]",
    "it.items.exists(each, each.kind == it.kind && old == null)": "it.items.exists(each, each.kind == it.kind)",
    "it.items.all(it, it.kind == 'Pod')": "it.items.all(it, it.kind == 'Pod')",
    "asked.part == 'x'": "asked.part == 'x'",
    "asked.dry": "asked.dry",
    "size(it.kind == 'Pod' ? it.a : it.b) > 1": "size(it.a) > 1",
    "it.?kind.orValue('') == 'Pod'": "it.?kind.orValue('') == 'Pod'",
    "{'a': it.kind == 'Pod' ? it.a : it.b}": "{'a': it.a}",
}
"""What an expression becomes, written as an expression."""


def shape(part: Any) -> Any:
    """A tree as nested tuples, without where it stands in a text."""
    if isinstance(part, tuple):
        return tuple(map(shape, part))
    if not is_dataclass(part):
        return part
    names = (field.name for field in fields(part) if field.name not in ("span", "position"))
    return type(part).__name__, *(shape(getattr(part, name)) for name in names)


@pytest.mark.parametrize(("text", "value"), SETTLED.items())
def test_what_is_known_settles(text: str, value: object) -> None:
    assert specialize(ENVIRONMENT.compile(text).checked, KNOWN).value == value


@pytest.mark.parametrize(("text", "left"), LEFT.items())
def test_only_what_decides_is_left_out(text: str, left: str) -> None:
    made = specialize(ENVIRONMENT.compile(text).checked, KNOWN)
    assert made.value is NOTHING
    assert shape(made.checked.node) == shape(ENVIRONMENT.compile(left).checked.node)


def test_an_expression_of_which_nothing_is_known_stays_as_it_is() -> None:
    checked = ENVIRONMENT.compile("it.items.map(each, each.kind == 'Pod' ? it.a : [it.b])").checked
    assert specialize(checked, {}).checked.node is checked.node


ATOMS = [
    *("asked.operation == 'CREATE'", "has(asked.part)", "old == null", "it.kind == 'Pod'", "asked.dry"),
    *("it.a == 1", "it.a", "it.gone == 1", "has(it.gone)", "it.b in ['x', 'Pod']", "true", "false"),
    *("asked.operation in ['UPDATE', 'CREATE']", "it.kind in [it.b, dyn('Pod')]", "it.kind.startsWith(it.b)"),
]


def any_text(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.2:
        return random.choice(ATOMS)
    parts = [any_text(random, depth - 1) for _ in range(3)]
    form = random.choice(
        ["({0} && {1})", "({0} || {1})", "!({0})", "({0} ? {1} : {2})", "it.list.exists(x, {0} && x == 1)"]
    )
    return form.format(*parts)


def outcome(run: Any, data: dict[str, object]) -> tuple[object, int]:
    """What comes of an expression, an error as its text, and what it cost."""
    budget = Budget(1_000_000)
    try:
        value = run(data, budget)
    except EvaluationError as error:
        value = f"error: {error}"
    return value, 1_000_000 - budget.remaining


@pytest.mark.parametrize("seed", range(300))
def test_it_gives_what_the_whole_gives_and_pays_no_less(seed: int) -> None:
    random = Random(seed)
    text = any_text(random, 4)
    program: Program = ENVIRONMENT.compile(text)
    made = specialize(program.checked, KNOWN)
    left = generate(made.checked)
    for b in ("x", "Pod", 1):
        for a in (1, True, None):
            it = {"kind": "Pod", "a": a, "b": b, "list": [1, 2]}
            data: dict[str, object] = {"asked": {"operation": "CREATE", "dry": True}, "old": None, "it": it}
            expected, cost = outcome(program.evaluate_plainly, data)
            value, paid = outcome(left, data)
            assert value == expected
            assert paid + made.units >= cost
