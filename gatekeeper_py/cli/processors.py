"""How much of the machine a process may use, as the system bounds it and as its container does."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["MANY", "affordable", "processors"]

MANY: Final = 64
"""Workers that a server has at most."""

CGROUP: Final = Path("/sys/fs/cgroup")

BASE: Final = 512 * 1024 * 1024
"""Bytes that a server and the process of a long review may take together (docs/limits.md)."""

EACH: Final = 64 * 1024 * 1024
"""Bytes that a further worker may take for itself; a third of that is usual."""


def processors(cgroup: Path = CGROUP) -> int:
    """The processors that this process may use: those it may run on, and no more than its quota of time."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup)
    return found if quota is None else max(1, min(found, math.ceil(quota)))


def affordable(cgroup: Path = CGROUP) -> int:
    """How many workers find room in the memory that the container may use; many where nothing bounds it."""
    limit = _memory(cgroup)
    return MANY if limit is None else max(1, 1 + (limit - BASE) // EACH)


def _quota(cgroup: Path) -> float | None:
    """In processors; None where there is none. A container sees its own group as the root."""
    with suppress(OSError, ValueError):  # version 2
        quota, period = (cgroup / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota_us = int((cgroup / "cpu/cpu.cfs_quota_us").read_text())
        return quota_us / int((cgroup / "cpu/cpu.cfs_period_us").read_text()) if quota_us > 0 else None
    return None


UNBOUNDED: Final = 1 << 60
"""Bytes from which version 1 means that nothing is bounded."""


def _memory(cgroup: Path) -> int | None:
    """In bytes; None where nothing bounds it."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            limit = int((cgroup / name).read_text())  # or "max"
            return None if limit >= UNBOUNDED else limit
    return None
