"""Why no policy can be drafted from what was asked."""

from __future__ import annotations

__all__ = ["CannotDraft"]


class CannotDraft(Exception):
    """What was asked cannot be drafted; the message says why, and what to ask instead."""
