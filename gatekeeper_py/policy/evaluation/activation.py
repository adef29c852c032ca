"""The names that expressions may use, and their values for one request.

Follows apiserver/pkg/admission/plugin/cel/{activation,condition}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from gatekeeper_py.cel import AuthorizerValue, GroupCheck, ResourceCheck, Subject
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.evaluation.extension import Extension, Ruling, Violation
from gatekeeper_py.policy.evaluation.lazy import lazy
from gatekeeper_py.policy.matching.match import NAMESPACE, Match

__all__ = ["Facts", "Names", "NamespaceMissing"]

NAMESPACE_METADATA = frozenset(
    (
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "finalizers",
    )
)
"""What of a Namespace's metadata expressions may see (CreateNamespaceObject)."""


Rare: TypeAlias = Mapping[str, Callable[[], object]]
"""Names that few expressions use, and what makes their values."""
NOTHING_RARE: Rare = {}


class NamespaceMissing(Exception):
    """The request's namespace does not exist; the message is the API server's."""


class Facts:
    """What expressions may know of one request, whatever their policy. Made anew for each request."""

    def __init__(
        self, request: AdmissionRequest, cluster: ClusterView, extensions: Sequence[Extension]
    ) -> None:
        self.request = request
        self.cluster = cluster
        self._extensions = extensions
        self._described: dict[tuple[GroupVersionResource, GroupVersionKind], Object] = {}

    def condition(self, match: Match, value: Object | None, params: Object | None) -> Names:
        """For match conditions: `namespaceObject` is null there, and `request.resource` as it was sent."""
        sent = Match(match.kind, self.request.request_resource or self.request.resource)
        return self._names(sent, value, params, None, self._authorizers)

    def validation(self, match: Match, value: Object | None, params: Object | None) -> Names:
        """For validations."""
        return self._names(match, value, params, self._trimmed_namespace, self._authorizers)

    def message(self, match: Match, value: Object | None, params: Object | None) -> Names:
        """For message expressions, which have no authorizer."""
        return self._names(match, value, params, self._trimmed_namespace)

    def annotation(self, match: Match, value: Object | None, params: Object | None) -> Names:
        """For audit annotations: the whole namespace, and an authorizer that is declared but not there."""
        return self._names(match, value, params, self.namespace)

    def mutation(self, match: Match, value: Object | None, params: Object | None) -> Names:
        """For mutations: the whole namespace."""
        return self._names(match, value, params, self.namespace, self._authorizers)

    def require_namespace(self) -> None:
        """Raise `NamespaceMissing` when the request belongs to a namespace that does not exist."""
        _ = self.namespace

    @lazy
    def namespace(self) -> Object | None:
        """The request's namespace, None for what belongs to none; raise `NamespaceMissing`."""
        name = self.request.namespace
        if not name or (self.request.request_kind or self.request.kind) == NAMESPACE:
            return None
        if self.there is None:
            raise NamespaceMissing(messages.not_found("namespaces", "", name))
        return self.there

    @lazy
    def there(self) -> Object | None:
        """The namespace that the request names, None when there is none."""
        return self.cluster.get(NAMESPACE, "", self.request.namespace)

    @lazy
    def silenced(self) -> frozenset[str]:
        """The policies whose warnings are kept to audits."""
        return frozenset().union(*(each.silenced(self.request, self.cluster) for each in self._extensions))

    @property
    def waives(self) -> tuple[Callable[[Violation], Ruling], ...]:
        """What may admit a violation nevertheless."""
        return tuple(each.waive for each in self._extensions if each.waive is not None)

    @lazy
    def _trimmed_namespace(self) -> Object | None:
        namespace = self.namespace
        if namespace is None:
            return None
        metadata = namespace.get("metadata") or {}
        if not NAMESPACE_METADATA.issuperset(metadata):
            metadata = {name: value for name, value in metadata.items() if name in NAMESPACE_METADATA}
        kept: Object = {"metadata": metadata}
        for name in ("spec", "status"):
            if name in namespace:
                kept[name] = namespace[name]
        return kept

    @lazy
    def _extended(self) -> Mapping[str, object]:
        names: dict[str, object] = {}
        for extension in self._extensions:
            names |= extension.activation(self.request, self.cluster)
        return names

    def _names(
        self,
        match: Match,
        value: Object | None,
        params: Object | None,
        namespace: Object | None,
        rare: Rare = NOTHING_RARE,
    ) -> Names:
        names = Names(self._extended)
        names.rare = rare
        names["object"] = self._as(match, value)
        names["oldObject"] = self._as(match, self.request.old_object)
        names["params"] = params
        names["request"] = self._request(match)
        names["namespaceObject"] = namespace
        return names

    def _as(self, match: Match, value: Object | None) -> Object | None:
        """An object as what it matched: only versions that differ by nothing but the name come here."""
        if value is None or match.kind == self.request.kind:
            return value
        return {**value, "apiVersion": match.kind.api_version, "kind": match.kind.kind}

    def _request(self, match: Match) -> Object:
        key = (match.resource, match.kind)
        described = self._described.get(key)
        if described is None:
            described = self._described[key] = describe(self.request, match)
        return described

    @lazy
    def _authorizers(self) -> Rare:
        """By functions that do not know of these facts: a circle would wait for the garbage collector."""
        given = self.request, self.cluster
        return {
            "authorizer": partial(_authorizer, *given),
            "authorizer.requestResource": partial(_request_check, *given),
        }


def _authorizer(request: AdmissionRequest, cluster: ClusterView) -> AuthorizerValue:
    user = request.user
    return AuthorizerValue(cluster, Subject(user.username, user.groups, user.uid, user.extra))


def _request_check(request: AdmissionRequest, cluster: ClusterView) -> ResourceCheck:
    """The check that asks for what the request does."""
    resource = request.request_resource or request.resource
    group = GroupCheck(_authorizer(request, cluster), resource.group)
    where = request.subresource, request.namespace, request.name
    return ResourceCheck(group, resource.resource, *where)


class Names(dict[str, Any]):
    """Names and their values; the rare ones are made when an expression reads one."""

    __slots__ = ("__weakref__", "rare")
    rare: Rare

    def __missing__(self, name: str) -> object:
        value = self[name] = self.rare[name]()
        return value


def describe(request: AdmissionRequest, match: Match) -> Object:
    """`request`: what is empty is absent, as Go's omitempty leaves it."""
    sent_kind = request.request_kind or request.kind
    sent_resource = request.request_resource or request.resource
    kind, resource = match.kind._asdict(), match.resource._asdict()
    described: Object = {
        "kind": kind,
        "resource": resource,
        "requestKind": kind if sent_kind == match.kind else sent_kind._asdict(),
        "requestResource": resource if sent_resource == match.resource else sent_resource._asdict(),
        "operation": request.operation,
        "userInfo": _user(request),
        "dryRun": request.dry_run,
        "options": request.options,
    }
    optional = (
        ("subResource", request.subresource),
        ("requestSubResource", request.request_subresource or request.subresource),
        ("name", request.name),
        ("namespace", request.namespace),
    )
    for name, value in optional:
        if value:
            described[name] = value
    return described


def _user(request: AdmissionRequest) -> Object:
    user = request.user
    described: Object = {}
    if user.username:
        described["username"] = user.username
    if user.uid:
        described["uid"] = user.uid
    if user.groups:
        described["groups"] = list(user.groups)
    if user.extra:
        described["extra"] = {key: list(values) for key, values in user.extra.items()}
    return described
