"""What all checks share: parts of documents, and the faults found in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.policy.loading.faults import Fault, invalid, invalid_object, unsupported
from gatekeeper_py.policy.loading.shape import GROUP

__all__ = ["Complain", "Faults", "Part", "items", "part", "text", "texts"]

Part: TypeAlias = Mapping[str, Any]
"""A mapping of a document; any value in it may be null, which is as good as absent."""

Complain: TypeAlias = Callable[[str], list[str]]
"""A function of `names`."""


class Faults:
    """What is wrong with one document, in the API server's order."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def __len__(self) -> int:
        return len(self.found)

    def add(self, fault: Fault) -> None:
        """One more."""
        self.found.append(fault)

    def choice(self, field: FieldPath, value: str | None, choices: Iterable[str]) -> None:
        """A value of a few; absent is fine, empty is not."""
        if value is not None and value not in choices:
            self.add(unsupported(field, value, choices))

    def name(self, field: FieldPath, value: str, complain: Complain, at: FieldPath | None = None) -> None:
        """A name of a certain form. `at` is where it stands, when the API server names another field."""
        for complaint in complain(value):
            self.add(invalid(field, value, complaint, value_at=at))

    def problems(self, manifest: Manifest) -> list[Problem]:
        """The faults at their places in the file."""
        return [_problem(manifest, fault) for fault in self.found]


def _problem(manifest: Manifest, fault: Fault) -> Problem:
    source, field = manifest.source, fault.value_at or fault.field
    where = source.locate(field) if fault.offset is None else source.locate_in_text(field, fault.offset)
    what = invalid_object(manifest.kind.kind, GROUP, manifest.name, [fault])
    return Problem(source.path, *where, what, fault.remedy)


def part(parent: Part, name: str) -> Part:
    """A mapping that may be absent."""
    return parent.get(name) or {}


def items(parent: Part, name: str) -> Sequence[Part]:
    """A list of mappings."""
    return [item or {} for item in parent.get(name) or ()]


def text(parent: Part, name: str) -> str:
    """A string, empty when absent."""
    return parent.get(name) or ""


def texts(parent: Part, name: str) -> tuple[str, ...]:
    """A list of strings."""
    return tuple(item or "" for item in parent.get(name) or ())
