"""The thread in which a background audit goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from gatekeeper_py.audit.background import FILE, TIME, Background, internal_error
from gatekeeper_py.audit.reportkeeper import ReportKeeper
from gatekeeper_py.cluster.connection import now
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.place import Problem

__all__ = ["Patrol"]

QUIET_SECONDS: Final = 1.0
"""How long is waited for a change before the next look at what is due."""

DEBOUNCE_SECONDS: Final = 0.2
"""Waited after a change for those that come with it: a rollout writes the same objects again and again."""

LONGEST_BREATH: Final = 1.0
"""Seconds of rest after a step. It rests as long as it worked, so that it takes half a processor at most."""

ENDED: Final = "it has ended, and what was found until then is told"
FAILING: Final = "since {} what changes is not judged: {}"

STOP_SECONDS: Final = 5.0
"""How long its last step may take to end."""

Wait = Callable[[Snapshot, float], bool]
"""Waits until a cluster is seen otherwise than so, at most so many seconds."""

Prepare = Callable[[], None]


class Patrol:
    """Steps for ever. An error of ours ends one step and is told; the next begins all the same."""

    def __init__(
        self,
        background: Background,
        wait: Wait,
        prepare: Prepare,
        make_keeper: Callable[[], ReportKeeper] | None,
        tell: Callable[[Exception], None],
    ) -> None:
        self._background = background
        self._wait = wait
        self._prepare = prepare
        """Done before each step: new policies are put in force."""
        self._make_keeper = make_keeper
        """Called in the thread, to which the connection of what it makes belongs."""
        self._tell = tell
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self.keeper: ReportKeeper | None = None
        self.errors = 0
        self._failing: Problem | None = None

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    @property
    def problem(self) -> Problem | None:
        """Why what has changed may not be known: the last step failed, or there is none any more."""
        if self._thread.ident is not None and not self.running:
            return Problem("audit", 0, 0, ENDED)
        return self._failing

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step under way."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while not self._stopping.is_set():
                seen, begun = self._background.cluster.seen, now()
                try:
                    idle = runner.run(self._step())
                    self._failing = None
                except Exception as error:  # whatever it was, the next step may succeed
                    self._fail(error)
                    runner.run(self._tell_unread())
                    idle = True
                self._rest(seen, now() - begun, idle=idle)

    def _fail(self, error: Exception) -> None:
        self.errors += 1
        if self._failing is None:
            said = FAILING.format(datetime.now(UTC).strftime(TIME), internal_error(error))
            self._failing = Problem("audit", 0, 0, said, FILE)
        self._tell(error)

    async def _tell_unread(self) -> None:
        """Have the cluster know of it, too, if that can be done."""
        with suppress(Exception):
            if self.keeper is not None:
                await self.keeper.tell_unread()

    async def _step(self) -> bool:
        """Whether there was nothing to do."""
        if self.keeper is None and self._make_keeper is not None:
            self.keeper = self._make_keeper()
        self._prepare()
        step = self._background.step()
        if self.keeper is not None:
            await self.keeper.follow(step)
        return not step.looked_at

    def _rest(self, seen: Snapshot, worked: float, *, idle: bool) -> None:
        if not idle:
            self._stopping.wait(min(worked, LONGEST_BREATH))
        elif self._wait(seen, QUIET_SECONDS):
            self._stopping.wait(DEBOUNCE_SECONDS)
