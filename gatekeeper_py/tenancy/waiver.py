"""What a waiver is: violations that the platform has agreed to admit until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from gatekeeper_py.policy.model import Expression
from gatekeeper_py.tenancy.patterns import glob_matches

__all__ = ["EARLIEST", "Waiver"]

EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that says it is earlier was never set: this was not written yet."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """What it says; of its parts each that is stated must fit, and of a part one of its values."""

    name: str
    policies: frozenset[str]
    expires: date
    """The last day on which it holds, in UTC."""
    reason: str
    approved_by: str
    tenants: frozenset[str] = frozenset()
    namespaces: tuple[str, ...] = ()
    """Names in which `*` stands for any characters."""
    kinds: tuple[str, ...] = ()
    """`Pod`, or `Deployment.apps`."""
    names: tuple[str, ...] = ()
    """Names in which `*` stands for any characters."""
    condition: Expression | None = None
    since: datetime = EARLIEST
    """When it was written, as far as anybody knows."""
    source: str = ""
    """Where its document stands."""

    def is_about(self, namespace: str, group: str, kind: str, name: str) -> bool:
        """Whether an object is among those it is about, whosever it is."""
        return (
            (not self.namespaces or any(glob_matches(each, namespace) for each in self.namespaces))
            and (not self.kinds or kind in self.kinds or f"{kind}.{group}" in self.kinds)
            and (not self.names or any(glob_matches(each, name) for each in self.names))
        )

    @property
    def end(self) -> datetime:
        """The moment at which its last day is over."""
        return datetime.combine(self.expires, time.max, UTC)

    def has_ended(self, moment: datetime) -> bool:
        """Whether its last day is over."""
        return self.days_left(moment) < 0

    def days_left(self, moment: datetime) -> int:
        """Days until its last one; 0 on that, and below 0 after it."""
        return (self.expires - moment.astimezone(UTC).date()).days
