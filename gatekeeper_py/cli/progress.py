"""How far a long command is: a bar on a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Stage", "stages"]

PAUSE = 0.1
"""Seconds between two looks: nobody reads faster."""

Stage = Callable[[str, int | None], Callable[[int], None]]
"""Begins a stage of so much work (None: nobody knows); what it returns is told of what is done."""


@contextmanager
def stages() -> Iterator[Stage]:
    """Bars on standard error while it is a terminal; they are gone in the end.

    They are drawn by whoever tells of progress, not by a thread, which would be lost in a fork.
    """
    if not sys.stderr.isatty():
        yield lambda _name, _total: lambda _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bars:
        seen = [0.0]

        def begin(name: str, total: int | None) -> Callable[[int], None]:
            task = bars.add_task(name, total=total)

            def advance(done: int) -> None:
                bars.advance(task, done)
                if time.monotonic() - seen[0] > PAUSE:
                    seen[0] = time.monotonic()
                    bars.refresh()

            return advance

        yield begin
