"""What a part of an expression gave, as its author would write it."""

from __future__ import annotations

from gatekeeper_py.cel import Outcome, written

__all__ = ["shown"]

LONGEST = 2000
"""Characters of one value: who wants more reads the manifest."""


def shown(outcome: Outcome) -> str:
    """The value, or why there is none."""
    text = f"error: {outcome.error}" if outcome.error is not None else written(outcome.value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
