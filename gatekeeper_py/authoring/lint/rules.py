"""What policies are about: bindings, and rules that reach nothing (GK1xx)."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.loading.idle import apart_from, misspelt, unbound
from gatekeeper_py.policy.matching.match import ANY, selects
from gatekeeper_py.policy.model import Policy, Rule

__all__ = ["rules"]

CONNECTED = frozenset({"exec", "attach", "portforward", "proxy"})
"""Subresources that are asked for by CONNECT alone (pkg/registry/core/{pod,service,node}/rest)."""


def rules(subject: Subject) -> Iterator[Finding]:
    """Policies that are about nothing."""
    for code, problems in (
        ("GK101", unbound(subject.policies)),
        ("GK102", apart_from(subject.policies, subject.kinds)),
        ("GK103", misspelt(subject.policies, subject.kinds)),
        ("GK104", _unsent(subject)),
    ):
        yield from (Finding(problem, code) for problem in problems)


def _unsent(subject: Subject) -> Iterator[Problem]:
    for policy in subject.every:
        for index, rule in enumerate(policy.match.rules):
            subresources = _subresources(rule, subject.kinds)
            for number, operation in enumerate(rule.operations):
                if subresources and not _sent(operation, subresources):
                    yield unsent(policy, index, number, operation)


def _subresources(rule: Rule, kinds: Kinds) -> set[str]:
    """The subresources that a rule reaches, the empty one for resources themselves."""
    return {
        subresource
        for resource in kinds
        for subresource in ("", *resource.subresources)
        if any(selects(rule, named, resource.served, subresource) for named in rule.resources)
    }


def _sent(operation: str, subresources: set[str]) -> bool:
    """Whether an operation is ever asked of one of these."""
    if operation == ANY:
        return True
    if operation == "CONNECT":
        return bool(subresources & CONNECTED)
    return bool(subresources - CONNECTED)


def unsent(policy: Policy, index: int, number: int, operation: str) -> Problem:
    """What is told of an operation that nothing sends."""
    path = ("spec", "matchConstraints", "resourceRules", index, "operations", number)
    what = f"nothing sends {operation} to the resources of this rule"
    connected = ", ".join(sorted(CONNECTED))
    remedy = f"CONNECT is sent to the subresources {connected}, and everything else to others"
    return policy.source.problem(path, what, remedy)
