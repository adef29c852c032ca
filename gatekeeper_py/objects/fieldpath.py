"""Paths to the fields of an object."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["FieldPath", "field_text"]

FieldPath: TypeAlias = tuple[str | int, ...]
"""`("spec", "validations", 0, "expression")`."""


def field_text(path: FieldPath) -> str:
    """A field as the API server names it: `spec.validations[0].expression`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
