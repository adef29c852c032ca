"""Conditions are put together with the brackets that they need, and no others."""

from __future__ import annotations

import pytest

from gatekeeper_py.authoring.migration.logic import FALSE, TRUE, Condition, every, negated, some

A, B, SAME = Condition("has(a)"), Condition("b"), Condition("x == 1", "==")


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (every([]), "true"),
        (some([]), "false"),
        (every([A, TRUE, A]), "has(a)"),
        (every([A, FALSE]), "false"),
        (some([A, TRUE]), "true"),
        (every([A, SAME]), "has(a) && x == 1"),
        (every([A, some([B, SAME])]), "has(a) && (b || x == 1)"),
        (some([A, every([B, SAME])]), "has(a) || (b && x == 1)"),
        (every([A, every([B, SAME])]), "has(a) && b && x == 1"),
        (negated(A), "!has(a)"),
        (negated(negated(A)), "has(a)"),
        (negated(SAME), "!(x == 1)"),
        (negated(every([A, B])), "!(has(a) && b)"),
        (negated(TRUE), "false"),
        (negated(FALSE), "true"),
    ],
)
def test_conditions(condition: Condition, text: str) -> None:
    assert str(condition) == text
