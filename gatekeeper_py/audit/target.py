"""What a report says of an object: which one it is and where it stands, not what is in it.

An audit looks at more objects than memory holds: of each it keeps this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any

from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.tenancy.virtual_nodes import NodeProfile

__all__ = ["Target", "runtime_class"]

NAMESPACES = GroupVersionResource("", "v1", "namespaces")

TO_THE_POD = ("spec", "jobTemplate", "template")
"""The fields on the way from a workload to the pod that it makes."""


@dataclass(frozen=True, slots=True)
class Target:
    """One object that was audited."""

    kind: GroupVersionKind
    resource: GroupVersionResource
    namespace: str
    """The request's: of a Namespace its own name."""
    name: str
    path: str
    """The file it stands in, or where else it was read."""
    line: int
    """0 when it stands in no file."""
    column: int
    uid: str = ""
    """Empty when it is none of a cluster."""
    asked_as: str = ""
    """The name of the user as whom it was judged."""
    runtime_class: str | None = None
    """What its pods run in: a class, or virtual nodes that count as machines; empty when it is neither, None
    when it makes no pods."""

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        request: AdmissionRequest,
        admitted: Object | None,
        profiles: Iterable[NodeProfile] = (),
    ) -> Target:
        """Of an object as it was read, asked about and admitted, where these virtual nodes are known."""
        source = manifest.source
        uid = (manifest.object.get("metadata") or {}).get("uid")
        class_ = runtime_class(admitted or {}, profiles)
        return cls(
            _KINDS.setdefault(request.kind, request.kind),
            _RESOURCES.setdefault(request.resource, request.resource),
            intern(request.namespace),
            request.name,
            intern(source.path),
            source.line,
            source.column,
            str(uid or ""),
            intern(request.user.username),
            None if class_ is None else intern(class_),
        )

    @property
    def home(self) -> str:
        """The namespace that it is in: a Namespace is in none."""
        return "" if self.resource == NAMESPACES else self.namespace


_KINDS: dict[GroupVersionKind, GroupVersionKind] = {}
_RESOURCES: dict[GroupVersionResource, GroupVersionResource] = {}
"""What many objects have in common is kept once, and sent once by a worker that judged them."""


def runtime_class(value: Mapping[str, Any], profiles: Iterable[NodeProfile] = ()) -> str | None:
    """The class that a pod, or the pods of a workload, run in; None of what makes no pods.

    On virtual nodes where nobody looks at the class that is `virtual node` and their profile if they count as
    virtual machines, and nothing if they do not.
    """
    while not isinstance(value.get("containers"), list):
        inner = next((value[name] for name in TO_THE_POD if isinstance(value.get(name), dict)), None)
        if inner is None:
            return None
        value = inner
    profile = _profile_of(value, profiles)
    if profile is None or "runtimeClasses" not in profile.lacks:
        return str(value.get("runtimeClassName") or "")
    return f"virtual node {profile.name}" if profile.isolation == "vm" else ""


def _profile_of(spec: Mapping[str, Any], profiles: Iterable[NodeProfile]) -> NodeProfile | None:
    """The virtual nodes that a pod selects, by the first profile that fits."""
    selector = spec.get("nodeSelector")
    chosen = selector if isinstance(selector, dict) else {}
    return next((profile for profile in profiles if profile.selector.items() <= chosen.items()), None)
