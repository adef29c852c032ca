"""What stays of a review: a line of the log, a count, an entry among the last denials, perhaps an Event."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Protocol

from gatekeeper_py.webhook import log
from gatekeeper_py.webhook.answer import Answer
from gatekeeper_py.webhook.log import Output
from gatekeeper_py.webhook.metrics import Metrics

__all__ = ["Announcer", "Record"]

LAST_DENIALS: Final = 10
"""As many as fit on a screen with everything else that status shows."""


class Announcer(Protocol):
    """Tells a tenant of a denial; must neither wait nor fail."""

    def denied(self, tenant: str, answer: Answer) -> None:
        """Tell it."""


@dataclass(slots=True)
class Record:
    """Where reviews are recorded. Belongs to the event loop."""

    log: log.Log
    output: Output
    """Where the log's lines go: those of decisions are too many for its processors."""
    metrics: Metrics = field(default_factory=Metrics)
    announcer: Announcer | None = None
    denials: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LAST_DENIALS))
    """The last ones, each in a few words."""
    control_plane: str = ""
    """The tenant's own control plane whose reviews these are; empty for the host's."""

    def in_flight(self) -> AbstractContextManager[None]:
        """While this is entered a review is being answered."""
        return self.metrics.in_flight

    def answered(self, webhook: str, tenant: str, answer: Answer, seconds: float) -> None:
        """A review was answered with a verdict."""
        if answer.incident is not None:
            self.metrics.incidents.add()
            log.incident(self.log, webhook, tenant, answer, self.control_plane)
        log.decision(self.output, webhook, tenant, answer, seconds, self.control_plane)
        self.metrics.reviewed(webhook, tenant, answer.request.operation, answer.decision, seconds)
        if not answer.decision.allowed:
            self._denied(tenant, answer)

    def _denied(self, tenant: str, answer: Answer) -> None:
        request, decision = answer.request, answer.decision
        denying = {finding.policy for finding in decision.findings if "Deny" in finding.actions}
        denial = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "tenant": tenant,
            "namespace": request.namespace,
            "operation": request.operation,
            "resource": request.resource.resource,
            "name": request.name,
            "policies": sorted(denying),
            "reason": decision.status.reason if decision.status else "",
        }
        self.denials.append(log.bounded(denial))
        if self.announcer is not None and not request.dry_run:
            self.announcer.denied(tenant, answer)

    def refused(self, webhook: str, tenant: str, code: HTTPStatus, reason: str) -> None:
        """A review was answered without a verdict."""
        where = {"control_plane": self.control_plane} if self.control_plane else {}
        self.log.warning("refused", webhook=webhook, tenant=tenant, code=int(code), reason=reason, **where)
        self.metrics.refused.add(webhook, str(int(code)))

    def shed(self, webhook: str) -> None:
        """A review had no turn, or no room, in time."""
        self.metrics.shed.add(webhook)
