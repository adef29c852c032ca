from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gatekeeper_py.billing.period import Period, UnknownTimes
from tests.billing.samples import HUNDRED_HOURS, START

Json = dict[str, Any]

DAY = Period(START, START + timedelta(hours=24), throughout=False)


def pod(phase: str, began: str | None, *ended: str) -> Json:
    statuses = [{"name": "c", "state": {"terminated": {"finishedAt": each}}} for each in ended]
    status: Json = {"phase": phase, "containerStatuses": statuses}
    return {"status": status | ({"startTime": began} if began else {})}


@pytest.mark.parametrize(
    ("given", "hours"),
    [
        (pod("Running", "2026-11-01T06:00:00Z"), 18),
        (pod("Running", "2026-10-01T00:00:00Z"), 24),
        (pod("Running", "2026-11-03T00:00:00Z"), 0),
        (pod("Pending", None), 0),
        (pod("Succeeded", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z", "2026-11-01T08:00:00Z"), 2),
        (pod("Failed", "2026-10-31T23:00:00Z", "2026-11-01T01:00:00Z"), 1),
        (pod("Succeeded", "2026-10-30T00:00:00Z", "2026-10-30T01:00:00Z"), 0),
        (pod("Running", "2026-11-01T08:00:00+02:00"), 18),
    ],
)
def test_a_pod_is_paid_for_the_time_it_ran_in_the_period(given: Json, hours: int) -> None:
    assert DAY.seconds_of(given) == hours * 3600


def test_throughout_what_runs_runs_all_the_time() -> None:
    assert HUNDRED_HOURS.seconds_of(pod("Running", "2026-11-02T00:00:00Z")) == 360_000
    assert HUNDRED_HOURS.seconds_of({}) == 360_000
    assert HUNDRED_HOURS.seconds_of(pod("Failed", None)) == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (pod("Succeeded", "2026-11-01T06:00:00Z"), "it ended, and no container says when"),
        (pod("Running", "yesterday"), "'yesterday' is no time"),
        (pod("Running", "2026-11-01T06:00:00"), "'2026-11-01T06:00:00' names no time zone"),
    ],
)
def test_when_it_ran_must_be_known(given: Json, told: str) -> None:
    with pytest.raises(UnknownTimes) as refused:
        DAY.seconds_of(given)
    assert str(refused.value) == told


def test_it_is_known_whether_a_pod_began_in_the_period() -> None:
    assert DAY.begins_in_it(pod("Running", "2026-11-01T06:00:00Z"))
    assert not DAY.begins_in_it(pod("Running", "2026-10-31T06:00:00Z"))
    assert not DAY.begins_in_it(pod("Pending", None))
    assert HUNDRED_HOURS.begins_in_it({})
