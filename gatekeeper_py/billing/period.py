"""For how long a pod is paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

__all__ = ["HOUR", "Period", "UnknownTimes"]

HOUR = 3600
FINISHED = frozenset({"Succeeded", "Failed"})
"""Phases of pods that run no more."""


class UnknownTimes(ValueError):
    """It cannot be told when a pod ran."""


@dataclass(frozen=True, slots=True)
class Period:
    """What the bill is about."""

    start: datetime
    end: datetime
    throughout: bool
    """Whether what runs is taken to run all the time; otherwise for as long as it did."""

    @property
    def seconds(self) -> Fraction:
        """How long it is."""
        return _seconds(self.start, self.end)

    @property
    def hours(self) -> Fraction:
        """How long it is."""
        return self.seconds / HOUR

    def seconds_of(self, pod: Mapping[str, Any]) -> Fraction:
        """How long a Pod runs in it; raises `UnknownTimes`."""
        status = pod.get("status") or {}
        finished = status.get("phase") in FINISHED
        if self.throughout:
            return Fraction(0) if finished else self.seconds
        begun = self._begun(pod)
        if begun is None:
            return Fraction(0)
        ended = _finish(status) if finished else self.end
        return max(_seconds(max(begun, self.start), min(ended, self.end)), Fraction(0))

    def begins_in_it(self, pod: Mapping[str, Any]) -> bool:
        """Whether it began within the period: what a provider asks at least is asked once."""
        if self.throughout:
            return True
        begun = self._begun(pod)
        return begun is not None and begun >= self.start

    def _begun(self, pod: Mapping[str, Any]) -> datetime | None:
        """When its kubelet took it up; None for what no kubelet has taken up."""
        text = (pod.get("status") or {}).get("startTime")
        return _time(text) if text is not None else None


def _finish(status: Mapping[str, Any]) -> datetime:
    """When the last of its containers ended."""
    times = [_time(text) for text in _finishes(status)]
    if not times:
        raise UnknownTimes("it ended, and no container says when")
    return max(times)


def _finishes(status: Mapping[str, Any]) -> Iterator[Any]:
    for key in ("containerStatuses", "initContainerStatuses"):
        for each in status.get(key) or ():
            terminated = (each.get("state") or {}).get("terminated")
            if terminated:
                yield terminated.get("finishedAt")


def _time(text: object) -> datetime:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        raise UnknownTimes(f"{text!r} is no time") from None
    if time.tzinfo is None:
        raise UnknownTimes(f"{text!r} names no time zone")
    return time


def _seconds(start: datetime, end: datetime) -> Fraction:
    passed = end - start
    return Fraction(passed.days * 24 * HOUR + passed.seconds) + Fraction(passed.microseconds, 10**6)
