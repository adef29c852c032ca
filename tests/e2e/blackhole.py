"""A way to an API server that can take its time, or swallow everything and say nothing, as a network does that is gone."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 65536
POLL_SECONDS = 0.05


class Way:
    """Passes bytes on to a port, both ways. What it swallows it acknowledges: nobody is told of it."""

    def __init__(self, port: int = 0) -> None:
        self._target = ("127.0.0.1", port)
        self._delay = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(POLL_SECONDS)
        self._lost = threading.Event()
        """Set: nothing of what is connected by then passes any more."""
        self._gone = threading.Event()
        """Set: what is connected anew does not pass either."""
        self._stopped = threading.Event()
        self._threads = [self._begin(self._accept)]

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def lead_to(self, host: str, port: int) -> None:
        """Where what is connected from now on leads."""
        self._target = (host, port)

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Whatever arrives is passed on so much later."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    def lose_connections(self) -> None:
        """What is connected says nothing any more; new connections pass."""
        lost, self._lost = self._lost, threading.Event()
        lost.set()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Nothing passes; what was connected is lost for good."""
        self._gone.set()
        self.lose_connections()
        try:
            yield
        finally:
            self._gone.clear()

    def close(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _begin(self, work: object, *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        thread.start()
        return thread

    def _accept(self) -> None:
        while not self._stopped.is_set():
            with suppress(TimeoutError):
                near, _ = self._listener.accept()
                self._threads.append(self._begin(self._carry, near, self._lost))

    def _carry(self, near: socket.socket, lost: threading.Event) -> None:
        with near, suppress(OSError):
            if self._gone.is_set():
                self._swallow(near)
                return
            with socket.create_connection(self._target, timeout=5) as far:
                self._pass(near, far, lost)
                if lost.is_set():
                    self._swallow(near)

    def _pass(self, near: socket.socket, far: socket.socket, lost: threading.Event) -> None:
        other = {near: far, far: near}
        while not (self._stopped.is_set() or lost.is_set()):
            for ready in select.select(list(other), [], [], POLL_SECONDS)[0]:
                data = ready.recv(CHUNK)
                if not data:
                    return
                time.sleep(self._delay)
                if not lost.is_set():
                    other[ready].sendall(data)

    def _swallow(self, near: socket.socket) -> None:
        while not self._stopped.is_set():
            if select.select([near], [], [], POLL_SECONDS)[0] and not near.recv(CHUNK):
                return
