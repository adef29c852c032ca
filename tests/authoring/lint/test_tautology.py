"""What is the same for all there can be is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import TRUE, linted

SIZE = "object.spec.containers.size()"
ANYWHERE = "GK505 error: this pattern finds something in every text. End it with $, and ask for one character at least"
MISTAKES = {
    f"{SIZE} >= 0": "GK505 error: a size is never below 0, so this is true always. Compare with something else",
    f"{SIZE} > 5 && {SIZE} < 3": f"GK505 error: no {SIZE} is within these bounds. Correct the bounds, or ask by ||",
    f"{SIZE} > 3 || {SIZE} < 5": f"GK505 error: every {SIZE} is within these bounds. Correct the bounds, or ask by &&",
    "object.metadata.name.matches('^[a-z]*')": ANYWHERE,
    "object.metadata.name.matches('/^a$/')": (
        "GK505 error: this pattern finds nothing: RE2 has no slashes around it. Write it without, and (?i) before it for flags"
    ),
    "object.metadata.name.contains('')": "GK505 error: every text holds the empty one. Compare with something else",
    "!(object.metadata.name in [])": "GK505 error: nothing is in an empty list. Name what is meant",
}  # fmt: skip


@pytest.mark.parametrize("expression", MISTAKES)
def test_a_mistake_is_told(expression: str, tmp_path: Path) -> None:
    told = [line.partition(": ")[2] for line in linted(tmp_path, TRUE, expression) if "GK505" in line]
    assert told == [MISTAKES[expression]]


def test_a_thing_and_its_opposite_are_told(tmp_path: Path) -> None:
    told = linted(tmp_path, TRUE, "has(object.spec.nodeName) || !has(object.spec.nodeName)")
    expected = "this asks for one thing and its opposite, so it is true always. Ask for one of them"
    assert [line.partition("GK505 error: ")[2] for line in told if "GK505" in line] == [expected]


@pytest.mark.parametrize(
    "expression",
    [
        f"{SIZE} > 0",
        f"{SIZE} > 1 && {SIZE} < 3",
        f"{SIZE} > 5 || {SIZE} < 3",
        f"{SIZE} == 1 || {SIZE} == 3",
        "object.metadata.name.matches('^[a-z]*$')",
        "object.metadata.name.matches('^prod-')",
    ],
)
def test_what_asks_for_something_is_not_told(expression: str, tmp_path: Path) -> None:
    assert not [line for line in linted(tmp_path, TRUE, expression) if "GK505" in line]
