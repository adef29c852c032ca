"""Edits of policies put in force by who has no event loop: looked for now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

from gatekeeper_py.webhook.log import Log
from gatekeeper_py.webhook.memory import settle
from gatekeeper_py.webhook.revision import BadPolicies, InForce, Policies, Unsettled
from gatekeeper_py.webhook.watch import POLL, REST, at_rest

__all__ = ["Reloading"]


class Reloading:
    """Looks whether files have changed, and puts in force what they hold."""

    def __init__(
        self,
        policies: Policies,
        take: Callable[[], Hashable],
        log: Log,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policies = policies
        self._take = take
        """Takes a fingerprint of all that is loaded."""
        self._log = log
        self._clock = clock
        self._seen: Hashable = None
        self._looked = 0.0
        self._asked = False
        self._unsettled: float | None = None
        """Since when the files hold less than is in force, and do not change."""

    def begin(self) -> InForce:
        """Load for the first time; raises `BadPolicies`."""
        self._seen = at_rest(self._take)
        in_force = self._policies.reload()
        self._tell_loaded(in_force)
        return in_force

    def ask(self) -> None:
        """Have the next look load everything, changed or not: whoever asks has finished writing."""
        self._asked = True

    def look(self) -> None:
        """Put an edit in force, or say why not and keep what there is. Cheap when there is none."""
        if self._asked:
            self._asked, self._unsettled = False, None
            self._log.info("reload asked")
            self._seen = at_rest(self._take)
            self._reload(believed=True)
        if self._clock() - self._looked < POLL:
            return
        self._looked = self._clock()
        now = self._take()
        if now != self._seen:
            self._seen, self._unsettled = at_rest(self._take), None
            self._reload(believed=False)
        elif self._unsettled is not None and self._clock() - self._unsettled >= REST:
            self._unsettled = None
            self._reload(believed=True)

    def _reload(self, *, believed: bool) -> None:
        before = self._policies.in_force
        try:
            self._tell_loaded(
                self._policies.reload(at_rest=believed, unchanged=lambda: self._take() == self._seen)
            )
        except Unsettled as bad:
            self._unsettled = self._clock()
            for problem in bad.problems:
                self._log.warning("edit not believed yet", problem=problem)
        except BadPolicies as bad:
            after = self._policies.in_force
            if after is not None and after is not before:
                self._tell_loaded(after)
            for problem in bad.problems:
                self._log.error("edit refused, the last good policies stay in force", problem=problem)

    def _tell_loaded(self, in_force: InForce) -> None:
        settle()
        self._log.info("policies loaded", policies=in_force.loaded.count, revision=in_force.revision)
        for problem in in_force.loaded.problems:
            self._log.error("not in force", problem=problem)
        for warning in in_force.loaded.warnings():
            self._log.warning("does nothing", problem=warning)
