"""How long a caller may wait for an answer."""

from __future__ import annotations

import pytest

from gatekeeper_py.webhook.limits import (
    FEWEST,
    MAX_BODY,
    MAX_IN_FLIGHT,
    MAX_MEMORY,
    WORKERS,
    portion,
    time_allowed,
)


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        ("10s", 9.0),
        ("1s", 0.9),
        ("500ms", 0.45),
        ("1.5s", 1.35),
        ("1s500ms", 1.35),
        ("0s", 0.0),
        ("30s", 27.0),
    ],
)
def test_an_answer_is_there_a_little_before_the_caller_gives_up(timeout: str, seconds: float) -> None:
    assert time_allowed(timeout) == pytest.approx(seconds)


@pytest.mark.parametrize("timeout", ["31s", "1m", "1h", "9" * 20 + "h", "1000000h"])
def test_nobody_may_hold_a_thread_for_longer_than_the_api_server_could(timeout: str) -> None:
    assert time_allowed(timeout) == pytest.approx(27.0)


@pytest.mark.parametrize(
    "timeout",
    [None, "", "10", "s", "-1s", "+1s", "1 s", "10s ", "10s\n", "٣s", "1e3s", "inf", "nan", "1s" * 17],
)
def test_what_is_no_duration_is_the_usual_time(timeout: str | None) -> None:
    assert time_allowed(timeout) == pytest.approx(9.0)


@pytest.mark.parametrize("processes", [1, 2, 3, 4, 64])
def test_processes_take_no_more_together_than_one_would_as_long_as_each_can_work(processes: int) -> None:
    part = portion(processes)
    for mine, whole, least in zip(part, (MAX_IN_FLIGHT, WORKERS, MAX_MEMORY), FEWEST, strict=True):
        assert mine * processes <= whole or mine == least
    assert part.memory >= 2 * MAX_BODY


def test_one_process_takes_all() -> None:
    assert portion(1) == (MAX_IN_FLIGHT, WORKERS, MAX_MEMORY)
