"""Which objects a binding gives to its policy as `params` (policy/generic/policy_dispatcher.go CollectParams)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from gatekeeper_py.cluster.resource import GroupVersionKind
from gatekeeper_py.cluster.selector import labels_of
from gatekeeper_py.cluster.view import ClusterView, Object, Served
from gatekeeper_py.policy.model import ParamRef

__all__ = ["Parameters", "ParameterError", "collect"]

WITHOUT: Sequence[Object | None] = (None,)
"""One evaluation with `params` null."""

CLUSTER_SCOPED_REQUEST = (
    "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
)
CLUSTER_SCOPED_KIND = "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
NOT_FOUND = "no params found for policy binding with `Deny` parameterNotFoundAction"


class ParameterError(Exception):
    """A binding whose params cannot be had; the message is the API server's."""


class _Store(Protocol):
    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None."""

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind in a namespace."""


class Parameters:
    """Parameter objects that stand in the policies directory; they go before those of the cluster.

    A directory that holds any object of a kind is the whole truth about that kind.
    """

    def __init__(
        self, objects: Mapping[GroupVersionKind, Mapping[tuple[str, str], Object]] | None = None
    ) -> None:
        self._objects = objects or {}

    def __contains__(self, kind: GroupVersionKind) -> bool:
        return kind in self._objects

    def namespaced(self, kind: GroupVersionKind) -> bool:
        """Whether any of the kind's objects says which namespace it is in."""
        return any(namespace for namespace, _ in self._objects.get(kind, {}))

    def get(self, kind: GroupVersionKind, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        return self._objects.get(kind, {}).get((namespace, name))

    def list(self, kind: GroupVersionKind, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind, in one namespace or (None) in all, by namespace and name."""
        held = self._objects.get(kind, {})
        return [held[key] for key in sorted(held) if namespace is None or key[0] == namespace]


def collect(
    kind: GroupVersionKind | None,
    reference: ParamRef | None,
    namespace: str,
    cluster: ClusterView,
    directory: Parameters,
) -> Sequence[Object | None]:
    """The params to evaluate with, one evaluation each; none at all skips the binding.

    `namespace` is the request's. Raise `ParameterError` in the API server's words.
    """
    if kind is None or reference is None:
        return WITHOUT
    served = cluster.served(kind)
    if served is None and kind not in directory:
        raise ParameterError(unknown_kind(kind))
    where = _namespace(kind, reference, namespace, served, directory)
    store: _Store = directory if kind in directory else cluster
    found = _found(store, kind, where, reference)
    if not found and reference.not_found == "Deny":
        raise ParameterError(NOT_FOUND)
    return found


def unknown_kind(kind: GroupVersionKind) -> str:
    """What the API server says of a paramKind it does not serve (policy/generic/policy_source.go)."""
    name = f"{kind.group}/{kind.version}, Kind={kind.kind}"
    return f"failed to find resource referenced by paramKind: '{name}'"


def _namespace(
    kind: GroupVersionKind, reference: ParamRef, namespace: str, served: Served | None, directory: Parameters
) -> str:
    """The namespace to look in; empty for kinds of the whole cluster."""
    namespaced = served.namespaced if served else directory.namespaced(kind)
    if not namespaced:
        if reference.namespace:
            raise ParameterError(CLUSTER_SCOPED_KIND)
        return ""
    where = reference.namespace or namespace
    if not where:
        raise ParameterError(CLUSTER_SCOPED_REQUEST)
    return where


def _found(store: _Store, kind: GroupVersionKind, namespace: str, reference: ParamRef) -> Sequence[Object]:
    if reference.selector is None:
        found = store.get(kind, namespace, reference.name)
        return (found,) if found is not None else ()
    selected = reference.selector
    return tuple(obj for obj in store.list(kind, namespace) if selected.matches(labels_of(obj)))
