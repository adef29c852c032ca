from __future__ import annotations

import pytest

from gatekeeper_py.authoring.playground.rendering import LONGEST, shown
from gatekeeper_py.cel import Budget, Outcome, kubernetes_environment

ENVIRONMENT = kubernetes_environment()


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("null", "null"),
        ("1 + 1", "2"),
        ("1.5", "1.5"),
        ("'a\"b'", "'a\"b'"),
        ("['a', 'b']", "['a', 'b']"),
        ("{'a': [true]}", "{'a': [true]}"),
        ("optional.of('a')", "optional.of('a')"),
        ("optional.none()", "optional.none()"),
        ("duration('90s')", "duration('90s')"),
        ("timestamp('2026-01-02T03:04:05Z')", "timestamp('2026-01-02T03:04:05Z')"),
        ("quantity('1Gi')", "quantity('1073741824')"),
    ],
)
def test_values_are_shown_as_they_are_written(expression: str, text: str) -> None:
    program = ENVIRONMENT.compile(expression)
    assert shown(Outcome(program.evaluate({}, Budget(1000)))) == text


def test_an_error_is_shown_as_one() -> None:
    assert shown(Outcome(error="no such key: a")) == "error: no such key: a"


def test_a_long_value_is_cut() -> None:
    assert shown(Outcome("x" * 9999)) == "'" + "x" * (LONGEST - 1) + "…"
