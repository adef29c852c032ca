"""Text for people: values on one line, and nothing in it that a terminal would obey."""

from __future__ import annotations

from typing import Any

import orjson

from gatekeeper_py.objects.resource import ABSENT
from gatekeeper_py.policy.admission.changes import Change

__all__ = ["change_line", "printable"]

MAX_VALUE = 120
"""Characters of one value."""


def printable(text: str) -> str:
    """The text with every character that is not printable written as an escape; lines stay lines."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def change_line(change: Change) -> str:
    """`spec.runtimeClassName: kata`, with what was there before when there was something."""
    after = "removed" if change.after is ABSENT else _value(change.after)
    if change.before is ABSENT:
        return printable(f"{change.field}: {after}")
    return printable(f"{change.field}: {_value(change.before)} -> {after}")


def _value(value: Any) -> str:
    text = value if isinstance(value, str) and value else orjson.dumps(value).decode()
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 3] + "..."
