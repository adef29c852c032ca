"""What is asked of the engine: one admission request, whatever door it came through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gatekeeper_py.objects.requests import Resources
from gatekeeper_py.objects.resource import GroupVersion, GroupVersionKind, GroupVersionResource, Object
from gatekeeper_py.policy.immutable import immutable

__all__ = ["OPERATIONS", "AdmissionRequest", "Operation", "Promise", "UserInfo"]

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
OPERATIONS: tuple[Operation, ...] = ("CREATE", "UPDATE", "DELETE", "CONNECT")


@immutable(frozen=True, slots=True)
class UserInfo:
    """Who asks (authentication.k8s.io/v1 UserInfo)."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promise:
    """A pod that was admitted and that the cluster does not show yet."""

    namespace: str
    name: str
    resources: Resources
    """What it asks for, without the overhead of a class that it does not state itself."""


@immutable(frozen=True, slots=True)
class AdmissionRequest:
    """`request` of admission.k8s.io/v1 AdmissionReview, parsed and complete.

    `kind` and `resource` are what the webhook was called with; `request_kind` and `request_resource`
    what the client sent, the same unless the API server converted (matchPolicy Equivalent).
    For Namespace objects `namespace` is the object's own name, as the API server sends it.
    """

    uid: str
    kind: GroupVersionKind
    resource: GroupVersionResource
    operation: Operation
    name: str = ""
    namespace: str = ""
    subresource: str = ""
    user: UserInfo = UserInfo()
    object: Object | None = None
    old_object: Object | None = None
    options: Object | None = None
    dry_run: bool = False
    request_kind: GroupVersionKind | None = None
    request_resource: GroupVersionResource | None = None
    request_subresource: str = ""
    conversions: frozenset[GroupVersion] | None = None
    """The versions in which the API server asks about the same request, too, where it was sent in another;
    the group `*` is every group. None where no API server asks: objects are then judged as they are."""
    asked_at: datetime | None = None
    """When it is asked, with its time zone; None where no clock tells, and nothing holds that has an end."""
    promised: tuple[Promise, ...] | None = ()
    """What was admitted and may come into the cluster at any moment; None where nobody keeps account."""
