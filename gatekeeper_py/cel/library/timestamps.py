"""Parts of timestamps and durations: `t.getFullYear()`, `t.getHours("Europe/Berlin")`, `d.getMinutes()`.

Without a zone the parts are those of UTC, as Kubernetes configures cel-go (DefaultUTCTimeZone).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import DURATION, INT, STRING, TIMESTAMP
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation.times import civil, fixed_offset, shifted_year
from gatekeeper_py.cel.evaluation.values import NANOSECONDS, Duration, Timestamp

__all__ = ["LIBRARY"]

_ZONE_LENGTH_LIMIT = 64
"""Characters of a zone's name; the longest there is has 32."""


def _offset(timestamp: Timestamp, zone: str) -> int:
    """Seconds east of UTC in `zone` at that time."""
    if ":" in zone:
        return fixed_offset(zone)
    found = _named_zone(zone)
    moment = civil(timestamp).replace(tzinfo=UTC)
    try:
        offset = moment.astimezone(found).utcoffset()
    except OverflowError:
        # The first or the last day there is: the zone's standard time holds.
        offset = moment.replace(year=2000).astimezone(found).utcoffset()
    return int(offset.total_seconds()) if offset else 0


@lru_cache(maxsize=256)
def _named_zone(name: str) -> tzinfo:
    if name in ("", "UTC", "Local"):
        return UTC
    if ".." in name or name.startswith(("/", "\\")):
        raise EvaluationError("time: invalid location name")
    if len(name) <= _ZONE_LENGTH_LIMIT:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise EvaluationError(f"unknown time zone {name}")


def _milliseconds(timestamp: Timestamp) -> int:
    return timestamp.nanoseconds % NANOSECONDS // 1_000_000


def _date_part(name: str, stem: str, part: Callable[[datetime], int]) -> Function:
    """An accessor that reads the date and time of day."""
    return _accessor(name, stem, lambda timestamp, offset: part(civil(timestamp, offset)))


def _accessor(
    name: str,
    stem: str,
    read: Callable[[Timestamp, int], int],
    duration: Callable[[Duration], int] | None = None,
    with_zone: str = "",
) -> Function:
    def plain(timestamp: Timestamp) -> int:
        return read(timestamp, 0)

    def zoned(timestamp: Timestamp, zone: str) -> int:
        return read(timestamp, _offset(timestamp, zone))

    overloads = [
        _member(f"timestamp_to_{stem}", (TIMESTAMP,), plain),
        _member(with_zone or f"timestamp_to_{stem}_with_tz", (TIMESTAMP, STRING), zoned),
    ]
    if duration is not None:
        overloads.append(_member(f"duration_to_{stem}", (DURATION,), duration))
    return Function(name, tuple(overloads))


def _member(identifier: str, parameters: tuple[Any, ...], run: Callable[..., int]) -> Overload:
    return Overload(identifier, parameters, INT, run, member=True)


def _whole(unit: int) -> Callable[[Duration], int]:
    """A duration in units, cut towards zero."""

    def count(duration: Duration) -> int:
        units = abs(duration.nanoseconds) // unit
        return -units if duration.nanoseconds < 0 else units

    return count


LIBRARY = Library(
    "cel.lib.timestamps",
    functions=(
        _accessor("getFullYear", "year", shifted_year),
        _date_part("getMonth", "month", lambda moment: moment.month - 1),
        _date_part("getDayOfYear", "day_of_year", lambda moment: moment.timetuple().tm_yday - 1),
        _date_part("getDayOfMonth", "day_of_month", lambda moment: moment.day - 1),
        _date_part("getDate", "day_of_month_1_based", lambda moment: moment.day),
        _date_part("getDayOfWeek", "day_of_week", lambda moment: moment.isoweekday() % 7),
        _accessor("getHours", "hours", lambda t, offset: civil(t, offset).hour, _whole(3600 * NANOSECONDS)),
        _accessor(
            "getMinutes", "minutes", lambda t, offset: civil(t, offset).minute, _whole(60 * NANOSECONDS)
        ),
        _accessor(
            "getSeconds",
            "seconds",
            lambda t, offset: civil(t, offset).second,
            _whole(NANOSECONDS),
            with_zone="timestamp_to_seconds_tz",
        ),
        _accessor("getMilliseconds", "milliseconds", lambda t, _: _milliseconds(t), _whole(1_000_000)),
    ),
)
