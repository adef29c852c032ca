"""What of all requests the policies in force have to be asked about: everything else needs no call.

The rules of the policies, put together, say about which resources and operations; what is left of their match
conditions without the words of tenancy says about which requests (`translation`). A request that no rule
names, or for which every policy's conditions are surely false, is admitted by all and changed by none.

So a policy that says in Kubernetes' words what it is not about makes the whole cluster cheaper.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple, TypeAlias

import orjson

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.matching.match import ANY
from gatekeeper_py.policy.model import Policy, Rule, Scope
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.webhook.phrases import one_of, texts
from gatekeeper_py.webhook.translation import (
    PLATFORM_USER,
    TRUSTED_NAMESPACE,
    TRUSTED_USER,
    Translation,
)

__all__ = ["RESOURCE", "Questions", "everything", "fingerprint", "questions"]

RESOURCE = "request.resource.resource + (has(request.subResource) ? '/' + request.subResource : '')"
"""The API server leaves empty fields of a request out (admission/v1, omitempty)."""

WHATEVER = "*/*"
"""Every resource and subresource: `*` alone would leave subresources out."""

MIGRATED = "events"
"""Served in two groups, and equivalent (pkg/kubeapiserver/default_storage_factory_builder.go)."""


class _Asked(NamedTuple):
    """One operation on one resource of one group."""

    operation: str
    group: str
    resource: str
    scope: Scope

    def covers(self, other: _Asked) -> bool:
        """Whether it is about all that another one is about."""
        return (
            self.operation == other.operation
            and self.group in (ANY, other.group)
            and self.scope in (ANY, other.scope)
            and _covers(self.resource, other.resource)
        )


def _covers(wide: str, narrow: str) -> bool:
    """`pods/*` is about pods and all their subresources; `*` about every resource, but no subresource."""
    resource, _, subresource = wide.partition("/")
    other, _, inner = narrow.partition("/")
    return resource in (ANY, other) and subresource in (inner, ANY)


@dataclass(frozen=True)
class Questions:
    """What a webhook asks about."""

    rules: tuple[Object, ...]
    """As a webhook has them; none when there is nothing to ask."""
    conditions: tuple[Object, ...] = ()
    """Match conditions that keep out what no policy has a say in."""

    @cached_property
    def identifier(self) -> str:
        """The same for the same questions; a part of a domain."""
        content = orjson.dumps([self.rules, self.conditions])
        return hashlib.sha256(content).hexdigest()[:12]


def everything(operations: Sequence[str]) -> Questions:
    """Every request there is."""
    return Questions((_rule([ANY], operations, [WHATEVER], ANY),))


def fingerprint(asked: Iterable[Questions]) -> str:
    """Tells what both webhooks ask about from what others would."""
    joined = "".join(each.identifier for each in asked)
    return hashlib.sha256(joined.encode()).hexdigest()[:12]


def questions(
    policies: Iterable[Policy], operations: Sequence[str], tenancy: Tenancy, besides: Iterable[Rule] = ()
) -> Questions:
    """What these policies need of these operations, for the tenants of these documents.

    `besides` are rules of what is judged whatever the policies say. While a document has closed a namespace
    that is everything: then it is not policies that refuse.
    """
    if tenancy.in_doubt:
        return everything(operations)
    translation = Translation(tenancy)
    needs = [*_needs(policies, translation), *((rule, _Expressions()) for rule in besides)]
    asked = {each for rule, _ in needs for each in _asked(rule, operations)}
    conditions = _conditions(needs, operations, translation)
    return Questions(tuple(_rules(asked, operations)), tuple(conditions))


_Expressions: TypeAlias = frozenset[str]
_Need: TypeAlias = tuple[Rule, _Expressions]
"""One rule of a policy, and expressions that all hold when the policy applies."""


NEVER = "false"
"""What holds of no request: of a policy about syncers, while no document names one."""


def _needs(policies: Iterable[Policy], translation: Translation) -> Iterator[_Need]:
    """Of policies in force. Params may be missing, which is an error whatever the conditions say."""
    for policy in policies:
        if policy.bindings:
            conditions = [] if policy.param_kind else policy.match_conditions
            necessary = translation.necessary(each.expression for each in conditions)
            if NEVER in necessary:
                continue
            yield from ((rule, necessary) for rule in policy.match.rules)


# --- rules


def _asked(rule: Rule, operations: Sequence[str]) -> Iterator[_Asked]:
    """What a rule is about, in all versions: in which one a policy judges is told apart elsewhere."""
    for resource in rule.resources:
        for group in (ANY,) if resource.partition("/")[0] == MIGRATED else rule.groups:
            scope = _scope(rule, group, resource)
            for operation in _common(rule.operations, operations):
                yield _Asked(operation, group, resource, scope)


def _common(wanted: Sequence[str], operations: Sequence[str]) -> list[str]:
    return [each for each in operations if each in wanted or ANY in wanted]


def _scope(rule: Rule, group: str, resource: str) -> Scope:
    """In which scope it is, where only one is possible."""
    known = _scopes().get((group, resource.partition("/")[0]))
    return known if known is not None and rule.scope == ANY else rule.scope


@cache
def _scopes() -> Mapping[tuple[str, str], Scope]:
    """The scopes of what Kubernetes itself serves: the same in all versions."""
    return {
        (resource.group, resource.resource): "Namespaced" if served.served.namespaced else "Cluster"
        for resource, served in Kinds.builtin().resources.items()
    }


def _rules(asked: set[_Asked], operations: Sequence[str]) -> Iterator[Object]:
    """Few rules that are about the same."""
    whole = asked | {each._replace(scope="*") for each in asked if _in_both_scopes(each, asked)}
    needed = [each for each in whole if not any(other.covers(each) for other in whole if other != each)]
    done: dict[tuple[Scope, str, str], set[str]] = defaultdict(set)
    for each in needed:
        done[each.scope, each.group, each.resource].add(each.operation)
    names: dict[tuple[Scope, str, _Names], set[str]] = defaultdict(set)
    for (scope, group, resource), found in done.items():
        names[scope, group, tuple(each for each in operations if each in found)].add(resource)
    groups: dict[tuple[Scope, _Names, _Names], set[str]] = defaultdict(set)
    for (scope, group, alike), resources in names.items():
        groups[scope, alike, tuple(sorted(resources))].add(group)
    for (scope, alike, of), found in sorted(groups.items()):
        yield _rule(sorted(found), alike, of, scope)


_Names: TypeAlias = tuple[str, ...]


def _in_both_scopes(one: _Asked, asked: set[_Asked]) -> bool:
    return {one._replace(scope="Namespaced"), one._replace(scope="Cluster")} <= asked


def _rule(groups: Sequence[str], operations: Sequence[str], resources: Sequence[str], scope: str) -> Object:
    return {
        "apiGroups": list(groups),
        "apiVersions": [ANY],
        "operations": list(operations),
        "resources": list(resources),
        "scope": scope,
    }


# --- conditions


@dataclass(frozen=True, slots=True)
class _Sort:
    """A sort of requests for which the policies are looked at together."""

    name: str
    operations: frozenset[str]
    subresources: bool
    has_objects: bool
    """Whether both what was and what will be is there, or at least what will be."""

    @property
    def whole(self) -> frozenset[str]:
        """How rules name all of the sort."""
        return frozenset({WHATEVER} if self.subresources else {WHATEVER, ANY})

    @property
    def guard(self) -> str:
        """Whether a request is of this sort."""
        there = "has(request.subResource)" if self.subresources else "!has(request.subResource)"
        return f"{there} && request.operation in {texts(sorted(self.operations))}"


SORTS = (
    _Sort("writes", frozenset({"CREATE", "UPDATE"}), subresources=False, has_objects=True),
    _Sort("writes-below", frozenset({"CREATE", "UPDATE"}), subresources=True, has_objects=True),
    _Sort("deletions", frozenset({"DELETE"}), subresources=False, has_objects=False),
    _Sort("connections", frozenset({"CONNECT"}), subresources=True, has_objects=False),
)
"""A request of another sort is always asked about."""


def _conditions(
    needs: Sequence[_Need], operations: Sequence[str], translation: Translation
) -> Iterator[Object]:
    for sort in SORTS:
        if sort.operations.isdisjoint(operations):
            continue
        cases = _cases(needs, sort)
        if _Case() not in cases:
            expression = translation.with_names(_one_of_cases(cases))
            yield {"name": f"needs-{sort.name}", "expression": f"!({sort.guard}) ||\n{expression}"}


class _Case(NamedTuple):
    """When a policy may have a say: all demands hold, and the request is about one of the names."""

    demands: _Expressions = frozenset()
    names: frozenset[str] = frozenset()
    """As rules have them; empty for whatever is of the sort."""

    def covers(self, other: _Case) -> bool:
        """Whether it is a case whenever another one is."""
        about = not self.names or (bool(other.names) and other.names <= self.names)
        return about and self.demands <= other.demands


MOST_CASES = 20
"""Where more would be told apart of one sort of requests, less is: whoever reads the registration has to
understand it, and the API server evaluates it for every request."""


def _cases(needs: Sequence[_Need], sort: _Sort) -> list[_Case]:
    """When one of the policies may have a say in a request of a sort."""
    for told in (_told_apart, _told_by_requester):
        found = {each for rule, necessary in needs for each in told(rule, necessary, sort)}
        cases = _joined(found)
        if len(cases) <= MOST_CASES:
            return cases
    return [_Case()]


def _joined(cases: Iterable[_Case]) -> list[_Case]:
    """As few as say the same: those of the same demands as one, and none that another one covers."""
    names: dict[_Expressions, set[str]] = defaultdict(set)
    whole: set[_Expressions] = set()
    for case in cases:
        names[case.demands] |= case.names
        whole |= set() if case.names else {case.demands}
    found = [_Case(each, frozenset() if each in whole else frozenset(about)) for each, about in names.items()]
    return [each for each in found if not any(other.covers(each) for other in found if other != each)]


def _told_apart(rule: Rule, necessary: _Expressions, sort: _Sort) -> Iterator[_Case]:
    """By all that a rule names."""
    operations, names = _of_sort(rule, sort)
    if not operations or not names:
        return
    demands = {each for each in necessary if _has_value(each, sort, operations)} | _of_scope(rule)
    if len(operations) < len(sort.operations):
        demands.add(f"request.operation in {texts(operations)}")
    if ANY not in rule.groups and not any(name.partition("/")[0] == MIGRATED for name in names):
        demands.add(f"request.resource.group in {texts(sorted(rule.groups))}")
    yield _Case(frozenset(demands), frozenset() if sort.whole & {*names} else frozenset(names))


def _told_by_requester(rule: Rule, necessary: _Expressions, sort: _Sort) -> Iterator[_Case]:
    """By what is known of tenancy, and only where that is nothing by what the rule names."""
    operations, names = _of_sort(rule, sort)
    said = (each for each in necessary if _has_value(each, sort, operations))
    known = frozenset(each for each in said if _is_of_tenancy(each))
    if not known:
        yield from _told_apart(rule, frozenset(), sort)
    elif operations and names:
        yield _Case(known | _of_scope(rule))


def _is_of_tenancy(expression: str) -> bool:
    return any(name in expression for name in (TRUSTED_USER, PLATFORM_USER, TRUSTED_NAMESPACE))


def _of_sort(rule: Rule, sort: _Sort) -> tuple[list[str], list[str]]:
    """The operations and resources of a rule that are of a sort."""
    operations = _common(rule.operations, sorted(sort.operations))
    return operations, [name for name in rule.resources if _is_of(name, sort)]


def _is_of(name: str, sort: _Sort) -> bool:
    _, _, subresource = name.partition("/")
    return bool(subresource) if sort.subresources else subresource in ("", ANY)


def _has_value(expression: str, sort: _Sort, operations: Sequence[str]) -> bool:
    """Whether an expression has a value for all requests of a sort: it may look into what is not there."""
    if not sort.has_objects:
        return "object" not in expression and "oldObject" not in expression
    return "CREATE" not in operations or "oldObject" not in expression or CREATED in expression


CREATED = "oldObject == null ||"
"""How a condition has a value where nothing was before."""


def _of_scope(rule: Rule) -> set[str]:
    """A Namespace is in the cluster's scope, though its requests carry its name as their namespace."""
    if rule.scope == "Namespaced":
        return {"has(request.namespace)"}
    in_cluster = "(!has(request.namespace) || request.resource.resource == 'namespaces')"
    return {in_cluster} if rule.scope == "Cluster" else set()


def _one_of_cases(cases: Sequence[_Case]) -> str:
    """One of the cases is given; what all of them demand is said once."""
    if not cases:
        return "false"
    common = frozenset.intersection(*(case.demands for case in cases))
    rests = sorted(" && ".join(_rest(case, common)) for case in cases)
    return " && ".join([*sorted(common), *([one_of(rests)] if all(rests) else [])])


def _rest(case: _Case, common: _Expressions) -> list[str]:
    return [*sorted(case.demands - common), *([_about(case.names)] if case.names else [])]


def _about(names: Iterable[str]) -> str:
    """Whether a request is about one of what rules name."""
    plain, below, wholly = set[str](), set[str](), set[str]()
    for name in names:
        resource, _, subresource = name.partition("/")
        if resource == ANY:
            below.add(subresource)
        elif subresource == ANY:
            wholly.add(resource)
        else:
            plain.add(name)
    ways = [(RESOURCE, plain), ("request.subResource", below), ("request.resource.resource", wholly)]
    return one_of(f"{what} in {texts(sorted(each))}" for what, each in ways if each)
