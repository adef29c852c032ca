"""The words of the grammar that cannot be names."""

from __future__ import annotations

__all__ = ["RESERVED"]

RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let"}
    | {"loop", "package", "namespace", "null", "return", "true", "var", "void", "while"}
)
"""Words that name no variable and no function; fields and methods may be called so."""
