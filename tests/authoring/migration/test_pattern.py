"""A pattern and its CEL say the same of objects, and what is not sure is refused."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.authoring.migration.carried import CannotCarry
from gatekeeper_py.authoring.migration.pattern import pattern_condition
from gatekeeper_py.cel import Budget, EvaluationError, kubernetes_environment, types

ENVIRONMENT = kubernetes_environment().extend(variables={"object": types.DYN})


def alike(pattern: Any, value: Any) -> bool:
    """Whether the CEL holds; an error refuses, as under failurePolicy Fail."""
    program = ENVIRONMENT.compile(pattern_condition(pattern, "object", ()), types.BOOL)
    try:
        return program.evaluate({"object": value}, Budget(10**7)) is True
    except EvaluationError:
        return False


CASES: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "a field that must be there": ({"a": "*"}, [{"a": 1}, {"a": ""}], [{}, {"b": 1}]),
    "a field that must not be empty": ({"a": "?*"}, [{"a": "x"}, {"a": 1}], [{}, {"a": ""}]),
    "a text": ({"a": "x"}, [{"a": "x"}], [{"a": "xx"}, {"a": 1}, {}]),
    "a text with regular characters": ({"a": "a.b+(c)"}, [{"a": "a.b+(c)"}], [{"a": "axb+(c)"}]),
    "wildcards": ({"a": "x*.?z"}, [{"a": "x.az"}, {"a": "xyy\n.bz"}], [{"a": "x.z"}, {"a": "ax.az"}]),
    "alternatives": ({"a": "x | y*"}, [{"a": "x"}, {"a": "yes"}], [{"a": "z"}]),
    "a negation": ({"a": "!*:latest"}, [{"a": "x:1"}], [{"a": "x:latest"}, {}]),
    "both": ({"a": "!*:latest & *:*"}, [{"a": "x:1"}], [{"a": "x:latest"}, {"a": "x"}]),
    "a number": ({"a": 3}, [{"a": 3}, {"a": "3"}], [{"a": 4}, {}]),
    "a bool": ({"a": False}, [{"a": False}], [{"a": True}, {}, {"a": "false"}]),
    "null is absence": ({"a": None}, [{}], [{"a": 1}]),
    "where it is there": ({"=(a)": {"=(b)": False}}, [{}, {"a": {}}, {"a": {"b": False}}], [{"a": {"b": True}}]),
    "absent": ({"X(a)": "null"}, [{}, {"b": 1}], [{"a": 1}]),
    "keys that are no names": ({"a": {"x.io/y": "?*"}}, [{"a": {"x.io/y": "1"}}], [{"a": {}}, {"a": {"x.io/y": ""}}]),
    "absent keys that are no names": ({"X(x.io/y)": None}, [{}], [{"x.io/y": "1"}]),
    "every item": ({"a": [{"b": "x"}]}, [{"a": []}, {"a": [{"b": "x"}, {"b": "x", "c": 1}]}], [{"a": [{"b": "x"}, {}]}, {}]),
    "items of items": ({"a": [{"=(b)": [{"c": 1}]}]}, [{"a": [{}, {"b": [{"c": 1}]}]}], [{"a": [{"b": [{"c": 2}]}]}]),
    "what is no list": ({"a": [{"b": "x"}]}, [], [{"a": "x"}]),
    "an empty pattern": ({}, [{}, {"a": 1}], []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_pattern(name: str) -> None:
    pattern, like, unlike = CASES[name]
    assert [value for value in like if not alike(pattern, value)] == []
    assert [value for value in unlike if alike(pattern, value)] == []


@pytest.mark.parametrize(
    ("pattern", "path", "what"),
    [
        ({"(a)": "x"}, ("(a)",), "the anchor (a) compares fields with each other"),
        ({"^(a)": [{"b": 1}]}, ("^(a)",), "the anchor ^(a) compares fields with each other"),
        ({"a": ">1"}, ("a",), "the pattern '>1' compares amounts"),
        ({"a": "1-3"}, ("a",), "the pattern '1-3' compares amounts"),
        ({"a": "<= 1Gi"}, ("a",), "the pattern '<= 1Gi' compares amounts"),
        ({"a": "1Gi"}, ("a",), "the pattern '1Gi' compares amounts"),
        ({"a": "{{ request.name }}"}, ("a",), "a variable in a pattern"),
        ({"a*": "x"}, ("a*",), "a field with a wildcard in its name"),
        ({"a": ["x", "y"]}, ("a",), "a list of several patterns"),
        ({"a": 1.5}, ("a",), "a pattern of 1.5"),
    ],
)
def test_what_is_not_simple_is_refused(pattern: Any, path: tuple[str, ...], what: str) -> None:
    with pytest.raises(CannotCarry) as raised:
        pattern_condition(pattern, "object", ())
    assert (raised.value.path, str(raised.value)) == (path, what)
