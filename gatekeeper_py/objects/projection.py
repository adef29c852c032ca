"""What is kept of an object: the fields that somebody reads, and nothing else.

A projection is a tree of fields. What it keeps it keeps so that whoever reads no other field cannot tell the
difference: a field that is there stays there, though there may be less in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["EACH", "IDENTITY", "WHOLE", "Projection", "union"]

EACH: Final = "[]"
"""Below a list: every element."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The fields of a value that are kept, each with what is kept of it; or all of it."""

    fields: Mapping[str, Projection] = field(default_factory=dict)
    whole: bool = False

    @classmethod
    def of(cls, *paths: str) -> Projection:
        """Of paths such as `spec.volumes[].name`: what they lead to is kept whole."""
        return union(cls._of_steps(path.replace(EACH, f".{EACH}").split(".")) for path in paths)

    @classmethod
    def at(cls, steps: Iterable[str], kept: Projection) -> Projection:
        """This much of what the steps lead to."""
        for step in reversed(tuple(steps)):
            kept = cls({step: kept})
        return kept

    @classmethod
    def _of_steps(cls, steps: Iterable[str]) -> Projection:
        return cls.at(steps, WHOLE)

    def covers(self, other: Projection) -> bool:
        """Whether it keeps everything that another keeps."""
        if self.whole or other.whole:
            return self.whole
        return all(
            name in self.fields and self.fields[name].covers(below) for name, below in other.fields.items()
        )

    def keep(self, value: Any) -> Any:
        """What is kept of a value. What is not shaped as it is read is kept whole: its reader will say so."""
        if self.whole:
            return value
        if type(value) is dict:
            return value if EACH in self.fields else self._keep_fields(value)
        if type(value) is list:
            return self._keep_elements(value)
        return value

    def _keep_fields(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {name: below.keep(value[name]) for name, below in self.fields.items() if name in value}

    def _keep_elements(self, value: list[Any]) -> list[Any]:
        if not self.fields:
            return []  # nobody asks for more than whether it is there
        if len(self.fields) > 1 or EACH not in self.fields:
            return value
        each = self.fields[EACH]
        return value if each.whole else [each.keep(item) for item in value]


WHOLE: Final = Projection(whole=True)
"""Everything."""


def union(projections: Iterable[Projection]) -> Projection:
    """What keeps everything that one of them keeps."""
    fields: dict[str, list[Projection]] = {}
    for each in projections:
        if each.whole:
            return WHOLE
        for name, below in each.fields.items():
            fields.setdefault(name, []).append(below)
    return Projection({name: union(below) for name, below in fields.items()})


IDENTITY: Final = Projection.of(
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.labels",
    "metadata.ownerReferences",
)
"""What tells which object it is, by which labels it is selected, and what made it."""
