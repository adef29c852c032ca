"""The log of a worker: lines that go to the server, which writes them. None stops a decision."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, TypeAlias

from gatekeeper_py.webhook.sink import GATHER

__all__ = ["MOST", "Outbox", "Send"]

MOST: Final = 2 * 1024 * 1024
"""Bytes that wait here at most: some thousand lines, while the server does not listen for a moment."""

Send: TypeAlias = Callable[[bytes, int, int], bool]
"""Sends lines: their bytes, how many they are, and how many were dropped. False when it cannot now."""


class Outbox:
    """Gathers lines for a moment, so that many go at once. `write` may be called from any thread."""

    def __init__(self, send: Send, most: int = MOST) -> None:
        self._send = send
        self._most = most
        self._lines: list[bytes] = []
        self._bytes = self._dropped = 0
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Begin to send, in the event loop that runs."""
        self._loop = asyncio.get_running_loop()
        self._later()

    def write(self, line: str) -> None:
        """Have a line sent, its end included; or drop it when there is no room."""
        data = line.encode()
        with self._lock:
            if self._bytes + len(data) > self._most:
                self._dropped += 1
                return
            self._lines.append(data)
            self._bytes += len(data)
            first = len(self._lines) == 1
        if first and self._loop is not None:
            self._loop.call_soon_threadsafe(self._later)

    def flush(self) -> None:
        """Nothing: who writes does not wait."""

    def empty(self) -> bool:
        """Send what there is, in the event loop; False when it has to be tried again."""
        with self._lock:
            lines, dropped, self._lines, self._dropped = self._lines, self._dropped, [], 0
        if not lines and not dropped:
            return True
        sent = self._send(b"".join(lines), len(lines), dropped)
        with self._lock:
            if sent:
                self._bytes -= sum(map(len, lines))
            else:
                self._lines, self._dropped = lines + self._lines, dropped + self._dropped
        return sent

    def _later(self) -> None:
        assert self._loop is not None
        self._loop.call_later(GATHER, self._in_time)

    def _in_time(self) -> None:
        if not self.empty():
            self._later()
