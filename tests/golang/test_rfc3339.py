"""Times are read as Go reads them; the refusals were recorded from kube-apiserver 1.36.3."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.golang.rfc3339 import MICROSECONDS, SECONDS, time_problem

AS_SECONDS = f'as "{SECONDS}": '
AS_MICROSECONDS = f'as "{MICROSECONDS}": '

READ = [
    "2026-02-03T13:04:05Z",
    "2026-02-03T13:04:05.1234567891Z",
    "2026-02-03T23:04:05,5Z",
    "2026-02-03T3:04:05Z",
    "2026-02-03T23:04:05+01:60",
    "2026-02-03T23:04:05-24:00",
    "2024-02-29T00:00:00Z",
    "0000-02-29T00:00:00Z",
    "9999-12-31T23:59:59Z",
]

REFUSED = [
    ("x", f'parsing time "x" {AS_SECONDS}cannot parse "x" as "2006"'),
    ("", f'parsing time "" {AS_SECONDS}cannot parse "" as "2006"'),
    ("2026-01-02", f'parsing time "2026-01-02" {AS_SECONDS}cannot parse "" as "T"'),
    ("2026-01-02T03:04:05", f'parsing time "2026-01-02T03:04:05" {AS_SECONDS}cannot parse "" as "Z07:00"'),
    ("2026-13-02T03:04:05Z", 'parsing time "2026-13-02T03:04:05Z": month out of range'),
    ("2026-02-30T03:04:05Z", 'parsing time "2026-02-30T03:04:05Z": day out of range'),
    ("2026-02-03T24:04:05Z", 'parsing time "2026-02-03T24:04:05Z": hour out of range'),
    ("2026-02-03T23:60:05Z", 'parsing time "2026-02-03T23:60:05Z": minute out of range'),
    ("2026-02-03T23:04:60Z", 'parsing time "2026-02-03T23:04:60Z": second out of range'),
    ("2026-02-03T23:04:05Zx", 'parsing time "2026-02-03T23:04:05Zx": extra text: "x"'),
    (
        "2026-02-03T23:04:05+0100",
        f'parsing time "2026-02-03T23:04:05+0100" {AS_SECONDS}cannot parse "+0100" as "Z07:00"',
    ),
    (
        "2026-02-03T23:04:05+25:00",
        'parsing time "2026-02-03T23:04:05+25:00": time zone offset hour out of range',
    ),
    (
        "2026-02-03t23:04:05z",
        f'parsing time "2026-02-03t23:04:05z" {AS_SECONDS}cannot parse "t23:04:05z" as "T"',
    ),
    (
        "2026-02-03T13:04:05.Z",
        f'parsing time "2026-02-03T13:04:05.Z" {AS_SECONDS}cannot parse ".Z" as "Z07:00"',
    ),
]


@pytest.mark.parametrize("text", READ)
def test_a_time_that_go_reads_is_no_problem(text: str) -> None:
    assert time_problem(text) is None


@pytest.mark.parametrize(("text", "problem"), REFUSED)
def test_a_time_that_go_refuses_is_refused_in_its_words(text: str, problem: str) -> None:
    assert time_problem(text) == problem


@pytest.mark.parametrize(
    ("text", "unread"),
    [("x", '"x" as "2006"'), ("2026-02-03T13:04:05Z", '"Z" as ".000000"')],
)
def test_a_micro_time_has_six_digits_of_a_second(text: str, unread: str) -> None:
    assert time_problem("2026-02-03T13:04:05.123456Z", MICROSECONDS) is None
    assert time_problem(text, MICROSECONDS) == f'parsing time "{text}" {AS_MICROSECONDS}cannot parse {unread}'


def test_what_is_not_ascii_is_quoted_byte_by_byte() -> None:
    assert time_problem('"\\é\n') == (
        f'parsing time "\\"\\\\\\xc3\\xa9\\x0a" {AS_SECONDS}cannot parse "\\"\\\\\\xc3\\xa9\\x0a" as "2006"'
    )


@given(st.datetimes(timezones=st.timezones()), st.sampled_from(["seconds", "milliseconds", "microseconds"]))
def test_every_moment_that_python_writes_is_read(moment: datetime.datetime, precision: str) -> None:
    utc = moment.astimezone(datetime.UTC) if 1 < moment.year < 9999 else moment.replace(tzinfo=datetime.UTC)
    text = utc.isoformat(timespec=precision).replace("+00:00", "Z")
    assert time_problem(text) is None
    assert (time_problem(text, MICROSECONDS) is None) == (precision == "microseconds")


@given(st.text(alphabet="0123456789-:T.Z+", max_size=25))
def test_any_text_is_read_or_refused(text: str) -> None:
    problem = time_problem(text)
    assert problem is None or problem.startswith(f'parsing time "{text}"')


@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25), st.integers(0, 61))
def test_the_quick_look_says_what_the_whole_reading_says(
    year: int, month: int, day: int, hour: int, minute: int
) -> None:
    """A fraction with a comma takes the long way."""
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00"
    assert (time_problem(f"{text}.0Z") is None) == (time_problem(f"{text},0Z") is None)
