"""CEL that is true or false, put together with no more brackets than it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["FALSE", "TRUE", "Condition", "every", "negated", "some"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A CEL expression of type bool."""

    text: str
    joint: str = ""
    """The operator that binds loosest in it: `||`, `&&`, `==` for any comparison; empty for what needs no
    brackets anywhere."""

    def __str__(self) -> str:
        return self.text


TRUE, FALSE = Condition("true"), Condition("false")


def every(parts: Iterable[Condition]) -> Condition:
    """All of them hold."""
    return _joined("&&", parts, TRUE, FALSE)


def some(parts: Iterable[Condition]) -> Condition:
    """One of them holds."""
    return _joined("||", parts, FALSE, TRUE)


def _joined(joint: str, parts: Iterable[Condition], neutral: Condition, decisive: Condition) -> Condition:
    """CEL takes `a && b || c` as `(a && b) || c`; who reads it should not have to know."""
    kept = [part for part in dict.fromkeys(parts) if part != neutral]
    if decisive in kept:
        return decisive
    if len(kept) < 2:
        return kept[0] if kept else neutral
    other = "||" if joint == "&&" else "&&"
    texts = [f"({part.text})" if part.joint == other else part.text for part in kept]
    return Condition(f" {joint} ".join(texts), joint)


def negated(part: Condition) -> Condition:
    """It does not hold."""
    if part in (TRUE, FALSE):
        return FALSE if part == TRUE else TRUE
    if part.joint:
        return Condition(f"!({part.text})")
    return Condition(part.text[1:] if part.text.startswith("!") else f"!{part.text}")
