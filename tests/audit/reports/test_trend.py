"""The trend over earlier reports."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gatekeeper_py.audit.outcome import Outcome, Past
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.reports.trend import HEIGHT, MARGIN, WIDTH, trend
from tests.audit.support import EVERYTHING, WEB

NOW = replace(EVERYTHING, time="2026-11-30T12:00:00+00:00")


def past(time: str, violating: int) -> Past:
    return Past(time, violating, 0, 0, 0, 10)


def line(text: str, name: str) -> list[tuple[float, float]]:
    (points,) = re.findall(rf'<polyline class="{name}" points="([^"]*)"/>', text)
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in points.split())]


def test_without_earlier_reports_there_is_none() -> None:
    assert trend(NOW) == ""


def test_points_are_where_their_times_and_counts_are() -> None:
    earlier = (past("2026-11-28T12:00:00Z", 4), past("2026-11-29T12:00:00+00:00", 0))
    drawn = line(trend(replace(NOW, earlier=earlier)), "violating")
    bottom, top = float(HEIGHT - MARGIN), float(MARGIN)
    middle = (top + bottom) / 2
    assert drawn == [(MARGIN, top), (WIDTH / 2, bottom), (WIDTH - MARGIN, middle)]


def test_reports_of_one_moment_are_drawn_too() -> None:
    assert len(line(trend(replace(NOW, earlier=(NOW.now, NOW.now))), "not-audited")) == 3


def test_the_numbers_are_told_beside() -> None:
    text = trend(replace(NOW, earlier=(past("2026-11-28T12:00:00Z", 4321),)))
    assert '<td data-name="violating" class=count>4321</td>' in text
    assert "2 reports" in text


def test_an_earlier_report_is_one_that_says_when_it_was_made() -> None:
    text = json.report(NOW)
    assert json.past(text) == NOW.now == Past("2026-11-30T12:00:00+00:00", 2, 0, 0, 2, 4)
    with pytest.raises(json.NotAReport, match="does not say when it was made"):
        json.past(json.report(Outcome((WEB,))))
    with pytest.raises(json.NotAReport, match="is no report"):
        json.past(json.report(NOW).replace("2026-11-30T", "the day before "))
