"""Custom kinds of which no definition was read: nobody has checked their fields, or filled in their defaults.

What exists may serve them, so that is no fault of a manifest. It is said once a kind, however many objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gatekeeper_py.manifests.fieldvalidation import is_built_in_group
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind, Objects

__all__ = ["Undefined", "together", "undefined"]


@dataclass(frozen=True, slots=True)
class Undefined:
    """A kind, where the first of its objects stands, and how many there are."""

    kind: GroupVersionKind
    path: str
    line: int
    column: int
    objects: int = 1

    @property
    def problem(self) -> Problem:
        """What there is to say of it."""
        counted = "1 object" if self.objects == 1 else f"{self.objects} objects"
        what = f"no definition was read for {self.kind.api_version} {self.kind.kind} ({counted})"
        return Problem(self.path, self.line, self.column, f"{what}: {UNCHECKED}", REMEDY)

    def __str__(self) -> str:
        """As a line of stderr."""
        return str(self.problem)


UNCHECKED = "its fields are not checked, and its defaults are not filled in"
REMEDY = "Give its CustomResourceDefinition with --cluster or -f"


def undefined(manifests: Iterable[Manifest], view: Objects) -> tuple[Undefined, ...]:
    """The kinds of these manifests that `view` does not serve, and Kubernetes does not have."""
    unread: dict[GroupVersionKind, Undefined] = {}
    for manifest in manifests:
        kind = manifest.kind
        if kind in unread:
            unread[kind] = replace(unread[kind], objects=unread[kind].objects + 1)
        elif "." in kind.group and not is_built_in_group(kind.group) and view.served(kind) is None:
            source = manifest.source
            unread[kind] = Undefined(kind, source.path, source.line, source.column)
    return tuple(unread.values())


def together(parts: Iterable[Undefined]) -> tuple[Undefined, ...]:
    """Of several parts of one whole, each kind once, where it was met first."""
    whole: dict[GroupVersionKind, Undefined] = {}
    for part in parts:
        known = whole.get(part.kind)
        whole[part.kind] = part if known is None else replace(known, objects=known.objects + part.objects)
    return tuple(whole.values())
