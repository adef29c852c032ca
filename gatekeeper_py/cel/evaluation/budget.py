"""What evaluations may spend: units of work along Kubernetes' cost model, and time.

Limits are those of Kubernetes 1.36, apiserver/pkg/apis/cel/config.go.
"""

from __future__ import annotations

import time

from gatekeeper_py.cel.errors import CostExceeded, DeadlineExceeded

__all__ = ["EXPRESSION_LIMIT", "STRIDE", "WORK_LIMIT", "Budget"]

EXPRESSION_LIMIT = 1_000_000
"""Units one expression may spend (PerCallLimit)."""

STRIDE = 10_000
"""Units between two checks of the deadline: well below a hundredth of a second of work."""

WORK_LIMIT = 2_000_000
"""Steps of work that Kubernetes' cost model lets by uncharged: values visited by a deep comparison,
elements copied by a concatenation. An expression that needs more is stopped, as one that costs too much."""


class Budget:
    """What the expressions of one pass may spend together; each also has `EXPRESSION_LIMIT` of its own.

    Not shared between threads: a budget belongs to one request.
    """

    __slots__ = ("compared", "deadline", "remaining", "worked")

    def __init__(self, limit: int, deadline: float | None = None) -> None:
        self.remaining = limit
        self.deadline = deadline
        """`time.monotonic()` at which the request's time is over, in seconds; None for no such bound."""
        self.worked = 0
        self.compared: dict[tuple[int, int], tuple[object, object, bool]] = {}
        """Large values and whether they are equal, by identities that stay theirs while they are kept.
        No value changes while expressions read it."""

    def spend(self, units: int) -> None:
        """Spend `units`; raise `CostExceeded` when fewer are left."""
        self.remaining -= units
        if self.remaining < 0:
            raise CostExceeded(
                "validation failed due to running out of cost budget, no further validation rules will be run"
            )

    def checkpoint(self, cost: int) -> int:
        """Where an expression that has spent `cost` must stop next; raises when it has to stop here."""
        if cost > EXPRESSION_LIMIT:
            raise CostExceeded("operation cancelled: actual cost limit exceeded")
        self.check_deadline()
        return min(cost + STRIDE, EXPRESSION_LIMIT)

    def work(self, steps: int) -> None:
        """Count work that has no price; raise when there was too much of it or the time is over."""
        self.worked += steps
        if self.worked > WORK_LIMIT:
            raise CostExceeded("operation cancelled: actual cost limit exceeded")
        if steps >= 1024:
            self.check_deadline()

    def check_deadline(self) -> None:
        """Raise `DeadlineExceeded` when the time is over.

        An expression does so every `STRIDE` units; who evaluates many short ones has to do it between them.
        """
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded("operation interrupted")
