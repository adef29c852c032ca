"""What the API server says of the metadata that mutation left, before it asks who validates.

apiserver/pkg/registry/rest/{create,update,meta}.go, apimachinery/pkg/api/validation/objectmeta.go, and for
custom kinds apiextensions-apiserver/pkg/registry/customresource/validator.go. Only what a policy has changed
is asked about: the rest was the API server's to refuse before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from gatekeeper_py.golang.quoting import quote
from gatekeeper_py.objects.naming import (
    LABEL_LENGTH,
    SUBDOMAIN_LENGTH,
    dns_subdomain,
    label_value,
    qualified_name,
)
from gatekeeper_py.objects.remembered import remembered
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.schema import builtin_schema
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.mutation.mutation import StatusError

__all__ = ["ELSEWHERE", "check_metadata"]

ELSEWHERE: Final = "the namespace of the provided object does not match the namespace sent on the request"
NO_METADATA: Final = "system metadata was not initialized"
NAMESPACES: Final = "namespaces"
LONGEST_KEY: Final = SUBDOMAIN_LENGTH + len("/") + LABEL_LENGTH
"""Characters of a key that may be right."""
TOGETHER: Final = ("orphan", "foregroundDeletion")
"""Finalizers that exclude one another."""


def check_metadata(request: AdmissionRequest, changed: Object | None) -> None:
    """Raise `StatusError` for an object that no API server stores, whatever policies validate."""
    before = request.object
    if changed is None or before is None or changed is before:
        return
    metadata = changed.get("metadata", {})
    if not isinstance(metadata, dict):
        raise StatusError(500, "InternalError", messages.internal_error(NO_METADATA), NO_METADATA)
    if metadata is before.get("metadata") and changed.get("kind") == before.get("kind"):
        return
    _check_namespace(request, metadata)
    if faults := list(_faults(request, changed, before.get("metadata") or {}, metadata)):
        raise StatusError(422, "Invalid", _invalid(request, changed, metadata, faults))


def _check_namespace(request: AdmissionRequest, metadata: Object) -> None:
    """Of an object of the whole cluster the API server drops the namespace."""
    if not request.namespace or request.resource.resource == NAMESPACES:
        return
    if metadata.get("namespace") not in (None, "", request.namespace):
        raise StatusError(400, "BadRequest", ELSEWHERE)


def _invalid(request: AdmissionRequest, changed: Object, metadata: Object, faults: list[str]) -> str:
    kind = ".".join(filter(None, (changed.get("kind") or request.kind.kind, request.kind.group)))
    return f"{kind} {quote(str(metadata.get('name') or ''))} is invalid: {messages.aggregate(faults)}"


def _faults(request: AdmissionRequest, changed: Object, sent: Object, metadata: Object) -> Iterator[str]:
    custom = builtin_schema(request.kind) is None
    kind = changed.get("kind", request.kind.kind)
    if custom and kind != request.kind.kind:
        yield f"kind: Invalid value: {quote(str(kind))}: must be {request.kind.kind}"
        return
    if request.subresource:
        return
    if metadata.get("name") != sent.get("name"):
        yield from _name_faults(request, metadata, custom=custom)
    for part, check in PARTS.items():
        if (value := metadata.get(part)) != sent.get(part):
            yield from (f"metadata.{part}{fault}" for fault in check(value))


def _name_faults(request: AdmissionRequest, metadata: Object, *, custom: bool) -> Iterator[str]:
    """Kinds of Kubernetes have rules of their own for names, which the API server holds them to."""
    name = metadata.get("name")
    if request.operation == "UPDATE":
        yield f"metadata.name: Invalid value: {quote(str(name or ''))}: field is immutable"
    elif not name and not metadata.get("generateName"):
        yield "metadata.name: Required value: name or generateName is required"
    elif custom and isinstance(name, str) and name:
        yield from (f"metadata.name{fault}" for fault in _said(name, dns_subdomain(name)))


@remembered(LONGEST_KEY)
def _key_complaints(key: str) -> tuple[str, ...]:
    return tuple(qualified_name(key))


@remembered(LABEL_LENGTH)
def _value_complaints(value: str) -> tuple[str, ...]:
    return tuple(label_value(value))


def _said(value: str, complaints: Iterable[str]) -> Iterator[str]:
    return (f": Invalid value: {quote(value)}: {complaint}" for complaint in complaints)


def _texts(value: Any) -> Mapping[str, str]:
    """A map of texts; the API server drops any other when it writes the object."""
    whole = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    return dict(sorted(value.items())) if whole else {}


def _label_faults(value: Any) -> Iterator[str]:
    for key, label in _texts(value).items():
        if complaints := _key_complaints(key):
            yield from _said(key, complaints)
        if complaints := _value_complaints(label):
            yield from _said(label, complaints)


def _annotation_faults(value: Any) -> Iterator[str]:
    for key in _texts(value):
        yield from _said(key, _key_complaints(key.lower()))


def _finalizer_faults(value: Any) -> Iterator[str]:
    finalizers = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    for each in finalizers:
        yield from _said(each, qualified_name(each))
    if set(finalizers) >= set(TOGETHER):
        yield _shown(finalizers, f"finalizer {' and '.join(TOGETHER)} cannot be both set")


def _owner_faults(value: Any) -> Iterator[str]:
    owners = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    for each in owners:
        yield from _one_owner_faults(each)
    controllers = [f"{each.get('kind')}/{each.get('name')}" for each in owners if each.get("controller")]
    for other in controllers[1:]:
        found = f'Found "true" in references for {controllers[0]} and {other}'
        yield _shown(value, f"Only one reference can have Controller set to true. {found}")


def _one_owner_faults(owner: Object) -> Iterator[str]:
    for name in ("apiVersion", "kind", "name", "uid"):
        if not owner.get(name):
            what = "version must not be empty" if name == "apiVersion" else "must not be empty"
            yield f'.{name}: Invalid value: "": {what}'
    if (owner.get("apiVersion"), owner.get("kind")) == ("v1", "Event"):
        yield _shown(owner, "/v1, Kind=Event is disallowed from being an owner")


def _shown(value: Any, complaint: str) -> str:
    return f": Invalid value: {orjson.dumps(value).decode()}: {complaint}"


PARTS: Final[Mapping[str, Callable[[Any], Iterator[str]]]] = {
    "labels": _label_faults,
    "annotations": _annotation_faults,
    "ownerReferences": _owner_faults,
    "finalizers": _finalizer_faults,
}
