"""In which version a policy judges an object, and who converts it.

The API server shows a policy that names `autoscaling/v1` what was sent as `autoscaling/v2` converted
(matchPolicy Equivalent; apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go). Only it can.
So a registration asks about every request as it was sent, and beside that once more in each of the versions
that some policy needs (`AdmissionRequest.conversions`). Each policy judges at exactly one of these questions.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace

from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION, Kinds
from gatekeeper_py.objects.resource import GroupVersion, GroupVersionResource, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.matching.match import ANY, Match, MatchError, match
from gatekeeper_py.policy.model import MatchResources, Policy, Rule

__all__ = [
    "NotConverted",
    "as_sent",
    "is_converted",
    "judges_here",
    "matched",
    "missing",
    "versions_listed",
    "versions_needed",
]


class NotConverted(MatchError):
    """A policy judges an object in a version in which nobody shows it."""

    def __init__(self, wanted: GroupVersion) -> None:
        self.wanted = wanted
        super().__init__(
            f"it judges {wanted}, the object was sent in another version, and nobody converted it. "
            "Send it in that version; or name every version in the policy, or register the webhooks anew for "
            "these policies (gatekeeper install)"
        )


def is_converted(request: AdmissionRequest) -> bool:
    """Whether the API server asks about a request beside asking about it as it was sent."""
    return bool(request.conversions) and request.request_kind not in (None, request.kind)


def matched(resources: MatchResources, request: AdmissionRequest, cluster: ClusterView) -> Match | None:
    """As what a request matches by the names it was sent with; raise `MatchError` as `match` does."""
    also = Match(request.kind, request.resource) if is_converted(request) else None
    return match(resources, as_sent(request), cluster, also)


def as_sent(request: AdmissionRequest) -> AdmissionRequest:
    """The request with the names it was sent with: by these policies match, as the API server's own do."""
    if not is_converted(request):
        return request
    return replace(
        request,
        kind=request.request_kind or request.kind,
        resource=request.request_resource or request.resource,
        subresource=request.request_subresource or request.subresource,
    )


def judges_here(found: Match, request: AdmissionRequest, cluster: ClusterView) -> bool:
    """Whether a policy that matches so judges now, and not at the question about another version.

    Raise `NotConverted` when it could judge in none.
    """
    if found.kind == request.kind or request.conversions is None:
        return True  # a Scale is the same in all versions of what it scales
    if is_converted(request):
        return False
    wanted = GroupVersion(found.resource.group, found.resource.version)
    if not missing([wanted], request.conversions):
        return False
    if _is_converted_by_name(request.resource, cluster):
        return True
    raise NotConverted(wanted)


def missing(wanted: Iterable[GroupVersion], asked: Container[GroupVersion]) -> frozenset[GroupVersion]:
    """Those of some versions in which nobody asks."""
    return frozenset(each for each in wanted if not (each in asked or each._replace(group=ANY) in asked))


def _is_converted_by_name(resource: GroupVersionResource, cluster: ClusterView) -> bool:
    """Whether versions of a custom resource differ by nothing but their name (strategy None)."""
    return bool(_definition_by_name(resource, cluster))


def versions_listed(resource: GroupVersionResource, cluster: ClusterView) -> frozenset[str]:
    """The versions of a custom resource, served or not, that differ by nothing but their name."""
    versions = _definition_by_name(resource, cluster).get("versions") or ()
    return frozenset(f"{resource.group}/{each.get('name')}" for each in versions)


def _definition_by_name(resource: GroupVersionResource, cluster: ClusterView) -> Object:
    """The specification of a custom resource that is converted by name; empty where it is none."""
    if Kinds.builtin().resource(resource) is not None:
        return {}
    definition = cluster.get(CUSTOM_RESOURCE_DEFINITION, "", f"{resource.resource}.{resource.group}") or {}
    spec: Object = definition.get("spec") or {}
    return spec if (spec.get("conversion") or {}).get("strategy", "None") == "None" else {}


def versions_needed(policies: Iterable[Policy], kinds: Kinds) -> frozenset[GroupVersion]:
    """The versions in which policies may judge what is sent in others, as far as the kinds are known."""
    bound = [policy for policy in policies if policy.bindings and policy.match.match_policy == "Equivalent"]
    found = {version for policy in bound for rule in policy.match.rules for version in _needed(rule, kinds)}
    everywhere = {each.version for each in found if each.group == ANY}
    return frozenset(each for each in found if each.group == ANY or each.version not in everywhere)


def _needed(rule: Rule, kinds: Kinds) -> Iterator[GroupVersion]:
    if ANY in rule.versions:
        return
    for group in rule.groups:
        for version in rule.versions:
            if _has_others(rule, group, version, kinds):
                yield GroupVersion(group, version)


def _has_others(rule: Rule, group: str, version: str, kinds: Kinds) -> bool:
    """Whether something that a rule names is served in other versions; of an unknown group nobody knows."""
    resources = [resource for resource in kinds.resources if group in (ANY, resource.group)]
    if group == ANY or not resources:
        return True
    return any(
        resource.version == version and kinds.equivalents(resource)
        for resource in resources
        if any(name.partition("/")[0] in (ANY, resource.resource) for name in rule.resources)
    )
