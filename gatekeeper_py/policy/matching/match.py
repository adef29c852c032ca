"""Whether a policy or a binding is about a request (apiserver/pkg/admission/plugin/policy/matching).

What is not converted: when only another version of the request's resource matches (matchPolicy Equivalent),
the API server converts the object to that version first. Offline there is no converter. The policy is then
evaluated with the kind and resource that matched, as the API server has them in `request`, over the object
as it was sent. In-cluster, a webhook whose rules name the version gets the object converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Served
from gatekeeper_py.objects.selector import Selector, labels_of
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.immutable import immutable
from gatekeeper_py.policy.model import MatchResources, Rule

__all__ = [
    "ANY",
    "Match",
    "MatchError",
    "concerns_as_sent",
    "exempt",
    "match",
    "may_concern",
    "namespace_labels",
    "selects",
]

ANY = "*"

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")

_ADMISSION = "admissionregistration.k8s.io"
_AUTHENTICATION = "authentication.k8s.io"
_AUTHORIZATION = "authorization.k8s.io"
EXEMPT: frozenset[tuple[str, str]] = frozenset(
    {
        (_ADMISSION, "mutatingadmissionpolicies"),
        (_ADMISSION, "mutatingadmissionpolicybindings"),
        (_ADMISSION, "validatingadmissionpolicies"),
        (_ADMISSION, "validatingadmissionpolicybindings"),
        (_AUTHENTICATION, "selfsubjectreviews"),
        (_AUTHENTICATION, "tokenreviews"),
        (_AUTHORIZATION, "localsubjectaccessreviews"),
        (_AUTHORIZATION, "selfsubjectaccessreviews"),
        (_AUTHORIZATION, "selfsubjectrulesreviews"),
        (_AUTHORIZATION, "subjectaccessreviews"),
    }
)
"""Groups and resources no policy sees: policies themselves, lest one forbids its own removal, and reviews,
which authentication waits for (apiserver/pkg/admission/plugin/policy/generic/plugin.go,
pkg/kubeapiserver/admission/exclusion/resources.go)."""


class MatchError(Exception):
    """It cannot be told whether the policy is about the request."""


@immutable(frozen=True, slots=True)
class Match:
    """As what a request matched: its own kind and resource, or equivalent ones."""

    kind: GroupVersionKind
    resource: GroupVersionResource


def exempt(request: AdmissionRequest) -> bool:
    """Whether no policy sees the request, whatever its rules say."""
    return (request.resource.group, request.resource.resource) in EXEMPT


def match(
    resources: MatchResources, request: AdmissionRequest, cluster: ClusterView, also: Match | None = None
) -> Match | None:
    """As what the request matches, or None; raise `MatchError` when it would, but a selector cannot be told.

    An error of a selector counts only when everything else matches. `also` is what the API server says the
    request is, too; it counts where the cluster knows of no other version.
    """
    if not _object_selected(resources.object_selector, request):
        return None
    try:
        error = None
        if not _namespace_selected(resources.namespace_selector, request, cluster):
            return None
    except MatchError as caught:
        error = caught
    others = partial(_others, resources, request, cluster, also)
    if _first(resources.exclude_rules, request, others):
        return None
    found = (
        _first(resources.rules, request, others) if resources.rules else Match(request.kind, request.resource)
    )
    if found and error:
        raise error
    return found


def may_concern(rules: Iterable[Rule], request: AdmissionRequest) -> bool:
    """Whether rules name the operation, the resource and its scope, whatever version and name.

    A quick test that never says no where `match` says yes: groups count only when the cluster cannot
    know the resource under another one.
    """
    return any(
        _names(rule.operations, request.operation)
        and (_names(rule.groups, request.resource.group) or request.resource.resource in _MIGRATED)
        and _names_resource(rule.resources, request.resource.resource, request.subresource)
        and _in_scope(rule, request, request.resource)
        for rule in rules
    )


def concerns_as_sent(rules: Iterable[Rule], request: AdmissionRequest) -> bool:
    """Whether a rule is about the resource of the request itself, so that no equivalent one is looked for.

    Of rules that exclude: whether the policy cannot match, whatever its selectors say. The same for all
    requests of the operation on the resource, in a namespace or not.
    """
    return any(not rule.names and _matches(rule, request, request.resource) for rule in rules)


def selects(rule: Rule, named: str, served: Served, subresource: str) -> bool:
    """Whether one of the resources a rule names (`named`) is a served one, in the rule's groups and scope."""
    resource = served.resource
    return (
        _names_one(named, resource.resource, subresource)
        and _names(rule.groups, resource.group)
        and _names(rule.versions, resource.version)
        and (rule.scope == ANY or (rule.scope == "Namespaced") == served.namespaced)
    )


_MIGRATED = frozenset({"events"})
"""Resources that are served in two groups (pkg/kubeapiserver/default_storage_factory_builder.go)."""


def namespace_labels(request: AdmissionRequest, cluster: ClusterView) -> Mapping[str, Any]:
    """The labels a namespaceSelector looks at; raise `MatchError` when there is no such namespace."""
    if _writes_namespace(request):
        return labels_of(request.object)
    namespace = cluster.get(NAMESPACE, "", request.namespace)
    if namespace is None:
        raise MatchError(f'namespaces "{request.namespace}" not found')
    return labels_of(namespace)


def _writes_namespace(request: AdmissionRequest) -> bool:
    """Whether the request's own object is the namespace, and newer than the stored one."""
    return (
        request.resource.resource == "namespaces"
        and not request.subresource
        and request.operation in ("CREATE", "UPDATE")
    )


def _namespace_selected(selector: Selector, request: AdmissionRequest, cluster: ClusterView) -> bool:
    if selector.empty or (not request.namespace and request.resource.resource != "namespaces"):
        return True
    return selector.matches(namespace_labels(request, cluster))


def _object_selected(selector: Selector, request: AdmissionRequest) -> bool:
    if selector.empty:
        return True
    holders = (request.object, request.old_object)
    return any(selector.matches(labels_of(holder)) for holder in holders if _has_metadata(holder, request))


def _has_metadata(holder: Mapping[str, Any] | None, request: AdmissionRequest) -> bool:
    """Whether a value is an object: the options of a CONNECT have no metadata."""
    return holder is not None and (request.operation != "CONNECT" or "metadata" in holder)


def _others(
    resources: MatchResources, request: AdmissionRequest, cluster: ClusterView, also: Match | None
) -> tuple[Served, ...]:
    """What else the request is, for a policy that wants to know."""
    if resources.match_policy != "Equivalent":
        return ()
    known = cluster.equivalents(request.resource, request.subresource)
    if known or also is None:
        return known
    return (Served(also.kind, also.resource, bool(request.namespace)),)


def _first(
    rules: tuple[Rule, ...], request: AdmissionRequest, others: Callable[[], tuple[Served, ...]]
) -> Match | None:
    """What the first rule that matches matched: first as sent, then in equivalent versions and groups."""
    if any(_matches(rule, request, request.resource) for rule in rules):
        return Match(request.kind, request.resource)
    return next(_equivalent(rules, request, others()), None) if rules else None


def _equivalent(
    rules: tuple[Rule, ...], request: AdmissionRequest, others: tuple[Served, ...]
) -> Iterator[Match]:
    for rule in rules:
        for other in others:
            if _matches(rule, request, other.resource):
                yield Match(other.kind, other.resource)


def _matches(rule: Rule, request: AdmissionRequest, resource: GroupVersionResource) -> bool:
    return (
        _names(rule.operations, request.operation)
        and _names_resource(rule.resources, resource.resource, request.subresource)
        and _names(rule.groups, resource.group)
        and _names(rule.versions, resource.version)
        and _in_scope(rule, request, resource)
        and (not rule.names or request.name in rule.names)
    )


def _names(values: tuple[str, ...], wanted: str) -> bool:
    return wanted in values or ANY in values


def _names_resource(values: tuple[str, ...], resource: str, subresource: str) -> bool:
    """`pods/*` names pods and all their subresources; `*` every resource, but no subresource."""
    return any(_names_one(value, resource, subresource) for value in values)


def _names_one(value: str, resource: str, subresource: str) -> bool:
    wanted, _, wanted_subresource = value.partition("/")
    return wanted in (ANY, resource) and wanted_subresource in (ANY, subresource)


def _in_scope(rule: Rule, request: AdmissionRequest, resource: GroupVersionResource) -> bool:
    """A Namespace is in the cluster's scope, though its requests carry its name as their namespace."""
    if rule.scope == ANY:
        return True
    cluster = resource == NAMESPACES or not request.namespace
    return cluster == (rule.scope == "Cluster")
