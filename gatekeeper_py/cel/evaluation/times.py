"""Timestamps and durations as text: RFC 3339 and Go's duration notation, to the nanosecond."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal

from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation.values import (
    INT_MAX,
    INT_MIN,
    NANOSECONDS,
    Duration,
    Timestamp,
    check_timestamp,
)

__all__ = ["civil", "fixed_offset", "parse_duration", "parse_timestamp", "print_duration", "print_timestamp"]

EPOCH = datetime(1970, 1, 1)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_DURATION = re.compile(r"(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": NANOSECONDS,
    "m": 60 * NANOSECONDS,
    "h": 3600 * NANOSECONDS,
}
_NUMBER = re.compile(r"([+-]?)0*([0-9]+)", re.ASCII)
_DIGITS_LIMIT = 19
"""Digits of the longest number of 64 bits."""
_LENGTH_LIMIT = 4096
"""Characters of a timestamp or duration; what is longer is refused unread."""


def parse_timestamp(text: str) -> Timestamp | None:
    """Read RFC 3339 as Go does, which takes hours of one digit; None when it is none.

    Raises `EvaluationError` out of the years 1 to 9999.
    """
    match = _TIMESTAMP.fullmatch(text) if len(text) <= _LENGTH_LIMIT else None
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    offset = _offset(match)
    if offset is None or hour > 23 or minute > 59 or second > 59:
        return None
    seconds = _days(year, month, day)
    if seconds is None:
        return None
    seconds = seconds * 86_400 + hour * 3600 + minute * 60 + second - offset
    fraction = int((match[7] or "0")[:9].ljust(9, "0"))
    return check_timestamp(seconds * NANOSECONDS + fraction, offset)


def _offset(match: re.Match[str]) -> int | None:
    if not match[8]:
        return 0
    hours, minutes = int(match[9]), int(match[10])
    if hours > 24 or minutes > 60:
        return None
    offset = hours * 3600 + minutes * 60
    return -offset if match[8] == "-" else offset


def _days(year: int, month: int, day: int) -> int | None:
    """Days since 1970-01-01 in the proleptic calendar; the year 0 is a leap year."""
    try:
        return (datetime(year or 400, month, day) - EPOCH).days - (0 if year else 146_097)
    except ValueError:
        return None


def civil(timestamp: Timestamp, offset: int = 0) -> datetime:
    """Date and time of day at `offset` seconds east of UTC, to the second.

    A timestamp at either end of the range can leave Python's years 1 to 9999 by its offset;
    it then reads as 400 years off, a whole cycle of the calendar: see `shifted_year`.
    """
    seconds = timestamp.nanoseconds // NANOSECONDS + offset
    return EPOCH + timedelta(seconds=seconds + _shift(seconds))


_CYCLE = 146_097 * 86_400
_FIRST, _LAST = -62_135_596_800, 253_402_300_799


def _shift(seconds: int) -> int:
    if seconds < _FIRST:
        return _CYCLE
    return -_CYCLE if seconds > _LAST else 0


def shifted_year(timestamp: Timestamp, offset: int) -> int:
    """The year of `civil`, without the shift."""
    seconds = timestamp.nanoseconds // NANOSECONDS + offset
    return civil(timestamp, offset).year - 400 * _shift(seconds) // _CYCLE


def print_timestamp(timestamp: Timestamp) -> str:
    """RFC 3339 with as many decimals as needed, at the offset it was written with."""
    moment = civil(timestamp, timestamp.offset)
    fraction = timestamp.nanoseconds % NANOSECONDS
    decimals = f".{fraction:09d}".rstrip("0") if fraction else ""
    year = shifted_year(timestamp, timestamp.offset)
    return f"{year:04d}-{moment:%m-%dT%H:%M:%S}{decimals}{_print_offset(timestamp.offset)}"


def _print_offset(offset: int) -> str:
    if not offset:
        return "Z"
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def parse_duration(text: str) -> Duration | None:
    """Read Go's notation (`1h30m`, `-1.5s`, `100us`); None when it is none or does not fit 64 bits."""
    if len(text) > _LENGTH_LIMIT:
        return None
    negative = text.startswith("-")
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return Duration(0)
    total = _sum_of_units(body)
    if total is None or total > INT_MAX + negative:
        return None
    return Duration(-total if negative else total)


def _sum_of_units(body: str) -> int | None:
    total = position = 0
    while position < len(body):
        match = _DURATION.match(body, position)
        if match is None or not (match[1] or match[2]):
            return None
        total += _amount(match)
        position = match.end()
    return total if body else None


def _amount(match: re.Match[str]) -> int:
    unit = _UNITS[match[3]]
    fraction = match[2] or ""
    return int(match[1] or "0") * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def print_duration(duration: Duration) -> str:
    """Seconds with as many decimals as needed: `5400s`, `0.001s`."""
    whole, rest = divmod(abs(duration.nanoseconds), NANOSECONDS)
    seconds = float(whole) + float(rest) / 1e9
    text = format(Decimal(repr(seconds)), "f")
    text = text.removesuffix(".0")
    return f"{'-' if duration.nanoseconds < 0 else ''}{text}s"


def fixed_offset(text: str) -> int:
    """Seconds east of UTC in the zone `+05:30`. Raises `EvaluationError` in Go's words.

    cel-go takes any number of hours and minutes, and Go's durations wrap around after 64 bits
    (common/types/timestamp.go, timeZone).
    """
    hours_text, _, minutes_text = text.partition(":")
    hours, minutes = _number(hours_text), _number(minutes_text)
    offset = hours * 60 - minutes if text.startswith("-") else hours * 60 + minutes
    nanoseconds = (offset * 60 * NANOSECONDS - INT_MIN) % 2**64 + INT_MIN
    seconds = abs(nanoseconds) // NANOSECONDS
    return -seconds if nanoseconds < 0 else seconds


def _number(text: str) -> int:
    """A number as Go's strconv.Atoi reads it."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise EvaluationError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(match[1] + match[2]) if len(match[2]) <= _DIGITS_LIMIT else INT_MAX + 1
    if not INT_MIN <= number <= INT_MAX:
        raise EvaluationError(f'strconv.Atoi: parsing "{text}": value out of range')
    return number
