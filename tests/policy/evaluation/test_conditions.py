"""Match conditions: when a policy applies."""

from __future__ import annotations

import time
from typing import Any, Literal

import pytest

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.policy.evaluation.compilation import ExpressionKind
from gatekeeper_py.policy.evaluation.conditions import ConditionError, hold
from gatekeeper_py.policy.model import MatchCondition
from tests.policy.support import expression

ERROR_G = "object.g == 'x'"
ERROR_H = "object.h == 'x'"
SAID_G = f"expression '{ERROR_G}' resulted in error: no such key: g"
SAID_H = f"expression '{ERROR_H}' resulted in error: no such key: h"
LIST = list(range(250))
HEAVY = "object.l.all(a, object.l.all(b, a + b >= 0))"
SHORTAGE = "validation failed due to running out of cost budget, no further validation rules will be run"


def holds(*texts: str, policy: Literal["Fail", "Ignore"] = "Fail", deadline: float | None = None) -> bool:
    conditions = [
        MatchCondition(f"c{index}", expression(text, ExpressionKind.MATCH_CONDITION))
        for index, text in enumerate(texts)
    ]
    activation: dict[str, Any] = {"object": {"l": LIST}}
    return hold(conditions, activation, policy, deadline)


def test_all_must_be_true() -> None:
    assert holds()
    assert holds("true", "true")
    assert not holds("true", "false")


@pytest.mark.parametrize("texts", [("false", ERROR_G), (ERROR_G, "false")])
def test_one_false_condition_beats_errors(texts: tuple[str, ...]) -> None:
    assert not holds(*texts)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ((ERROR_G, "true"), SAID_G),
        ((ERROR_G, ERROR_G), SAID_G),
        ((ERROR_G, ERROR_H), f"[{SAID_G}, {SAID_H}]"),
    ],
)
def test_errors_are_told_together(texts: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        holds(*texts)
    assert str(caught.value) == message


def test_under_ignore_an_error_is_a_no() -> None:
    assert not holds(ERROR_G, "true", policy="Ignore")


@pytest.mark.parametrize("first", ["true", "false"])
def test_an_exhausted_budget_is_an_error_whatever_else_is_false(first: str) -> None:
    texts = (first, *[HEAVY] * 10)
    with pytest.raises(ConditionError) as caught:
        holds(*texts)
    assert str(caught.value) == SHORTAGE
    assert not holds(*texts, policy="Ignore")


def test_time_that_is_over_is_no_answer() -> None:
    with pytest.raises(DeadlineExceeded):
        holds(HEAVY, deadline=time.monotonic() - 1)
