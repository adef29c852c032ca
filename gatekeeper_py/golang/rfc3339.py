"""Times as text, read as Go's time.Parse reads them, and refused in its words (go/src/time/format.go)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator

__all__ = ["MICROSECONDS", "SECONDS", "time_problem"]

SECONDS = "2006-01-02T15:04:05Z07:00"
"""The layout of metav1.Time; a fraction of a second may follow the seconds."""

MICROSECONDS = "2006-01-02T15:04:05.000000Z07:00"
"""The layout of metav1.MicroTime; the fraction must be there."""


def _element(layout: str, pattern: str) -> tuple[str, re.Pattern[str]]:
    return layout, re.compile(pattern, re.ASCII)


MINUTES = (
    _element("2006", r"(?P<year>\d{4})"),
    _element("-", "-"),
    _element("01", r"(?P<month>\d\d)"),
    _element("-", "-"),
    _element("02", r"(?P<day>\d\d)"),
    _element("T", "T"),
    _element("15", r"(?P<hour>\d\d?)"),
    _element(":", ":"),
    _element("04", r"(?P<minute>\d\d)"),
    _element(":", ":"),
)
ZONE = _element("Z07:00", r"Z|[+-](?P<zone_hour>\d\d):(?P<zone_minute>\d\d)")
ELEMENTS = {
    SECONDS: (*MINUTES, _element("05", r"(?P<second>\d\d)(?:[.,]\d+)?"), ZONE),
    MICROSECONDS: (*MINUTES, _element("05", r"(?P<second>\d\d)"), _element(".000000", r"[.,]\d{6}"), ZONE),
}
"""The parts of a layout in order, and what may stand for each."""

RANGES = {
    "month": (range(1, 13), "month"),
    "hour": (range(24), "hour"),
    "minute": (range(60), "minute"),
    "second": (range(60), "second"),
    "zone_hour": (range(25), "time zone offset hour"),
    "zone_minute": (range(61), "time zone offset minute"),
}
"""Go allows offsets of 24 hours and of 60 minutes, as some write them."""


HOUR = r"(?:[01]\d|2[0-3])"
CLOCK = rf"{HOUR}:[0-5]\d:[0-5]\d"
DATE = r"\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
PLAIN = {
    layout: re.compile(rf"{DATE}T{CLOCK}{fraction}(?:Z|[+-]{HOUR}:[0-5]\d)", re.ASCII)
    for layout, fraction in ((SECONDS, r"(?:\.\d+)?"), (MICROSECONDS, r"\.\d{6}"))
}
"""Nearly all times there are, told at one look; the rest is read part by part."""


def time_problem(text: str, layout: str = SECONDS) -> str | None:
    """What keeps Go from reading a time; None when nothing does."""
    return None if PLAIN[layout].fullmatch(text) else _problem(text, layout)


def _problem(text: str, layout: str) -> str | None:
    found: dict[str, int] = {}
    at = 0
    for element, pattern in ELEMENTS[layout]:
        match = pattern.match(text, at)
        if match is None:
            unread = f"cannot parse {_quoted(text[at:])} as {_quoted(element)}"
            return f"parsing time {_quoted(text)} as {_quoted(layout)}: {unread}"
        numbers = {name: int(digits) for name, digits in match.groupdict().items() if digits}
        for name in _out_of_range(numbers):
            return f"parsing time {_quoted(text)}: {name} out of range"
        found.update(numbers)
        at = match.end()
    if at < len(text):
        return f"parsing time {_quoted(text)}: extra text: {_quoted(text[at:])}"
    _, days = calendar.monthrange(found["year"] or 400, found["month"])
    return None if 1 <= found["day"] <= days else f"parsing time {_quoted(text)}: day out of range"


def _out_of_range(numbers: dict[str, int]) -> Iterator[str]:
    for part, number in numbers.items():
        if part in RANGES and number not in RANGES[part][0]:
            yield RANGES[part][1]


def _quoted(text: str) -> str:
    """In double quotes; what is no printing ASCII byte by byte, unlike Go's `%q`."""
    escaped = (
        f"\\x{byte:02x}" if not 0x20 <= byte < 0x80 else f"\\{chr(byte)}" if byte in b'"\\' else chr(byte)
        for byte in text.encode(errors="replace")
    )
    return f'"{"".join(escaped)}"'
