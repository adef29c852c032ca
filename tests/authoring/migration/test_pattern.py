"""A pattern and its CEL say the same of objects whose structure nobody knows, and what is not sure is refused.

What Kyverno itself says of patterns about known kinds is recorded: see test_rivals.
"""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.authoring.migration.carried import CannotCarry
from gatekeeper_py.authoring.migration.pattern import Value, pattern_outcome
from gatekeeper_py.cel import Budget, EvaluationError, kubernetes_environment, types

ENVIRONMENT = kubernetes_environment().extend(variables={"object": types.DYN})


def alike(pattern: Any, value: Any) -> bool:
    """Whether the CEL holds; an error refuses, as under failurePolicy Fail."""
    condition = pattern_outcome(pattern, Value("object"), ()).accepted
    program = ENVIRONMENT.compile(condition.text, types.BOOL)
    try:
        return program.evaluate({"object": value}, Budget(10**7)) is True
    except EvaluationError:
        return False


CASES: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "a field that must be there": ({"a": "*"}, [{"a": 1}, {"a": ""}], [{}, {"b": 1}]),
    "a field that must not be empty": ({"a": "?*"}, [{"a": "x"}, {"a": 1}], [{}, {"a": ""}]),
    "a text": ({"a": "x"}, [{"a": "x"}], [{"a": "xx"}, {"a": 1}, {}]),
    "a text in which Kyverno reads its own error": ({"a": "x"}, [], [{"a": "conditional anchor mismatch"}]),
    "a text with regular characters": ({"a": "a.b+(c)"}, [{"a": "a.b+(c)"}], [{"a": "axb+(c)"}]),
    "wildcards": ({"a": "x*.?z"}, [{"a": "x.az"}, {"a": "xyy\n.bz"}], [{"a": "x.z"}, {"a": "ax.az"}]),
    "alternatives": ({"a": "x | y*"}, [{"a": "x"}, {"a": "yes"}], [{"a": "z"}]),
    "a negation": ({"a": "!*:latest"}, [{"a": "x:1"}], [{"a": "x:latest"}, {}]),
    "both": ({"a": "!*:latest & *:*"}, [{"a": "x:1"}], [{"a": "x:latest"}, {"a": "x"}]),
    "a number": ({"a": 3}, [{"a": 3}, {"a": "3"}, {"a": "+03"}], [{"a": 4}, {"a": "-3"}, {"a": True}, {}]),
    "a negative number": ({"a": -3}, [{"a": -3}, {"a": "-03"}], [{"a": 3}, {}]),
    "no number": ({"a": 0}, [{"a": 0}, {"a": "-00"}], [{"a": 1}, {}]),
    "a bool": ({"a": False}, [{"a": False}], [{"a": True}, {}, {"a": "false"}, {"a": 0}]),
    "null is nothing": ({"a": None}, [{}, {"a": 0}, {"a": ""}, {"a": False}, {"a": []}], [{"a": 1}, {"a": {}}, {"a": "x"}]),
    "a map is like no text": ({"=(a)": "*"}, [{}, {"a": 1}, {"a": []}], [{"a": {}}]),
    "a list of texts is like a text item by item": ({"a": "x*"}, [{"a": ["x", "xy"]}, {"a": []}], [{"a": ["x", "y"]}]),
    "a list of texts": ({"a": ["x*"]}, [{"a": ["x", "xy"]}, {"a": []}], [{"a": ["x", "y"]}, {"a": "x"}, {}]),
    "amounts": ({"a": ">=1Ki"}, [{"a": "1Ki"}, {"a": "2k"}, {"a": 1024}], [{"a": "1k"}, {"a": "large"}, {}]),
    "durations": ({"a": "1m-1h"}, [{"a": "60s"}, {"a": "59m60s"}], [{"a": "1h1s"}, {"a": "1 hour"}, {"a": "0"}, {}]),
    "amounts that absence is like": ({"a": "<5"}, [{}, {"a": 4}, {"a": "4"}], [{"a": 5}, {"a": "x"}]),
    "a condition": ({"(a)": "x", "b": 1}, [{}, {"a": "y"}, {"a": "x", "b": 1}], [{"a": "x"}, {"a": "x", "b": 2}]),
    "conditions of items": ({"c": [{"(a)": "x", "b": 1}]}, [{"c": []}, {"c": [{}, {"a": "y"}]}, {"c": [{"a": "x", "b": 1}, {}]}], [{"c": [{"a": "x"}, {}]}, {}]),
    "a condition that holds for absence": ({"<(a)": "x", "b": 1}, [{"b": 1}, {"a": "y"}], [{}, {"a": "x"}]),
    "existence": ({"^(a)": [{"b": 1}, {"b": 2}]}, [{}, {"a": [{"b": 2}, {"b": 1}]}], [{"a": []}, {"a": [{"b": 1}]}, {"a": "x"}]),
    "names that CEL keeps": ({"in": "x", "=(for)": 1}, [{"in": "x"}, {"in": "x", "for": 1}], [{}, {"in": "x", "for": 2}]),
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
        ({"+(a)": "x"}, ("+(a)",), "+(a), which is for mutation"),
        ({"=(a)": {"<(b)": 1}}, ("=(a)", "<(b)"), "the global anchor <(b) below another"),
        ({"^(a)": {"b": 1}}, ("^(a)",), "an existence anchor without a list of maps"),
        ({"a": "{{ request.name }}"}, ("a",), "a variable in a pattern"),
        ({"{{ a }}": "x"}, ("{{ a }}",), "a variable in a pattern"),
        ({"a": "$(../b)"}, ("a",), "a variable in a pattern"),
        ({"a*": "x"}, ("a*",), "a field with a wildcard in its name"),
        ({"a": ["x", "y"]}, ("a",), "a list of several patterns"),
        ({"a": []}, ("a",), "a list of no pattern"),
        ({"a": [["x"]]}, ("a", 0), "a list in a list"),
        ({"a": 1.5}, ("a",), "a pattern of 1.5"),
    ],
)
def test_what_is_not_sure_is_refused(pattern: Any, path: tuple[str, ...], what: str) -> None:
    with pytest.raises(CannotCarry) as raised:
        pattern_outcome(pattern, Value("object"), ())
    assert (raised.value.path, str(raised.value)) == (path, what)
