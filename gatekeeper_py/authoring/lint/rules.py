"""What policies are about: bindings, and rules that reach nothing (GK1xx)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.naming import dns_subdomain
from gatekeeper_py.policy.loading.idle import apart_from, misspelt, unbound
from gatekeeper_py.policy.matching.match import ANY, EXEMPT, selects
from gatekeeper_py.policy.model import Policy, Rule
from gatekeeper_py.tenancy.lookups import meant

__all__ = ["rules"]

CONNECTED = frozenset({"exec", "attach", "portforward", "proxy"})
"""Subresources that are asked for by CONNECT alone (pkg/registry/core/{pod,service,node}/rest)."""

UNASKED = EXEMPT | {
    ("coordination.k8s.io", "leases"),
    ("coordination.k8s.io", "leasecandidates"),
    ("", "events"),
    ("events.k8s.io", "events"),
}
"""What no policy here is ever asked about, by group and resource: what the API server shows no policy, and
what the registration keeps out whoever writes it (`gatekeeper_py/webhook/exemptions.yaml`)."""


def rules(subject: Subject) -> Iterator[Finding]:
    """Policies that are about nothing."""
    for code, problems in (
        ("GK101", unbound(subject.policies)),
        ("GK102", apart_from(subject.policies, subject.kinds)),
        ("GK103", misspelt(subject.policies, subject.kinds)),
        ("GK104", _unsent(subject)),
        ("GK105", _unasked(subject)),
        ("GK108", _without_params(subject)),
        ("GK102", _other_operations(subject)),
        ("GK103", _misnamed(subject)),
    ):
        yield from (Finding(problem, code) for problem in problems)


def _unsent(subject: Subject) -> Iterator[Problem]:
    for policy in subject.every:
        for index, rule in enumerate(policy.match.rules):
            subresources = _subresources(rule, subject.kinds)
            if not all(_is_served(rule, named, subject.kinds) for named in rule.resources):
                continue  # what is meant is not known
            for number, operation in enumerate(rule.operations):
                if subresources and not _sent(operation, subresources):
                    yield unsent(policy, index, number, operation)


def _other_operations(subject: Subject) -> Iterator[Problem]:
    """Bindings whose rules name no operation that the policy is about."""
    for policy in subject.every:
        asked = {operation for rule in policy.match.rules for operation in rule.operations}
        for binding in policy.bindings:
            rules = binding.match.rules if binding.match is not None else ()
            bound = {operation for rule in rules for operation in rule.operations}
            if rules and ANY not in asked | bound and not asked & bound:
                path = ("spec", "matchResources", "resourceRules", 0, "operations")
                what = f'policy "{policy.name}" is about {", ".join(sorted(asked))} alone'
                yield binding.source.problem(path, what, "Name operations that the policy names, too")


def _misnamed(subject: Subject) -> Iterator[Problem]:
    """resourceNames that no object has; patterns are none."""
    for policy in subject.every:
        for index, rule in enumerate(policy.match.rules):
            if "rbac.authorization.k8s.io" in rule.groups or ANY in rule.groups:
                continue
            for number, name in enumerate(rule.names):
                if dns_subdomain(name):
                    path = ("spec", "matchConstraints", "resourceRules", index, "resourceNames", number)
                    what = f'no object is called "{name}": resourceNames are names, and no patterns'
                    yield policy.source.problem(path, what, "Ask for it by a match condition")


def _subresources(rule: Rule, kinds: Kinds) -> set[str]:
    """The subresources that a rule reaches, the empty one for resources themselves."""
    return {
        subresource
        for resource in kinds
        for subresource in ("", *resource.subresources)
        if any(selects(rule, named, resource.served, subresource) for named in rule.resources)
    }


CREATED: Final = frozenset({"binding", "eviction", "token"})
"""Subresources that are made, and neither changed nor removed (pkg/registry/core)."""


def _sent(operation: str, subresources: set[str]) -> bool:
    """Whether an operation is ever asked of one of these."""
    if operation == ANY:
        return True
    if operation == "CONNECT":
        return bool(subresources & CONNECTED)
    rest = subresources - CONNECTED
    if operation == "CREATE":
        return bool(rest & (CREATED | {""}))
    return bool(rest - CREATED if operation == "UPDATE" else rest & {""})


def unsent(policy: Policy, index: int, number: int, operation: str) -> Problem:
    """What is told of an operation that nothing sends."""
    path = ("spec", "matchConstraints", "resourceRules", index, "operations", number)
    what = f"nothing sends {operation} to the resources of this rule"
    connected = ", ".join(sorted(CONNECTED))
    remedy = f"CONNECT is sent to the subresources {connected}, and everything else to others"
    if operation != "CONNECT" and not all(
        _is_connected(named) for named in policy.match.rules[index].resources
    ):
        created = ", ".join(sorted(CREATED))
        remedy = f"CREATE is sent to the subresources {created}, and UPDATE to others"
    return policy.source.problem(path, what, remedy)


def _is_connected(named: str) -> bool:
    return named.partition("/")[2] in CONNECTED


def _is_served(rule: Rule, named: str, kinds: Kinds) -> bool:
    return any(
        selects(rule, named, resource.served, subresource)
        for resource in kinds
        for subresource in ("", *resource.subresources)
    )


def _unasked(subject: Subject) -> Iterator[Problem]:
    """Resources that rules name though nobody asks about them; a rule about everything names none."""
    for policy in subject.every:
        for index, rule in enumerate(policy.match.rules):
            for number, named in enumerate(rule.resources):
                if _is_unasked(named, rule.groups):
                    path = ("spec", "matchConstraints", "resourceRules", index, "resources", number)
                    what = f"in a cluster the engine is never asked about {named}"
                    yield policy.source.problem(path, what, UNASKED_REMEDY)


def _is_unasked(named: str, groups: Sequence[str]) -> bool:
    """Whether a rule's groups have a resource of this name, and all that have are kept out."""
    kept_out = [group for group, resource in UNASKED if resource == named]
    having = [group for group in kept_out if group in groups or ANY in groups]
    return bool(having) and all(group in having for group in groups if group != ANY)


def _without_params(subject: Subject) -> Iterator[Problem]:
    """Params that a policy does not take, and kinds of params that nothing serves."""
    for policy in subject.every:
        if policy.param_kind is None:
            for binding in policy.bindings:
                if binding.param_ref is not None:
                    what = f'policy "{policy.name}" has no paramKind, so it reads no params'
                    yield binding.source.problem(("spec", "paramRef"), what, "Add paramKind, or remove this")
        elif subject.kinds.served(policy.param_kind) is None and (
            near := meant(policy.param_kind, subject.kinds)
        ):
            what = f'no kind "{policy.param_kind.kind}" is served in "{policy.param_kind.api_version}"'
            yield policy.source.problem(("spec", "paramKind", "kind"), what, f"Did you mean {near}?")


UNASKED_REMEDY = (
    "Leave it out: nothing about it may depend on the engine. "
    "gatekeeper audit judges what exists nevertheless"
)
