"""When a serving certificate ends, in words: early enough to do something about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

__all__ = ["DAY", "LOOK", "NEVER", "has_expired", "problem"]

DAY: Final = 86400.0
WARN: Final = 30 * DAY
"""Seconds before the end from when on it is told: a month, as who renews by hand needs."""

LOOK: Final = 3600.0
"""Seconds between two looks; it is told again once a day."""

NEVER: Final = 0.0
"""The end of no certificate."""


def has_expired(end: float, now: float) -> bool:
    """Whether every API server refuses a certificate that ends then; both in seconds since the epoch."""
    return end != NEVER and now >= end


def problem(end: float, now: float) -> str:
    """What to tell of it; empty while there is time."""
    if end == NEVER or end - now >= WARN:
        return ""
    date = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if has_expired(end, now):
        return f"the serving certificate has expired, on {date}: API servers refuse it. Renew it"
    return f"the serving certificate expires on {date}, in {(end - now) / DAY:.0f} days. Renew it"
