"""Parts of timestamps, in UTC and in zones, and parts of durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cel.library.expressions import error, evaluate

MOMENT = "timestamp('2024-02-29T23:59:58.987654321Z')"
"""A Thursday, the last day of a February that has 29."""

PARTS = [
    ("getFullYear", 2024, 2024),
    ("getMonth", 1, 2),
    ("getDate", 29, 1),
    ("getDayOfMonth", 28, 0),
    ("getDayOfWeek", 4, 5),
    ("getDayOfYear", 59, 60),
    ("getHours", 23, 5),
    ("getMinutes", 59, 29),
    ("getSeconds", 58, 58),
    ("getMilliseconds", 987, 987),
]
"""Each in UTC, and in Calcutta, where the next day has begun."""


@pytest.mark.parametrize(("part", "utc", "calcutta"), PARTS, ids=[part for part, *_ in PARTS])
def test_parts_are_those_of_the_zone(part: str, utc: int, calcutta: int) -> None:
    assert {evaluate(f"{MOMENT}.{part}({zone})") for zone in ("", "''", "'UTC'", "'+00:00'", "'-0:0'")} == {
        utc
    }
    assert {evaluate(f"{MOMENT}.{part}('{zone}')") for zone in ("Asia/Kolkata", "+05:30", "5:30")} == {
        calcutta
    }


def test_a_named_zone_knows_of_summer() -> None:
    hours = [
        evaluate(f"timestamp('2024-0{month}-01T12:00:00Z').getHours('Europe/Berlin')") for month in (1, 7)
    ]
    assert hours == [13, 14]


@pytest.mark.parametrize(
    ("moment", "zone", "year"),
    [
        ("0001-01-01T00:00:00Z", "-00:01", 0),
        ("9999-12-31T23:59:59Z", "+00:01", 10000),
        ("9999-12-31T23:59:59Z", "+99:59", 10000),
        ("1970-01-01T00:00:00Z", "+24:00", 1970),
        ("1970-01-01T00:00:00Z", "-9000:00", 1968),
    ],
)
def test_an_offset_is_as_long_as_it_likes(moment: str, zone: str, year: int) -> None:
    assert evaluate(f"timestamp('{moment}').getFullYear('{zone}')") == year


def test_an_offset_beyond_what_a_duration_holds_wraps_around() -> None:
    """292 years, Go's longest time.Duration, less than a minute more than so many."""
    hours = 2**63 // (3600 * 10**9)
    assert evaluate(f"timestamp(0).getFullYear('+{hours}:00')") == 2262
    assert evaluate(f"timestamp(0).getFullYear('+{hours + 1}:00')") == 1677
    assert evaluate(f"timestamp(0).getFullYear('-{hours + 1}:00')") == 2262


@given(
    st.integers(min_value=-(2**63), max_value=2**63 - 1), st.integers(min_value=-(2**63), max_value=2**63 - 1)
)
def test_no_offset_takes_an_evaluation_down(hours: int, minutes: int) -> None:
    zone = {"zone": f"{hours}:{minutes}"}
    assert 0 <= evaluate("timestamp(0).getMinutes(object.zone)", zone) < 60
    assert 1677 <= evaluate("timestamp(0).getFullYear(object.zone)", zone) <= 2262


@pytest.mark.parametrize(
    ("zone", "message"),
    [
        ("Nowhere/City", "unknown time zone Nowhere/City"),
        ("utc+1", "unknown time zone utc+1"),
        ("x" * 65, f"unknown time zone {'x' * 65}"),
        ("../UTC", "time: invalid location name"),
        ("Etc/../UTC", "time: invalid location name"),
        ("/etc/localtime", "time: invalid location name"),
        ("\\UTC", "time: invalid location name"),
        ("1:", 'strconv.Atoi: parsing "": invalid syntax'),
        (":30", 'strconv.Atoi: parsing "": invalid syntax'),
        ("one:30", 'strconv.Atoi: parsing "one": invalid syntax'),
        ("1:2:3", 'strconv.Atoi: parsing "2:3": invalid syntax'),
        ("9223372036854775808:0", 'strconv.Atoi: parsing "9223372036854775808": value out of range'),
        (f"1:{'9' * 5000}", f'strconv.Atoi: parsing "{"9" * 5000}": value out of range'),
    ],
)
def test_what_is_no_zone_is_an_error(zone: str, message: str) -> None:
    assert error("timestamp(0).getHours(object.zone)", {"zone": zone}) == message


@pytest.mark.parametrize(
    ("part", "long", "negative"),
    [
        ("getHours", 3, -1),
        ("getMinutes", 205, -90),
        ("getSeconds", 12345, -5400),
        ("getMilliseconds", 12345678, -5400000),
    ],
)
def test_a_duration_is_counted_in_whole_units(part: str, long: int, negative: int) -> None:
    assert evaluate(f"duration('3h25m45.678s').{part}()") == long
    assert evaluate(f"duration('-90m').{part}()") == negative
