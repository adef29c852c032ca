"""What is known of a request before it is seen: what all have in common that ask the same of one resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper_py.cel import NOTHING, Known
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest

__all__ = ["Premises"]


@dataclass(frozen=True, slots=True)
class Premises:
    """What expressions may rely on, once it has been seen that it holds for a request."""

    kind: GroupVersionKind
    resource: GroupVersionResource
    operation: str
    subresource: str
    namespaced: bool

    @classmethod
    def of(cls, request: AdmissionRequest) -> Premises:
        """Those of requests like this one."""
        namespaced = bool(request.namespace)
        return cls(request.kind, request.resource, request.operation, request.subresource, namespaced)

    def hold(self, request: AdmissionRequest, value: Object | None) -> bool:
        """Whether a request, with the object as it is now, is one of those."""
        return (
            request.kind == self.kind
            and request.resource == self.resource
            and request.operation == self.operation
            and request.subresource == self.subresource
            and bool(request.namespace) is self.namespaced
            and request.request_kind in (None, self.kind)
            and request.request_resource in (None, self.resource)
            and request.request_subresource in ("", self.subresource)
            and self._is_as_expected(value, self.operation != "DELETE")
            and self._is_as_expected(request.old_object, self.operation in ("UPDATE", "DELETE"))
        )

    def _is_as_expected(self, value: Object | None, there: bool) -> bool:
        """Whether an object is there, and then of the request's kind."""
        if value is None:
            return not there
        return there and value.get("kind") == self.kind.kind

    @property
    def known(self) -> Known:
        """The values that expressions find then."""
        return dict(self._values())

    def _values(self) -> Iterator[tuple[tuple[str, ...], object]]:
        yield ("params",), None
        yield ("request", "operation"), self.operation
        for names in (("kind", "requestKind"), ("resource", "requestResource")):
            part = getattr(self, names[0])
            for name in names:
                yield from ((("request", name, field), value) for field, value in part._asdict().items())
        for name in ("subResource", "requestSubResource"):
            yield ("request", name), self.subresource or NOTHING
        if not self.namespaced:
            yield ("request", "namespace"), NOTHING
        yield from self._object("object", self.operation != "DELETE")
        yield from self._object("oldObject", self.operation in ("UPDATE", "DELETE"))

    def _object(self, name: str, there: bool) -> Iterator[tuple[tuple[str, ...], object]]:
        yield ((name, "kind"), self.kind.kind) if there else ((name,), None)
