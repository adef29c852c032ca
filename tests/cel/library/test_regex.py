"""find and findAll match as Go's regexp does, within bounded time."""

from __future__ import annotations

from contextlib import suppress

import pytest

from gatekeeper_py.cel import CostExceeded
from tests.cel.library.expressions import error, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'abc 123'.find('[0-9]+')", "123"),
        ("'abc'.find('x')", ""),
        ("'123 abc 456'.findAll('[0-9]*')", ["123", "", "", "", "", "456"]),
        ("'é é'.findAll('x*')", ["", "", "", ""]),
        ("'aaa'.findAll('a', 2)", ["a", "a"]),
        ("'aaa'.findAll('a', 0)", []),
        ("'ab ab'.findAll('^ab')", ["ab"]),
        (r"'aXb'.findAll('(a|b)\\b|X')", ["X", "b"]),
    ],
)
def test_matches_are_those_of_go(text: str, value: object) -> None:
    assert evaluate(text) == value


def test_a_pattern_from_data_may_be_bad() -> None:
    message = "Illegal regex: error parsing regexp: missing closing ): `(`"
    assert error("'a'.find(object)", "(") == message
    assert error("'a'.findAll(object)", "(") == message


def test_nul_and_surrogates_do_no_harm() -> None:
    assert evaluate("object.findAll('.').size()", "a\0\ud800b") == 4
    assert error("'a'.find(object)", "(\ud800").startswith("Illegal regex")


@pytest.mark.parametrize("pattern", ["(a*)*b", "a.*b|a", "(a|a)*c", "a?" * 500])
def test_catastrophic_patterns_are_not(pattern: str) -> None:
    data = {"text": "a" * 300_000, "pattern": pattern}
    with suppress(CostExceeded):
        assert evaluate("object.text.findAll(object.pattern).size() >= 0", data) is True
