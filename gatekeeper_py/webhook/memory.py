"""Memory that Python and the C library would rather keep."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

__all__ = ["frugal", "settle"]

ARENAS: Final = 2
"""Heaps of the C library. It makes eight a processor by itself, and each keeps what was once used of it."""

OWN_MAPPING: Final = 256 * 1024
"""Bytes from which an allocation is returned to the system as soon as it is freed. Unless told, the C library
raises this to 32 MiB as soon as it has seen one freed, and keeps the rest."""

M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
"""mallopt(3)."""


def frugal() -> None:
    """Have glibc give memory back, where there is glibc; call it before there are threads."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(M_ARENA_MAX, ARENAS)
        library.mallopt(M_MMAP_THRESHOLD, OWN_MAPPING)


def settle() -> None:
    """Collect what is left of older policies, and take what there is now for good: call it after a load.

    The collector would go through all of it again and again: a tenth of a second of everybody's time, and
    a copy of the memory that forks share.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
