from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.objects.selector import EVERYTHING, Selector, SelectorError, labels_of


def expression(operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "a", "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels", "matches"),
    [
        ({}, {}, True),
        ({"matchLabels": None, "matchExpressions": None}, {"a": "1"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
        ({"matchLabels": {"a": ""}}, {}, False),
        ({"matchLabels": {"a": "1", "b": "2"}}, {"a": "1"}, False),
        (expression("In", "1", "2"), {"a": "2"}, True),
        (expression("In", "1"), {}, False),
        (expression("NotIn", "1"), {}, True),
        (expression("NotIn", "1"), {"a": "1"}, False),
        (expression("NotIn", "1"), {"a": "2"}, True),
        (expression("Exists"), {"a": ""}, True),
        (expression("Exists"), {}, False),
        (expression("DoesNotExist"), {}, True),
        (expression("DoesNotExist"), {"a": ""}, False),
    ],
)
def test_matches_labels(selector: dict[str, Any], labels: dict[str, str], matches: bool) -> None:
    assert Selector.of(selector).matches(labels) is matches


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (expression("In"), "for 'in', 'notin' operators, values set can't be empty"),
        (expression("Exists", "1"), "values set must be empty for exists and does not exist"),
        (expression("Like", "1"), '"Like" is not a valid label selector operator'),
    ],
)
def test_refuses_what_makes_no_sense(selector: dict[str, Any], message: str) -> None:
    with pytest.raises(SelectorError, match=message):
        Selector.of(selector)


def test_only_a_selector_without_requirements_is_empty() -> None:
    assert EVERYTHING.empty
    assert not Selector.of({"matchLabels": {"a": "1"}}).empty


@pytest.mark.parametrize(
    ("holder", "labels"),
    [
        ({"metadata": {"labels": {"a": "1"}}}, {"a": "1"}),
        ({"metadata": {"labels": None}}, {}),
        ({"metadata": {"labels": ["a"]}}, {}),
        ({"metadata": "a"}, {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_labels_of_whatever_there_is(holder: dict[str, Any] | None, labels: dict[str, str]) -> None:
    assert labels_of(holder) == labels
