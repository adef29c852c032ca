"""Where the log goes: a bounded queue with a writer of its own, so that no output can stop a decision.

A pipe that nobody reads, a full disk, a closed descriptor: each delays or fails the writer alone. What finds
no room or cannot be written is dropped and counted, and a line says how many once writing works again.
"""

from __future__ import annotations

import errno
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Sink", "standard_output"]

MAX_BYTES: Final = 8 * 1024 * 1024
"""Bytes that wait at most: some ten thousand decisions. What comes later is dropped, so the order is kept."""

GATHER: Final = 0.01
"""Seconds between two writes: under load one write, and one change of threads, serves many lines."""

PAUSE: Final = 0.5
"""Seconds until the next attempt after an output has failed."""

MOST_AT_ONCE: Final = 64 * 1024
"""Bytes of one system call, so that progress is seen."""

STANDARD_OUTPUT: Final = 1

STALLED: Final = 1.0
"""Seconds without progress after which an output is a problem that health tells."""


class _Descriptor:
    """Writes whole lines to a file descriptor, and knows how that goes."""

    def __init__(self, number: int | None) -> None:
        self._number = number
        self._torn = False
        self._waiting_since: float | None = None
        self._failure = ""

    @property
    def problem(self) -> str:
        """Why nothing gets out at the moment, or empty."""
        since = self._waiting_since
        waited = 0.0 if since is None else time.monotonic() - since
        if waited > STALLED:
            return f"the log's output has taken nothing for {waited:.0f} seconds"
        return self._failure

    def write(self, lines: bytes) -> int:
        """How many of the lines got out whole; fewer than there are only after an error."""
        before = b"\n" if self._torn else b""
        out = self._write_bytes(before + lines)
        if out:
            self._torn = not out.endswith(b"\n")
        return out.removeprefix(before).count(b"\n")

    def _write_bytes(self, data: bytes) -> bytes:
        """What of the data got out."""
        written = 0
        try:
            while written < len(data):
                self._waiting_since = time.monotonic()
                written += self._write_some(data[written : written + MOST_AT_ONCE])
        except OSError as error:
            self._failure = f"the log's output fails: {error.strerror}"
        else:
            self._failure = ""
        finally:
            self._waiting_since = None
        return data[:written]

    def _write_some(self, data: bytes) -> int:
        if self._number is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        try:
            return os.write(self._number, data)
        except BlockingIOError:  # somebody has made the descriptor one that does not wait
            select.select((), (self._number,), ())
            return 0


class Sink:
    """Lines to a file descriptor (None: to nowhere). `write` never waits and never fails, from any thread."""

    def __init__(self, descriptor: int | None, tell: Callable[[int], str]) -> None:
        self._descriptor = _Descriptor(descriptor)
        self._tell = tell
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._dropped = self._told = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many lines were dropped so far."""
        return self._dropped

    @property
    def problem(self) -> str:
        """Why lines do not get out at the moment, or empty."""
        return self._descriptor.problem

    def write(self, line: str) -> None:
        """Have a line written, its end included; or drop it when there is no room."""
        self.take(line.encode(), 1)

    def miss(self, lines: int) -> None:
        """Note that so many lines were dropped before they came here."""
        with self._changed:
            self._dropped += lines

    def take(self, data: bytes, lines: int) -> None:
        """The same of so many lines at once."""
        with self._changed:
            if self._closing or self._bytes + len(data) > MAX_BYTES:
                self._dropped += lines
                return
            self._waiting.append(data)
            self._bytes += len(data)
            if len(self._waiting) == 1:
                self._changed.notify_all()

    def flush(self) -> None:
        """Nothing: who writes does not wait."""

    def close(self) -> None:
        """Take no more, and give what waits a moment to get out. A writer that hangs is left behind."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(STALLED)

    # --- the thread

    def _run(self) -> None:
        while lines := self._next_lines():
            if not self._put_out(lines) and not self._closing:
                time.sleep(PAUSE)

    def _next_lines(self) -> list[bytes]:
        """What waits, once something does; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
        if not self._closing:
            time.sleep(GATHER)
        with self._changed:
            lines, self._waiting = self._waiting, []
            return lines

    def _put_out(self, lines: list[bytes]) -> bool:
        """Write lines, then how many were dropped, if any were and it works again; False when it does not."""
        data = b"".join(lines)
        written, whole = self._descriptor.write(data), data.count(b"\n")
        with self._changed:
            self._bytes -= len(data)
            self._dropped += whole - written
            missing = self._dropped - self._told
        if missing and written == whole:
            self._told += missing * self._descriptor.write(self._tell(missing).encode())
        return written == whole


def standard_output(tell: Callable[[int], str]) -> Sink:
    """The process's standard output; nowhere when it was closed before the process began."""
    _occupy_standard_descriptors()
    return Sink(None if sys.stdout is None else STANDARD_OUTPUT, tell)


def _occupy_standard_descriptors() -> None:
    """Open what of the first three is closed: no connection must get the number of an output."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)
