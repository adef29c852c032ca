"""An API server of a few lines: objects, their versions, and what it says to a dry run."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from gatekeeper_py.installation.access import Access, AccessError, Conflict
from gatekeeper_py.installation.contents import keepsakes, namespace, registration
from gatekeeper_py.installation.identifiers import NAMESPACE
from gatekeeper_py.objects.resource import GroupVersionKind, Object

Key = tuple[GroupVersionKind, str, str]


def key_of(value: Object) -> Key:
    metadata = value["metadata"]
    kind = GroupVersionKind.parse(value["apiVersion"], value["kind"])
    return kind, metadata["name"], metadata.get("namespace", "")


class Cluster(Access):
    """Objects that several replicas share. `deaf` says what every request is answered with."""

    def __init__(self) -> None:
        self.objects: dict[Key, Object] = {}
        self.version = 0
        self.said = ""
        """What a dry run is answered with; empty: nobody objects."""
        self.deaf = ""
        self.log: list[str] = []
        """What was written, in its order."""

    @classmethod
    def installed(cls) -> Cluster:
        """With everything that the engine writes, as an installation makes it."""
        made = cls()
        for value in (namespace(), *keepsakes(), *registration()):
            made.apply(value)
        made.log.clear()
        return made

    def get(self, kind: GroupVersionKind, name: str, namespace: str = "") -> Object | None:
        self._hear()
        return copy.deepcopy(self.objects.get((kind, name, namespace)))

    def list(
        self, kind: GroupVersionKind, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        self._hear()
        return [
            copy.deepcopy(value)
            for (found, _, where), value in self.objects.items()
            if found == kind and where == namespace and (labels or {}).items() <= _labels(value).items()
        ]

    def apply(self, value: Object) -> None:
        self._hear()
        before = self.objects.get(key_of(value), {})
        self._store("apply", {**before, **copy.deepcopy(value)})

    def replace(self, value: Object, *, dry_run: bool = False) -> None:
        self._hear()
        if dry_run:
            if self.said:
                raise AccessError(self.said)
            return
        present = self.objects.get(key_of(value))
        if present is None:
            raise AccessError(f"{value['kind']} not found")
        if present["metadata"]["resourceVersion"] != value["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        self._store("update", copy.deepcopy(value))

    def delete(self, kind: GroupVersionKind, name: str, namespace: str = "", *, now: bool = False) -> bool:
        self._hear()
        found = self.objects.pop((kind, name, namespace), None)
        if found is not None:
            self.log.append(f"delete {kind.kind} {name}{' now' if now else ''}")
        if kind.kind == "Namespace":
            self.objects = {key: value for key, value in self.objects.items() if key[2] != name}
        return found is not None

    def _store(self, verb: str, value: Object) -> None:
        self.version += 1
        value["metadata"] = {**value["metadata"], "resourceVersion": str(self.version)}
        self.objects[key_of(value)] = value
        self.log.append(f"{verb} {value['kind']} {value['metadata']['name']}")

    def _hear(self) -> None:
        if self.deaf:
            raise AccessError(self.deaf)

    def at(self, kind: GroupVersionKind, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        """An object that is there."""
        return self.objects[(kind, name, namespace)]


def _labels(value: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = value["metadata"].get("labels") or {}
    return labels


class Clock:
    """A time of the test's own; a pause lets it pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
