"""What the platform put into a tenant's namespace: what bears its mark, and what hangs below that.

A Deployment of the platform makes ReplicaSets, these make pods, and a StatefulSet makes claims; none of them
need carry the mark. They are as protected as what they were made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gatekeeper_py.objects.resource import GroupVersionKind, Object, Objects
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.immutable import immutable

__all__ = ["CHAIN", "CLAIM", "MARKS", "Protection", "claim_stems", "metadata_of", "name_of"]

MARKS = frozenset(
    ("tenancy.gatekeeper-py.dev/protected", "capsule.clastix.io/managed-by", "projectcapsule.dev/managed-by")
)
"""Labels by which the platform, or Capsule for it, marks what is its own."""
POD = GroupVersionKind("", "v1", "Pod")
CLAIM = GroupVersionKind("", "v1", "PersistentVolumeClaim")
STATEFUL_SET = GroupVersionKind("apps", "v1", "StatefulSet")
CHAIN = (
    POD,
    GroupVersionKind("", "v1", "ReplicationController"),
    CLAIM,
    GroupVersionKind("apps", "v1", "Deployment"),
    GroupVersionKind("apps", "v1", "ReplicaSet"),
    STATEFUL_SET,
    GroupVersionKind("apps", "v1", "DaemonSet"),
    GroupVersionKind("batch", "v1", "Job"),
    GroupVersionKind("batch", "v1", "CronJob"),
)
"""The kinds that make others, and claims: what a look up the chain of owners reads."""
DEEPEST = 8
"""Owners above one another that are looked at; Kubernetes' own kinds need three (CronJob to claim)."""
NUMBERED = re.compile(r"(.+)-[0-9]+")
"""The name of a StatefulSet's pod or claim: something, and a number."""


def metadata_of(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata of an object; empty when there is something else in its place."""
    metadata = value.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def name_of(value: Mapping[str, Any]) -> str:
    """The name of an object; empty before the API server has made one up."""
    return str(metadata_of(value).get("name") or "")


def claim_stems(stateful_set: Mapping[str, Any]) -> list[str]:
    """What the names of a StatefulSet's claims begin with, before their number: `data-web-` (KEP-1847)."""
    spec = stateful_set.get("spec")
    templates = spec.get("volumeClaimTemplates") if isinstance(spec, dict) else None
    each = templates if isinstance(templates, list) else ()
    return [
        f"{name_of(template)}-{name_of(stateful_set)}-" for template in each if isinstance(template, dict)
    ]


@immutable(frozen=True, slots=True)
class Protection:
    """Tells what is protected in one namespace, by the objects that exist there."""

    objects: Objects
    namespace: str

    def covers(self, value: Object, depth: int = 0) -> bool:
        """Whether an object bears a mark of the platform, or hangs below one that does."""
        if not MARKS.isdisjoint(labels_of(value)):
            return True
        return depth < DEEPEST and self.covers_maker(value, depth)

    def covers_owner(self, owner: Mapping[str, Any], depth: int = 0) -> bool:
        """Whether what an ownerReference names is protected; one of another uid is not what was meant."""
        kind = GroupVersionKind.parse(str(owner.get("apiVersion", "")), str(owner.get("kind", "")))
        found = self.objects.get(kind, self.namespace, str(owner.get("name", "")))
        if found is None or not _is_same(metadata_of(found).get("uid"), owner.get("uid")):
            return False
        return self.covers(found, depth + 1)

    def covers_maker(self, made: Object, depth: int = 0) -> bool:
        """Whether what an object was made from is protected, by its owners and, for claims, its name."""
        if any(self.covers_owner(owner, depth) for owner in _owners(made)):
            return True
        return made.get("kind") == CLAIM.kind and self._is_claim_of_a_protected_set(made)

    def covers_named(self, kind: GroupVersionKind, name: str) -> bool:
        """Whether there is such an object, and it is protected."""
        found = self.objects.get(kind, self.namespace, name)
        return found is not None and self.covers(found)

    def of(self, kind: GroupVersionKind) -> Iterator[Object]:
        """The objects of a kind that are protected."""
        return (value for value in self.objects.list(kind, self.namespace) if self.covers(value))

    def _is_claim_of_a_protected_set(self, claim: Object) -> bool:
        """A claim outlives its set and names no owner: its name tells."""
        match = NUMBERED.fullmatch(name_of(claim))
        if match is None:
            return False
        stem = f"{match[1]}-"
        sets = self.objects.list(STATEFUL_SET, self.namespace)
        return any(stem in claim_stems(each) and self.covers(each) for each in sets)


def _owners(value: Object) -> Iterator[Mapping[str, Any]]:
    owners = metadata_of(value).get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, dict):
            yield owner


def _is_same(one: object, other: object) -> bool:
    """Whether two uids may be of one object: manifests that were never sent have none."""
    return one == other or not one or not other
