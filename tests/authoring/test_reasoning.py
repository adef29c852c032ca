"""Of an explanation what decided is kept, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.authoring.reasoning import Reason, reason_of
from gatekeeper_py.cel import explain, kubernetes_environment, types

ENVIRONMENT = kubernetes_environment().extend(variables={"a": types.DYN, "variables": types.DYN})


def told(text: str, variables: dict[str, str] | None = None, **a: Any) -> str:
    names = variables or {}
    values = {name: ENVIRONMENT.compile(each) for name, each in names.items()}
    explained = {name: explain(program, {"a": a}) for name, program in values.items()}
    given = {name: each.outcomes[-1].value for name, each in explained.items() if each.outcomes}
    explanation = explain(ENVIRONMENT.compile(text), {"a": a, "variables": given})
    return _line(reason_of(explanation, explained))


def _line(reason: Reason) -> str:
    below = "; ".join(map(_line, reason.reasons))
    return f"{reason.text} is {reason.gave}{f' ({below})' if below else ''}"


DECIDED: dict[str, tuple[str, dict[str, Any], str]] = {
    "of and the false one": ("a.x == 1 && a.y == 2 && a.z", {"x": 1, "y": 3, "z": True}, "a.x == 1 && a.y == 2 && a.z is false (a.y == 2 is false (a.y is 3))"),
    "of and that is true all": ("a.x && a.y", {"x": True, "y": True}, "a.x && a.y is true (a.x is true; a.y is true)"),
    "of or the true one": ("a.x || a.y", {"x": False, "y": True}, "a.x || a.y is true (a.y is true)"),
    "of a choice what was chosen": ("a.x ? a.y > 1 : a.z", {"x": True, "y": 1, "z": 9}, "a.x ? a.y > 1 : a.z is false (a.x is true; a.y > 1 is false (a.y is 1))"),
    "of all the item it stopped at": ("a.x.all(item, item > 1)", {"x": [2, 3, 1, 4]}, "a.x.all(item, item > 1) is false (item is 1)"),
    "of exists the item it found": ("a.x.exists(k, k == 'b')", {"x": {"a": 1, "b": 2}}, "a.x.exists(k, k == 'b') is true (k is 'b')"),
    "of two variables both": ("a.x.all(k, v, v < 2)", {"x": {"a": 1, "b": 2}}, "a.x.all(k, v, v < 2) is false (k is 'b'; v is 2)"),
    "of all that is true what it went through": ("a.x.all(item, item > 1)", {"x": [2]}, "a.x.all(item, item > 1) is true (a.x is [2])"),
    "of what makes a value, the value": ("a.x.filter(item, item > 1).size() == 0", {"x": [1, 2]}, "a.x.filter(item, item > 1).size() == 0 is false (a.x.filter(item, item > 1).size() is 1 (a.x.filter(item, item > 1) is [2]))"),
    "of an error where it arose": ("a.x == 1 && a.y.z == 2", {"x": 1, "y": {}}, "a.x == 1 && a.y.z == 2 is error: no such key: z (a.y.z == 2 is error: no such key: z (a.y.z is error: no such key: z))"),
    "of a negation nothing, for it says all": ("!a.x", {"x": True}, "!a.x is false"),
    "of a constant nothing": ("1 == 2", {}, "1 == 2 is false"),
}  # fmt: skip


@pytest.mark.parametrize("name", DECIDED)
def test_what_decided_is_told(name: str) -> None:
    text, a, expected = DECIDED[name]
    assert told(text, **a) == expected


def test_variables_are_followed_once() -> None:
    line = told(
        "variables.found.size() == 0 && variables.found == a.y",
        {"found": "a.x.filter(i, i > 1)"},
        x=[1, 2],
        y=[],
    )
    assert line.endswith(
        "(variables.found.size() == 0 is false (variables.found.size() is 1 (variables.found is [2] (a.x.filter(i, i > 1) is [2]))))"
    )
    both = told("variables.b && variables.c", {"b": "a.x", "c": "a.x"}, x=True)
    assert (
        both
        == "variables.b && variables.c is true (variables.b is true (a.x is true); variables.c is true (a.x is true))"
    )
