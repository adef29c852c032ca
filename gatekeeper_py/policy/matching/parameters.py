"""Which objects a binding gives to its policy as `params`.

Follows CollectParams of apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatekeeper_py.cluster.snapshot import DEFAULT_NAMESPACE
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.model import ParamRef

__all__ = ["ParameterError", "Parameters", "collect", "require_served"]

WITHOUT: Sequence[Object | None] = (None,)
"""One evaluation with `params` null."""

CLUSTER_SCOPED_REQUEST = (
    "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
)
CLUSTER_SCOPED_KIND = "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
NOT_FOUND = "no params found for policy binding with `Deny` parameterNotFoundAction"


class ParameterError(Exception):
    """A policy or a binding whose params cannot be had; the message is the API server's."""


class Parameters:
    """Params that stand in the policies directory; the directory goes before the cluster."""

    def __init__(self, objects: Iterable[Object] = (), definitions: Iterable[Object] = ()) -> None:
        self._kinds = Kinds.builtin().with_definitions(definitions)
        self._objects: dict[GroupVersionKind, dict[tuple[str, str], Object]] = {}
        for obj in objects:
            kind, key = self.identify(obj)
            self._objects.setdefault(kind, {})[key] = obj

    def identify(self, obj: Object) -> tuple[GroupVersionKind, tuple[str, str]]:
        """Kind, and namespace with name, of an object; a namespaced one without namespace is in `default`."""
        kind = GroupVersionKind.parse(obj["apiVersion"], obj["kind"])
        metadata = obj.get("metadata") or {}
        namespace, served = metadata.get("namespace") or "", self._kinds.served(kind)
        if served:
            namespace = (namespace or DEFAULT_NAMESPACE) if served.namespaced else ""
        return kind, (namespace, metadata.get("name") or "")

    def namespaced(self, kind: GroupVersionKind, cluster: ClusterView) -> bool | None:
        """Whether objects of a kind are in namespaces; None when the kind is unknown.

        A kind that no CustomResourceDefinition defines is known by its objects, here or in the cluster.
        """
        served = self._kinds.served(kind) or cluster.served(kind)
        if served:
            return served.namespaced
        held = [*self._objects.get(kind, {}).values(), *cluster.list(kind)]
        return any((obj.get("metadata") or {}).get("namespace") for obj in held) if held else None

    def get(self, kind: GroupVersionKind, namespace: str, name: str, cluster: ClusterView) -> Object | None:
        """The directory's object, otherwise the cluster's."""
        found = self._objects.get(kind, {}).get((namespace, name))
        return cluster.get(kind, namespace, name) if found is None else found

    def list(self, kind: GroupVersionKind, namespace: str, cluster: ClusterView) -> list[Object]:
        """The objects of a kind in a namespace, those of the directory for the cluster's of the same name."""
        named = {self.identify(obj)[1]: obj for obj in cluster.list(kind, namespace)}
        named |= {key: obj for key, obj in self._objects.get(kind, {}).items() if key[0] == namespace}
        return [named[key] for key in sorted(named)]


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
    where = _namespace(kind, reference, namespace, directory.namespaced(kind, cluster))
    found = _found(kind, where, reference, cluster, directory)
    if not found and reference.not_found == "Deny":
        raise ParameterError(NOT_FOUND)
    return found


def require_served(kind: GroupVersionKind | None, cluster: ClusterView, directory: Parameters) -> None:
    """Raise `ParameterError` when a policy's paramKind is not known at all (policy_source.go)."""
    if kind is not None and directory.namespaced(kind, cluster) is None:
        raise ParameterError(unknown_kind(kind))


def unknown_kind(kind: GroupVersionKind) -> str:
    """What the API server says of a paramKind it does not serve (policy/generic/policy_source.go)."""
    name = f"{kind.group}/{kind.version}, Kind={kind.kind}"
    return f"failed to find resource referenced by paramKind: '{name}'"


def _namespace(kind: GroupVersionKind, reference: ParamRef, namespace: str, namespaced: bool | None) -> str:
    """The namespace to look in; empty for kinds of the whole cluster."""
    if namespaced is None:
        raise ParameterError(unknown_kind(kind))
    if not namespaced:
        if reference.namespace:
            raise ParameterError(CLUSTER_SCOPED_KIND)
        return ""
    where = reference.namespace or namespace
    if not where:
        raise ParameterError(CLUSTER_SCOPED_REQUEST)
    return where


def _found(
    kind: GroupVersionKind, namespace: str, reference: ParamRef, cluster: ClusterView, directory: Parameters
) -> Sequence[Object]:
    if reference.selector is None:
        found = directory.get(kind, namespace, reference.name, cluster)
        return () if found is None else (found,)
    listed = directory.list(kind, namespace, cluster)
    return [obj for obj in listed if reference.selector.matches(labels_of(obj))]
