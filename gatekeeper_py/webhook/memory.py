"""Memory that Python and the C library would rather keep."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

__all__ = ["TRIM_SECONDS", "frugal", "settle", "trim"]

ARENAS: Final = 2
"""Heaps of the C library. It makes eight a processor by itself, and each keeps what was once used of it."""

OWN_MAPPING: Final = 288 * 1024
"""Bytes from which an allocation is returned to the system as soon as it is freed. Unless told, the C library
raises this to 32 MiB as soon as it has seen one freed, and keeps the rest. For each read of a TLS connection
uvloop takes a little over 256 KiB (SSL_READ_MAX_SIZE of uvloop/sslproto.pyx): less than this, or the system
would have to map, cut, unmap and clear them anew for every review."""

TRIM_SECONDS: Final = 15
"""How often to give back what a burst has left; it takes some milliseconds."""

M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
"""mallopt(3)."""


def frugal() -> None:
    """Have glibc give memory back, where there is glibc; call it before there are threads."""
    if (library := _glibc()) is not None:
        library.mallopt(M_ARENA_MAX, ARENAS)
        library.mallopt(M_MMAP_THRESHOLD, OWN_MAPPING)


def trim() -> None:
    """Have glibc give back the free pages between those in use; call it in a thread."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None


def settle() -> None:
    """Collect what is left of older policies, and take what there is now for good: call it after a load.

    The collector would go through all of it again and again: a tenth of a second of everybody's time, and
    a copy of the memory that forks share.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
