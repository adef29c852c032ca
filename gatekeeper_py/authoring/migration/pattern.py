"""Kyverno's patterns as CEL: an object is like a pattern when every field of the pattern is there and alike.

Only what has one plain meaning is translated: fields, `=(field)` (alike where it is there), `X(field)`
(absent), lists of one element (every item is alike), texts with `*`, `?`, `|`, `&` and `!`, numbers and
booleans. Other anchors compare fields with each other, and operators know amounts: what has them is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gatekeeper_py.authoring.migration.carried import CannotCarry, glob_condition, literal
from gatekeeper_py.objects.fieldpath import FieldPath

__all__ = ["pattern_condition"]

ANCHOR = re.compile(r"(?P<mark>[=X^+<]?)\((?P<name>.+)\)")
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
OPERATOR = re.compile(r"\s*(>=|<=|>|<)|.*\d\s*!?-\s*\d")
QUANTITY = re.compile(r"[+-]?\d+(\.\d+)?([eE]-?\d+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|ns|us|ms|s|h)")
"""Texts that Kyverno compares as amounts: 1Gi is 1024Mi."""


def pattern_condition(pattern: Any, root: str, path: FieldPath) -> str:
    """CEL that is true for a value (`root`) like the pattern. Raises `CannotCarry`."""
    return _Translation().value(pattern, root, path)


class _Translation:
    """One pattern; its loops have variables of their own."""

    def __init__(self) -> None:
        self._loops = 0

    def value(self, pattern: Any, root: str, path: FieldPath) -> str:
        if isinstance(pattern, Mapping):
            parts = list(self._fields(pattern, root, path))
            return " && ".join(parts) if parts else "true"
        if isinstance(pattern, list):
            return self._items(pattern, root, path)
        if isinstance(pattern, bool):
            return f"{root} == {str(pattern).lower()}"
        if isinstance(pattern, int):
            return f"string({root}) == '{pattern}'"
        if isinstance(pattern, str):
            return _text(pattern, root, path)
        raise CannotCarry(path, f"a pattern of {pattern!r}")

    def _fields(self, pattern: Mapping[str, Any], root: str, path: FieldPath) -> Iterator[str]:
        for key, inner in pattern.items():
            anchor = ANCHOR.fullmatch(key)
            name, mark = (anchor["name"], anchor["mark"]) if anchor else (key, "")
            if anchor and mark not in ("=", "X"):
                raise CannotCarry((*path, key), f"the anchor {key} compares fields with each other")
            if re.search(r"[*?]", name):
                raise CannotCarry((*path, key), "a field with a wildcard in its name")
            yield self._field(name, mark, inner, root, (*path, key))

    def _field(self, name: str, mark: str, pattern: Any, root: str, path: FieldPath) -> str:
        plain = NAME.fullmatch(name)
        there = f"has({root}.{name})" if plain else f"{literal(name)} in {root}"
        field = f"{root}.{name}" if plain else f"{root}[{literal(name)}]"
        if mark == "X" or pattern is None:
            return f"!({there})" if not plain else f"!{there}"
        alike = self.value(pattern, field, path)
        if alike == "true":
            return "true" if mark == "=" else there
        return f"(!{there if plain else f'({there})'} || {alike})" if mark == "=" else f"{there} && ({alike})"

    def _items(self, pattern: list[Any], root: str, path: FieldPath) -> str:
        if len(pattern) != 1:
            raise CannotCarry(path, "a list of several patterns")
        self._loops += 1
        item = "item" if self._loops == 1 else f"item{self._loops}"
        return f"{root}.all({item}, {self.value(pattern[0], item, (*path, 0))})"


def _text(pattern: str, root: str, path: FieldPath) -> str:
    if "{{" in pattern or "$(" in pattern:
        raise CannotCarry(path, "a variable in a pattern")
    parts = [_together(each, root, path) for each in pattern.split("|")]
    return parts[0] if len(parts) == 1 else f"({' || '.join(parts)})"


def _together(pattern: str, root: str, path: FieldPath) -> str:
    parts = [_alternative(each.strip(), root, path) for each in pattern.split("&")]
    return parts[0] if len(parts) == 1 else f"({' && '.join(parts)})"


def _alternative(pattern: str, root: str, path: FieldPath) -> str:
    if OPERATOR.match(pattern) or QUANTITY.fullmatch(pattern.lstrip("!")):
        raise CannotCarry(path, f"the pattern {pattern!r} compares amounts")
    if pattern.startswith("!"):
        return f"!({_alternative(pattern[1:], root, path)})"
    if pattern == "*":
        return "true"
    if pattern == "?*":
        return f"string({root}) != ''"
    return glob_condition(f"string({root})", [pattern])
