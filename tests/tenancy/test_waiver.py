"""What a waiver is about, and until when it holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from gatekeeper_py.tenancy.waiver import Waiver

LAST_DAY = date(2027, 1, 31)


def waiver(**fields: Any) -> Waiver:
    return Waiver("w", frozenset({"p"}), LAST_DAY, "a driver", "the platform", **fields)


ABOUT: dict[str, tuple[dict[str, tuple[str, ...]], bool]] = {
    "nothing is stated": ({}, True),
    "the namespace": ({"namespaces": ("foo",)}, True),
    "one of the namespaces": ({"namespaces": ("bar", "fo*")}, True),
    "another namespace": ({"namespaces": ("foo-bar", "f")}, False),
    "the kind": ({"kinds": ("Deployment",)}, True),
    "the kind with its group": ({"kinds": ("Pod", "Deployment.apps")}, True),
    "the kind of another group": ({"kinds": ("Deployment.example.com",)}, False),
    "the kind in other letters": ({"kinds": ("deployment",)}, False),
    "the plural": ({"kinds": ("deployments",)}, False),
    "the name": ({"names": ("web",)}, True),
    "how the name begins": ({"names": ("we*",)}, True),
    "a part of the name": ({"names": ("we",)}, False),
    "all but the name": ({"namespaces": ("foo",), "kinds": ("Deployment",), "names": ("api",)}, False),
    "all but the kind": ({"namespaces": ("foo",), "kinds": ("Pod",), "names": ("web",)}, False),
}


@pytest.mark.parametrize("case", ABOUT)
def test_each_part_that_is_stated_must_fit(case: str) -> None:
    fields, fits = ABOUT[case]
    assert waiver(**fields).is_about("foo", "apps", "Deployment", "web") is fits


DAYS = {
    "long before": (datetime(2026, 12, 31, 12, tzinfo=UTC), 31),
    "the day before": (datetime(2027, 1, 30, 23, 59, 59, tzinfo=UTC), 1),
    "the last day begins": (datetime(2027, 1, 31, tzinfo=UTC), 0),
    "the last moment": (datetime(2027, 1, 31, 23, 59, 59, 999999, tzinfo=UTC), 0),
    "the next day": (datetime(2027, 2, 1, tzinfo=UTC), -1),
    "the next day in the east only": (datetime(2027, 2, 1, 5, tzinfo=timezone(timedelta(hours=9))), 0),
    "the next day in the west not yet": (datetime(2027, 1, 31, 20, tzinfo=timezone(timedelta(hours=-8))), -1),
}


@pytest.mark.parametrize("case", DAYS)
def test_days_are_counted_in_utc_and_the_last_one_is_a_whole_day(case: str) -> None:
    moment, left = DAYS[case]
    assert (waiver().days_left(moment), waiver().has_ended(moment)) == (left, left < 0)


def test_the_end_is_that_of_the_last_day() -> None:
    end = waiver().end
    assert (waiver().has_ended(end), waiver().has_ended(end + timedelta(microseconds=1))) == (False, True)
