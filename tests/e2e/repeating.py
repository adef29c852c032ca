"""Something done again and again beside a test, until the test has seen enough."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["repeating"]

END_SECONDS = 30
"""How long one time may take that has begun when the test is over."""


@contextmanager
def repeating(once: Callable[[], None], pause: float) -> Iterator[None]:
    """Call `once` with `pause` seconds before each time; the end of the block waits for the last."""
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(pause):
            once()

    thread = threading.Thread(target=run, name="repeating")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(END_SECONDS)
