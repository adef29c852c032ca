"""Which reviews the event loop decides itself, within how much of its time, and whose not for a while.

A short review takes longer to hand over to a worker than to decide. So the loop decides it, with a purse of
its own time, and gives what runs out of that to a worker, which begins anew with all the time there is.
Whatever was said until then is forgotten: the answer is what it would have been without the attempt.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

__all__ = ["SHORT_BODY", "Deadline", "Purse", "Purses", "WorkingTime", "is_short", "working_time"]

SHORT_BODY: Final = 16 * 1024
"""Bytes of a review that the loop decides: the creation of a pod has one to eight thousand."""

MOST_VALUES: Final = 460
"""Values of such a review. What looks into no purse (to read JSON, to look for references) goes by their
number: 16 KiB of empty objects took 12 ms. With so many values nothing takes longer than 5."""

SECONDS: Final = 0.002
"""Of the loop's processor time that one review may take."""

PENANCE: Final = 50
"""For so many times as long as a review has taken its owner has no purse: by reviews that are longer than
they look nobody gets more than about a fiftieth of the loop."""

MOST_REPENTED: Final = 0.005
"""Seconds beyond a purse for which penance is done, as many as what looks into none can take. What takes more
is of our making, once for a kind: its first review would have its owner do penance for four seconds."""

MOST_PENITENT: Final = 1000
"""Owners without a purse at a time; of more the first are forgiven."""


def is_short(body: bytes) -> bool:
    """Whether the loop may try to decide a review at once.

    Values are counted by what comes before them, in texts too, which may be lists that are split.
    """
    return len(body) <= SHORT_BODY and _values(body) <= MOST_VALUES


def _values(body: bytes) -> int:
    return len(body) - len(body.translate(None, b",{["))


class WorkingTime(threading.local):
    """Seconds of processor time that a thread has worked: what the garbage collector took is nobody's work.

    That comes when there is enough garbage, whoever made it, and takes longer than a purse lasts.
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._collecting_since = self._collected = 0.0

    def __call__(self) -> float:
        """Of the thread that asks, since some moment."""
        return self._clock() - self._collected

    def notice(self, phase: str, _details: object) -> None:
        """A collection begins or ends in this thread (`gc.callbacks`)."""
        if phase == "start":
            self._collecting_since = self._clock()
        else:
            self._collected += self._clock() - self._collecting_since


working_time = WorkingTime()
gc.callbacks.append(working_time.notice)


class Purse:
    """Seconds of work of the thread that opens it."""

    __slots__ = ("_clock", "_earliest", "_end", "_now", "ran_out")

    def __init__(
        self,
        seconds: float = SECONDS,
        clock: Callable[[], float] = working_time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._now = clock, now
        self._end = clock() + seconds
        self._earliest = now() + seconds
        """Nobody has worked for longer than time has passed: until then there is no need to ask his clock,
        which the system alone can tell."""
        self.ran_out = False
        """Whether who is paid from it has found it empty, and perhaps gave up: what he says is not used."""

    def until(self, deadline: float) -> Deadline:
        """The deadline (`time.monotonic()`) of work that is paid from it."""
        return Deadline(deadline, self)

    @property
    def overdrawn(self) -> float:
        """Seconds beyond what was in it, none while there is something left."""
        return max(0.0, self._clock() - self._end) if self._now() >= self._earliest else 0.0

    def is_empty(self, moment: float) -> bool:
        """Look into it, at a moment by `time.monotonic()`."""
        if moment >= self._earliest and self._clock() > self._end:
            self.ran_out = True
        return self.ran_out


class Deadline(float):
    """A deadline that is over as soon as a purse is empty.

    The engine compares deadlines with the clock every so many units of work (cel/evaluation/budget.py), and
    Python has the more special of two numbers compare them.
    """

    __slots__ = ("_purse",)
    _purse: Purse

    def __new__(cls, deadline: float, purse: Purse) -> Deadline:
        """On the clock of `time.monotonic()`."""
        made = super().__new__(cls, deadline)
        made._purse = purse
        return made

    def __lt__(self, moment: float) -> bool:
        return self._purse.is_empty(moment) or float.__lt__(self, moment)

    def __sub__(self, seconds: float) -> Deadline:
        return Deadline(float(self) - seconds, self._purse)


class Purses:
    """Who gets a purse. Belongs to the event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._penitent: OrderedDict[str, float] = OrderedDict()
        """Until when an owner has none."""

    def open(self, owner: str) -> Purse | None:
        """One for a review; None for who has overdrawn one a moment ago."""
        until = self._penitent.get(owner)
        if until is not None:
            if self._clock() < until:
                return None
            del self._penitent[owner]
        return Purse()

    def close(self, owner: str, purse: Purse) -> None:
        """Settle what a review has taken."""
        overdrawn = purse.overdrawn
        if overdrawn or purse.ran_out:
            taken = SECONDS + min(overdrawn, MOST_REPENTED)
            self._penitent[owner] = self._clock() + PENANCE * taken
            if len(self._penitent) > MOST_PENITENT:
                self._penitent.popitem(last=False)
