"""What the server says of itself: whether it is ready, and on one screen how it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gatekeeper_py import __version__
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.revision import Policies
from gatekeeper_py.webhook.sink import Sink

__all__ = ["Health"]


@dataclass(slots=True)
class Health:
    """Answers from what is in memory."""

    policies: Policies
    record: Record
    output: Sink | None = None
    ages: Callable[[], Mapping[str, float]] = dict
    """Seconds since each watched kind was last known whole."""
    notices: Callable[[], Iterable[str]] = tuple
    """What is wrong beside the policies."""
    certificate_expires: float = 0.0
    """Seconds since the epoch; 0 while none is served."""

    def readiness(self, *, verbose: bool) -> tuple[bool, Mapping[str, object]]:
        """Whether policies are in force, and in words why an edit is not; `verbose` tells the rest, too."""
        in_force = self.policies.in_force
        problems = [*self.policies.problems, *self.notices()]
        details: dict[str, object] = {"ready": in_force is not None, "problems": problems}
        if in_force is not None:
            details |= {
                "policies": in_force.loaded.count,
                "revision": in_force.revision,
                "loadedAt": in_force.loaded_at,
                "warnings": list(in_force.loaded.warnings()),
            }
        if verbose:
            details |= self._beside()
        return in_force is not None, details

    def status(self) -> Mapping[str, object]:
        """Everything that a person wants to see at once."""
        _, details = self.readiness(verbose=True)
        in_force = self.policies.in_force
        tenants = sorted(in_force.loaded.tenants) if in_force is not None else []
        return {
            "version": __version__,
            "now": time.time(),
            **details,
            "tenants": tenants,
            "denials": list(self.record.denials),
        }

    def _beside(self) -> Mapping[str, object]:
        """What can be wrong while decisions go on."""
        log = {"dropped": 0, "problem": ""}
        if self.output is not None:
            log = {"dropped": self.output.dropped, "problem": self.output.problem}
        views = {kind: round(age, 1) for kind, age in self.ages().items()}
        return {"log": log, "views": views, "certificateExpires": self.certificate_expires}
