"""What evaluations may spend: units of work along Kubernetes' cost model, and time.

Limits are those of Kubernetes 1.36, apiserver/pkg/apis/cel/config.go.
"""

from __future__ import annotations

import time

from gatekeeper_py.cel.errors import CostExceeded

__all__ = ["EXPRESSION_LIMIT", "Budget"]

EXPRESSION_LIMIT = 1_000_000
"""Units one expression may spend (PerCallLimit)."""


class Budget:
    """A purse that the expressions of one pass share; each also has `EXPRESSION_LIMIT` of its own.

    Not shared between threads: a budget belongs to one request.
    """

    __slots__ = ("deadline", "remaining")

    def __init__(self, limit: int, deadline: float | None = None) -> None:
        self.remaining = limit
        self.deadline = deadline
        """`time.monotonic()` at which the request's time is over, in seconds; None for no such bound."""

    def spend(self, units: int) -> None:
        """Take `units` out of the purse; raise `CostExceeded` when they are not there."""
        self.remaining -= units
        if self.remaining < 0:
            raise CostExceeded(
                "validation failed due to running out of cost budget, no further validation rules will be run"
            )

    @property
    def late(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() > self.deadline
