"""Selectors and exclusions that leave nothing, or do nothing (GK106, GK107)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.subject import Subject
from gatekeeper_py.manifests.manifest import Source
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionResource
from gatekeeper_py.objects.selector import Requirement, Selector
from gatekeeper_py.policy.matching.match import ANY, selects
from gatekeeper_py.policy.model import MatchResources, Rule

__all__ = ["narrowing"]

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The label of a Namespace that is its name, which the API server itself writes and keeps
(pkg/registry/core/namespace/strategy.go)."""
MEANT_AS_NAME: Final = frozenset({"metadata.name", "kubernetes.io/name", "namespace.name"})
"""Keys that nobody writes, and authors take for the name."""
ALIKE: Final = 0.9

Reached = tuple[GroupVersionResource, str]


def narrowing(subject: Subject) -> Iterator[Finding]:
    """What the selectors and exclusions of policies and bindings do not do."""
    for policy in subject.every:
        yield from _of(policy.source, ("spec", "matchConstraints"), policy.match, policy.match, subject.kinds)
        for binding in policy.bindings:
            if binding.match is not None:
                place: FieldPath = ("spec", "matchResources")
                yield from _of(binding.source, place, binding.match, policy.match, subject.kinds)


def _of(
    source: Source, path: FieldPath, match: MatchResources, whole: MatchResources, kinds: Kinds
) -> Iterator[Finding]:
    rules = match.rules or whole.rules
    for field, selector in (
        ("namespaceSelector", match.namespace_selector),
        ("objectSelector", match.object_selector),
    ):
        if key := _contradicted(selector):
            what = f'no label "{key}" can be as this asks, so nothing is selected'
            yield Finding(
                source.problem((*path, field), what, "Correct it, or remove what contradicts"), "GK106"
            )
    for what, remedy in _named(match.namespace_selector):
        yield Finding(source.problem((*path, "namespaceSelector"), what, remedy), "GK107")
    if not match.namespace_selector.empty and _cluster_wide(rules, kinds):
        yield Finding(
            source.problem((*path, "namespaceSelector"), NO_NAMESPACE, NO_NAMESPACE_REMEDY), "GK107"
        )
    yield from _exclusions(source, path, match, rules, kinds)


NO_NAMESPACE = (
    "the rules reach nothing that is in a namespace, and what is in none is selected whatever this says"
)
NO_NAMESPACE_REMEDY = "Remove it, and say by a match condition what is meant"


def _contradicted(selector: Selector) -> str:
    """The key of which a selector asks what no label can be."""
    keys = dict.fromkeys(requirement.key for requirement in selector.requirements)
    return next((key for key in keys if not _possible(key, selector.requirements)), "")


def _possible(key: str, requirements: Iterable[Requirement]) -> bool:
    """Whether some value of a label, or its absence, meets all that is asked of it."""
    asked = [requirement for requirement in requirements if requirement.key == key]
    named = {value for requirement in asked for value in requirement.values}
    labels = ({}, {key: ANOTHER}, *({key: value} for value in named))
    return any(all(requirement.matches(each) for requirement in asked) for each in labels)


ANOTHER: Final = "\0"
"""Stands for the values that nobody names."""


def _named(selector: Selector) -> Iterator[tuple[str, str]]:
    """Keys that are taken for a namespace's name."""
    for requirement in selector.requirements:
        key = requirement.key
        system = key == "name" and any(value.startswith("kube-") for value in requirement.values)
        near = key != NAME_LABEL and difflib.SequenceMatcher(None, key, NAME_LABEL).ratio() >= ALIKE
        if key in MEANT_AS_NAME or near or system:
            yield f'no namespace has a label "{key}" of itself', f"Did you mean {NAME_LABEL}?"


def _cluster_wide(rules: Iterable[Rule], kinds: Kinds) -> bool:
    """Whether all that rules reach is in no namespace, and is none."""
    if not _judged(rules, kinds):
        return False
    namespaced = {each.served.resource: each.served.namespaced for each in kinds}
    reached = {resource for resource, _ in _reach(rules, kinds)}
    return bool(reached) and not any(namespaced[each] or each.resource == "namespaces" for each in reached)


def _exclusions(
    source: Source, path: FieldPath, match: MatchResources, rules: tuple[Rule, ...], kinds: Kinds
) -> Iterator[Finding]:
    place = (*path, "excludeResourceRules")
    if rules and all(any(_covers(left_out, rule) for left_out in match.exclude_rules) for rule in rules):
        what = "everything that the rules name is excluded, so nothing is selected"
        yield Finding(source.problem(place, what, "Exclude less"), "GK106")
        return
    for index, left_out in enumerate(match.exclude_rules):
        if _judged((*rules, left_out), kinds) and not any(_meet(left_out, rule, kinds) for rule in rules):
            what = "the rules name nothing of this, so it excludes nothing"
            yield Finding(source.problem((*place, index), what, "Correct it, or remove it"), "GK107")


def _covers(left_out: Rule, rule: Rule) -> bool:
    """Whether a rule excludes all that another names."""
    return (
        not left_out.names
        and left_out.scope in (ANY, rule.scope)
        and all(
            ANY in those or set(these) <= set(those)
            for these, those in (
                (rule.operations, left_out.operations),
                (rule.groups, left_out.groups),
                (rule.versions, left_out.versions),
            )
        )
        and all(_names(resource, left_out.resources) for resource in rule.resources)
    )


def _names(resource: str, among: Iterable[str]) -> bool:
    return resource in among or "*/*" in among or (ANY in among and "/" not in resource)


def _meet(one: Rule, other: Rule, kinds: Kinds) -> bool:
    """Whether two rules have a request in common."""
    operations = set(one.operations) & set(other.operations) or ANY in (*one.operations, *other.operations)
    return bool(operations) and bool(set(_reach([one], kinds)) & set(_reach([other], kinds)))


def _judged(rules: Iterable[Rule], kinds: Kinds) -> bool:
    """Whether all groups are known; `*` may be those of custom resources."""
    groups = {resource.served.kind.group for resource in kinds}
    return all(groups.issuperset(rule.groups) for rule in rules)


def _reach(rules: Iterable[Rule], kinds: Kinds) -> Iterator[Reached]:
    for resource in kinds:
        for subresource in ("", *resource.subresources):
            if any(
                selects(rule, named, resource.served, subresource)
                for rule in rules
                for named in rule.resources
            ):
                yield resource.served.resource, subresource
