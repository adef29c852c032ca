"""matchConstraints of policies and matchResources of bindings: rules and selectors."""

from __future__ import annotations

from gatekeeper_py.objects import naming as names
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.selector import EVERYTHING, Selector
from gatekeeper_py.policy.loading.checks.metadata import check_labels
from gatekeeper_py.policy.loading.checks.parts import Faults, Part, items, part, text, texts
from gatekeeper_py.policy.loading.faults import duplicate, forbidden, invalid, moved, required, unsupported
from gatekeeper_py.policy.model import MatchResources, Rule

__all__ = ["check_mutating_operations", "check_resources", "check_selector"]

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
MUTATING_OPERATIONS = ("*", "CONNECT", "CREATE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
MATCH_POLICIES = ("Equivalent", "Exact")


def check_resources(faults: Faults, field: FieldPath, found: Part) -> MatchResources:
    """What a policy or binding is about."""
    faults.choice((*field, "matchPolicy"), found.get("matchPolicy"), MATCH_POLICIES)
    namespaces = check_selector(faults, (*field, "namespaceSelector"), found.get("namespaceSelector"))
    objects = check_selector(faults, (*field, "objectSelector"), found.get("objectSelector"))
    return MatchResources(
        rules=_rules(faults, (*field, "resourceRules"), found),
        exclude_rules=_rules(faults, (*field, "excludeResourceRules"), found),
        namespace_selector=namespaces or EVERYTHING,
        object_selector=objects or EVERYTHING,
        match_policy=found.get("matchPolicy") or "Equivalent",
    )


def check_mutating_operations(faults: Faults, field: FieldPath, found: Part) -> None:
    """Mutation knows no DELETE. The API server names no index here."""
    rules = (*field, "resourceRules")
    for index, rule in enumerate(items(found, "resourceRules")):
        for number, operation in enumerate(texts(rule, "operations")):
            if operation not in MUTATING_OPERATIONS:
                fault = unsupported((*rules, "operations"), operation, MUTATING_OPERATIONS)
                faults.add(moved(fault, (*rules, index, "operations", number)))


# --- selectors ----------------------------------------------------------------------------------------


def check_selector(faults: Faults, field: FieldPath, found: Part | None) -> Selector | None:
    """A label selector; None when absent."""
    if found is None:
        return None
    before = len(faults)
    check_labels(faults, (*field, "matchLabels"), part(found, "matchLabels"))
    for index, expression in enumerate(items(found, "matchExpressions")):
        _requirement(faults, (*field, "matchExpressions", index), expression)
    return EVERYTHING if len(faults) > before else Selector.of(found)


def _requirement(faults: Faults, field: FieldPath, expression: Part) -> None:
    _operator(faults, field, text(expression, "operator"), texts(expression, "values"))
    faults.name((*field, "key"), text(expression, "key"), names.qualified_name)
    for index, value in enumerate(texts(expression, "values")):
        faults.name((*field, "values", index), value, names.label_value)


def _operator(faults: Faults, field: FieldPath, operator: str, values: tuple[str, ...]) -> None:
    if operator in ("In", "NotIn"):
        if not values:
            what = "must be specified when `operator` is 'In' or 'NotIn'"
            faults.add(required((*field, "values"), what))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            what = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            faults.add(forbidden((*field, "values"), what))
    else:
        faults.add(invalid((*field, "operator"), operator, "not a valid selector operator"))


# --- rules --------------------------------------------------------------------------------------------


def _rules(faults: Faults, field: FieldPath, found: Part) -> tuple[Rule, ...]:
    rules = items(found, str(field[-1]))
    return tuple(_rule(faults, (*field, index), rule) for index, rule in enumerate(rules))


def _rule(faults: Faults, field: FieldPath, found: Part) -> Rule:
    rule = Rule(
        operations=texts(found, "operations"),
        groups=texts(found, "apiGroups"),
        versions=texts(found, "apiVersions"),
        resources=texts(found, "resources"),
        scope=found.get("scope") or "*",
        names=texts(found, "resourceNames"),
    )
    _resource_names(faults, (*field, "resourceNames"), rule.names)
    _alone(faults, (*field, "operations"), rule.operations, "operations")
    for index, operation in enumerate(rule.operations):
        faults.choice((*field, "operations", index), operation, OPERATIONS)
    _alone(faults, (*field, "apiGroups"), rule.groups, "API groups")
    _alone(faults, (*field, "apiVersions"), rule.versions, "API versions")
    _filled(faults, (*field, "apiVersions"), rule.versions)
    _resources(faults, (*field, "resources"), rule.resources)
    faults.choice((*field, "scope"), found.get("scope"), SCOPES)
    return rule


def _resource_names(faults: Faults, field: FieldPath, found: tuple[str, ...]) -> None:
    for index, name in enumerate(found):
        faults.name((*field, index), name, names.path_segment)
        if name in found[:index]:
            faults.add(duplicate((*field, index), name))


def _alone(faults: Faults, field: FieldPath, values: tuple[str, ...], what: str) -> None:
    """A list that is not empty, and where `*` stands alone."""
    if not values:
        faults.add(required(field))
    if len(values) > 1 and "*" in values:
        faults.add(invalid(field, values, f"if '*' is present, must not specify other {what}"))


def _filled(faults: Faults, field: FieldPath, values: tuple[str, ...]) -> None:
    for index, value in enumerate(values):
        if not value:
            faults.add(required((*field, index)))


def _resources(faults: Faults, field: FieldPath, values: tuple[str, ...]) -> None:
    if not values:
        faults.add(required(field))
    for index, value in enumerate(values):
        if not value:
            faults.add(required((*field, index)))
        elif "/" in value:
            _subresource(faults, (*field, index), value, values[:index])
    if len(values) > 1 and "*/*" in values:
        faults.add(invalid(field, values, "if '*/*' is present, must not specify other resources"))
    if "*" in values and _last_is_plain(values):
        what = "if '*' is present, must not specify other resources without subresources"
        faults.add(invalid(field, values, what))


def _last_is_plain(values: tuple[str, ...]) -> bool:
    """Whether the last resource without subresource has a name: the API server looks at no other."""
    plain = [value for value in values if value and "/" not in value]
    return plain[-1] != "*"


def _subresource(faults: Faults, field: FieldPath, value: str, before: tuple[str, ...]) -> None:
    """A subresource that a wildcard before it has named already."""
    resource, _, subresource = value.partition("/")
    for wildcard in (f"{resource}/*", f"*/{subresource}"):
        if wildcard in before:
            what = f"if '{wildcard}' is present, must not specify {value}"
            faults.add(invalid(field, value, what, remedy="Remove it"))
