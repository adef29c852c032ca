"""What is wrong with a text that does not parse: what cel-go 0.26.0 says of it, recorded in data/syntax_errors.jsonl."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper_py.cel.syntax.diagnosis import diagnose
from gatekeeper_py.cel.syntax.source import Issues

START = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', "
    "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)
"""All that an expression can begin with; the record writes START."""

RECORD: list[tuple[str, list[str]]] = [
    (case["text"], case["issues"])
    for case in map(
        json.loads,
        (Path(__file__).parent / "data" / "syntax_errors.jsonl").read_text(encoding="utf-8").splitlines(),
    )
]


def diagnosed(text: str) -> list[str]:
    """Line, column and message of every issue, in the order of their places."""
    issues = Issues(text)
    diagnose(issues)
    return [f"{i.line}:{i.column} {i.message}".replace(START, "START") for i in issues.error().issues]


@pytest.mark.parametrize(("text", "expected"), RECORD, ids=[text for text, _ in RECORD])
def test_a_text_is_diagnosed_as_cel_go_does(text: str, expected: list[str]) -> None:
    assert diagnosed(text) == expected


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("(" * 251, "-1:0 expression recursion limit exceeded: 250"),
        ("[" * 100_000, "-1:0 expression recursion limit exceeded: 250"),
        ("{a" * 40, "1:81 Syntax error: error recovery attempt limit exceeded: 30"),
        ("$" * 100_000, "1:100 Syntax error: token recognition error at: '$'"),
    ],
    ids=["nested", "nested deeper than a stack", "hopeless", "noise"],
)
def test_a_hostile_text_is_given_up_at_cel_gos_limits(text: str, last: str) -> None:
    assert last in diagnosed(text)


@pytest.mark.parametrize("text", ["a", "", " ", "a.b[0] ? {1: 2} : [f(x), -1]"])
def test_there_is_always_an_issue(text: str) -> None:
    assert diagnosed(text)
