"""What one caller may cost the server."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = [
    "CHILDREN",
    "DEFAULT_TIMEOUT",
    "HEAD_SECONDS",
    "LONG_BODY",
    "MAX_BODY",
    "MAX_HEAD",
    "MAX_IN_FLIGHT",
    "MAX_MEMORY",
    "MAX_TIMEOUT",
    "RESERVE",
    "WORKERS",
    "Portion",
    "portion",
    "share",
    "time_allowed",
]

MAX_BODY: Final = 7 * 1024 * 1024
"""Bytes of one review: two objects of the API server's own limit (3 MiB) and 1 MiB of request around them."""

MAX_MEMORY: Final = 64 * 1024 * 1024
"""Bytes of all long bodies in memory at once: four of the longest, each in chunks and whole."""

MAX_HEAD: Final = 64 * 1024
"""Bytes of a request line and its headers; the API server sends some hundred."""

HEAD_SECONDS: Final = 10.0
"""How long a connection may take to send them."""

MAX_IN_FLIGHT: Final = 64
"""Reviews that are decided or about to be; more wait for their turn."""

WORKERS: Final = max(4, os.cpu_count() or 1)
"""Threads that run the engine: more than one so that a slow review does not hold up the others."""

LONG_BODY: Final = 64 * 1024
"""Bytes of a review beyond which it is decided in a process of its own. To fork one takes 3 ms, about as long
as a review of so many bytes. What is shorter takes 2 MiB at most: 27 bytes in Python for one of JSON."""

CHILDREN: Final = 1
"""Such processes at a time: each may take `child.MEMORY`."""

DEFAULT_TIMEOUT: Final = 10.0
"""Seconds when the caller names none: the default of a webhook's timeoutSeconds."""

MAX_TIMEOUT: Final = 30.0
"""Seconds: the highest timeoutSeconds that the API server accepts."""

RESERVE: Final = 0.1
"""Share of the time kept for the way back, so that our answer is there before the caller gives up."""

_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:ms|s|m|h))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d*)?)(ms|s|m|h)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Portion(NamedTuple):
    """What one of several processes that answer reviews may take of what they may take together."""

    in_flight: int
    threads: int
    memory: int


FEWEST: Final = Portion(8, 2, 2 * MAX_BODY)
"""What a process needs however many there are: the longest review, in chunks and whole, has to find room."""


def portion(processes: int) -> Portion:
    """A part for each: together they take no more than one would, as long as that is enough for each."""
    whole = Portion(MAX_IN_FLIGHT, WORKERS, MAX_MEMORY)
    return Portion(*(max(least, most // processes) for least, most in zip(FEWEST, whole, strict=True)))


def share(workers: int) -> int:
    """How many threads one tenant may keep busy: one of slow reviews leaves the others the rest."""
    return max(1, workers // 2)


@lru_cache(maxsize=64)  # the API server sends the timeouts of the registration, and nothing else
def time_allowed(timeout: str | None) -> float:
    """Seconds in which to answer: what `?timeout=` says (a Go duration such as `10s`), less the reserve."""
    seconds = DEFAULT_TIMEOUT
    if timeout and len(timeout) <= 32 and _DURATION.fullmatch(timeout):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(timeout))
    return min(seconds, MAX_TIMEOUT) * (1 - RESERVE)
