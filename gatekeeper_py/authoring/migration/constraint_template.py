"""OPA Gatekeeper's ConstraintTemplates in CEL (K8sNativeValidation), each with the constraints that use it.

A constraint becomes a policy that has the constraint itself for its param, as Gatekeeper makes one for the
API server (open-policy-agent/gatekeeper, pkg/drivers/k8scel/transform); the template becomes its definition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gatekeeper_py.authoring.migration.carried import (
    CannotCarry,
    Carried,
    Native,
    glob_condition,
    literal,
    problem,
    resources_of,
    rules_for,
    unread,
)
from gatekeeper_py.authoring.migration.logic import TRUE, Condition, every, some
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import Served

__all__ = ["carry_template"]

GROUP = "constraints.gatekeeper.sh"
VERSION = "v1beta1"
ENGINE = "K8sNativeValidation"
TARGET: FieldPath = ("spec", "targets", 0)
PARAMS = "!has(params.spec) ? null : !has(params.spec.parameters) ? null : params.spec.parameters"
ANY_OBJECT = "request.operation == 'DELETE' && object == null ? oldObject : object"
ACTIONS: Final = {"deny": ["Deny"], "warn": ["Warn"], "dryrun": ["Audit"]}
SOURCE_FIELDS: Final = ("validations", "variables", "matchCondition", "failurePolicy", "generateVAP")
"""The conditions are a list all the same (pkg/drivers/k8scel/schema, Source)."""
ADMISSION: Final = frozenset({"validation.gatekeeper.sh", "vap.k8s.io", "*"})
"""The enforcement points at which a request to the API server is judged."""
TEMPLATE_LEFT_OUT = (
    "The template and its constraints are left out: write them by hand, or nothing enforces them"
)
CONSTRAINT_LEFT_OUT = "The constraint is left out: write it by hand, or nothing enforces it"
UNUSED = "It enforces nothing, and nothing is made of it"


def carry_template(template: Manifest, constraints: Sequence[Manifest]) -> Carried:
    """A template with its constraints."""
    try:
        source = _source(template)
    except CannotCarry as error:
        return Carried(template.name, left_out=(problem(template, error, TEMPLATE_LEFT_OUT),))
    documents: list[Mapping[str, Any]] = []
    left_out: list[Problem] = []
    for constraint in constraints:
        try:
            native = _constraint(template, source, constraint)
        except CannotCarry as error:
            left_out.append(problem(constraint, error, CONSTRAINT_LEFT_OUT))
            continue
        documents += [*native.documents(), constraint.object]
    if documents:
        documents.insert(0, _definition(template))
    unused = (
        ()
        if constraints
        else (template.source.problem(("metadata", "name"), "no constraint uses the template", UNUSED),)
    )
    return Carried(template.name, tuple(documents), tuple(left_out), unused)


def _source(template: Manifest) -> Mapping[str, Any]:
    """The CEL of a template."""
    targets: list[Mapping[str, Any]] = (template.object.get("spec") or {}).get("targets") or []
    if len(targets) != 1:
        raise CannotCarry(("spec", "targets"), "a template for several targets")
    for index, code in enumerate(targets[0].get("code") or []):
        if code.get("engine") == ENGINE:
            source: Mapping[str, Any] = code.get("source") or {}
            path: FieldPath = (*TARGET, "code", index, "source")
            unread(source, SOURCE_FIELDS, path)
            return source
    raise CannotCarry(TARGET, "a template in Rego")


def _constraint(template: Manifest, source: Mapping[str, Any], constraint: Manifest) -> Native:
    spec = constraint.object.get("spec") or {}
    unread(spec, ("match", "parameters", "enforcementAction", "scopedEnforcementActions"), ("spec",))
    match = spec.get("match") or {}
    target = template.object["spec"]["targets"][0]
    operations = target.get("operations") or ("CREATE", "UPDATE")
    variables = {"params": PARAMS, "anyObject": ANY_OBJECT}
    variables |= {each["name"]: each["expression"] for each in source.get("variables") or ()}
    conditions = {each["name"]: each["expression"] for each in source.get("matchCondition") or ()}
    return Native(
        name=f"{template.name}-{constraint.name}",
        rules=_rules(match, operations),
        validations=source.get("validations") or (),
        actions=_actions(spec),
        conditions={**conditions, **_conditions(match)},
        variables=variables,
        constraints=_selectors(match),
        failure_policy=source.get("failurePolicy", "Fail"),
        more={"paramKind": {"apiVersion": f"{GROUP}/{VERSION}", "kind": constraint.kind.kind}},
        param_ref={"name": constraint.name, "parameterNotFoundAction": "Deny"},
    )


def _actions(spec: Mapping[str, Any]) -> list[str]:
    """What comes of a violation at admission. Raises `CannotCarry` for what only audits or is unknown."""
    action = spec.get("enforcementAction") or "deny"
    if action != "scoped":
        return _action(action, ("spec", "enforcementAction"))
    made: dict[str, None] = {}
    for index, scoped in enumerate(spec.get("scopedEnforcementActions") or ()):
        path: FieldPath = ("spec", "scopedEnforcementActions", index)
        if ADMISSION & {point.get("name") for point in scoped.get("enforcementPoints") or ()}:
            made |= dict.fromkeys(_action(scoped.get("action"), (*path, "action")))
    if not made:
        raise CannotCarry(("spec", "scopedEnforcementActions"), "a constraint that is for reports alone")
    if "Deny" in made:
        made.pop("Warn", None)
        # Kubernetes takes no binding that does both, and who is refused needs no warning.
    return list(made)


def _action(action: Any, path: FieldPath) -> list[str]:
    if action not in ACTIONS:
        raise CannotCarry(path, f"the enforcementAction {action}")
    return ACTIONS[action]


MATCH: FieldPath = ("spec", "match")


def _rules(match: Mapping[str, Any], operations: Sequence[str]) -> list[dict[str, Any]]:
    known = ("kinds", "scope", "namespaces", "excludedNamespaces", "labelSelector", "namespaceSelector")
    unread(match, (*known, "name", "source"), MATCH)
    if match.get("source", "All") not in ("All", "Original"):
        raise CannotCarry((*MATCH, "source"), "constraints on what is only expanded")
    scope = match.get("scope", "*")
    rules: list[dict[str, Any]] = []
    for index, each in enumerate(_entries(match)):
        groups, kinds = each.get("apiGroups") or ["*"], each.get("kinds") or ["*"]
        path: FieldPath = (*MATCH, "kinds", index)
        if "*" in kinds:
            rules.append(_everything(groups, operations, scope))
            continue
        ours = [kind for kind in kinds if kind in BUILTIN]
        served = [one for kind in ours for group in groups for one in _served(kind, group, groups, path)]
        rules += rules_for(served, operations, versions="*", scope=scope)
        if len(ours) < len(kinds):
            rules.append(_everything(groups, operations, scope))
    return rules


def _entries(match: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the kinds are named by; without any, all are matched."""
    return match.get("kinds") or [{}]


def _kinds(match: Mapping[str, Any]) -> set[str]:
    return {kind for each in _entries(match) for kind in each.get("kinds") or ("*",)}


BUILTIN: Final = frozenset(each.served.kind.kind for each in Kinds.builtin())


def _selected(match: Mapping[str, Any]) -> Condition:
    """CEL for a request about one of the kinds, where some are not Kubernetes' own and rules match more."""
    if _kinds(match) <= {*BUILTIN, "*"}:
        return TRUE
    return some(
        every([_one_of("kind", each.get("kinds")), _one_of("group", each.get("apiGroups"))])
        for each in _entries(match)
    )


def _one_of(field: str, names: Sequence[str] | None) -> Condition:
    if not names or "*" in names:
        return TRUE
    return Condition(f"request.kind.{field} in [{', '.join(map(literal, names))}]", "==")


def _served(kind: str, group: str, groups: Sequence[str], path: FieldPath) -> list[Served]:
    """The resources of a kind in one of the groups beside it; every kind must be in one of them."""
    found = resources_of(kind, "*", "*", path)
    chosen = [each for each in found if group in ("*", each.kind.group)]
    if not chosen and not any(each.kind.group in groups for each in found):
        raise CannotCarry(path, f'no kind "{kind}" in the groups beside it')
    return chosen


def _everything(groups: Sequence[str], operations: Sequence[str], scope: str) -> dict[str, Any]:
    rule = {
        "apiGroups": list(groups),
        "apiVersions": ["*"],
        "operations": list(operations),
        "resources": ["*", "pods/ephemeralcontainers"] if {"", "*"} & {*groups} else ["*"],
    }
    return rule if scope == "*" else {**rule, "scope": scope}


def _selectors(match: Mapping[str, Any]) -> dict[str, Any]:
    made = {}
    if selector := match.get("labelSelector"):
        made["objectSelector"] = selector
    if selector := match.get("namespaceSelector"):
        made["namespaceSelector"] = selector
    return made


def _conditions(match: Mapping[str, Any]) -> dict[str, str]:
    """Filters by kind, namespace and name, the names with asterisks at either end.

    What is cluster-wide is in every namespace, but a Namespace is in the one that it is.
    """
    made = {}
    if (kinds := _selected(match)) != TRUE:
        made["of-its-kinds"] = kinds.text
    namespace = _namespace(match)
    if namespaces := match.get("namespaces"):
        made["in-its-namespaces"] = _some(f"{namespace} == '' || {glob_condition(namespace, namespaces)}")
    if excluded := match.get("excludedNamespaces"):
        like = glob_condition(namespace, excluded)
        made["not-in-excluded-namespaces"] = _some(f"{namespace} == '' || !({like})")
    if name := match.get("name"):
        parts = [glob_condition("each.metadata.?name.orValue('')", [name])]
        if name.endswith("*"):
            parts.append(glob_condition("each.metadata.?generateName.orValue('')", [name]))
        made["of-its-name"] = _some(" || ".join(parts))
    return made


def _namespace(match: Mapping[str, Any]) -> str:
    namespace = "each.metadata.?namespace.orValue('')"
    if not _kinds(match) & {"Namespace", "*"}:
        return namespace
    return (
        f"(request.kind.group == '' && request.kind.kind == 'Namespace' ? each.metadata.name : {namespace})"
    )


def _some(condition: str) -> str:
    """Whether it holds for the object as it is or as it was."""
    return f"[object, oldObject].exists(each, each != null && ({condition}))"


def _definition(template: Manifest) -> dict[str, Any]:
    """The CustomResourceDefinition of a template's constraints: by it the constraint may be a param."""
    crd = template.object["spec"]["crd"]["spec"]
    kind = crd["names"]["kind"]
    schema = (crd.get("validation") or {}).get("openAPIV3Schema") or {
        "x-kubernetes-preserve-unknown-fields": True
    }
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    properties = {
        "match": anything,
        "enforcementAction": {"type": "string"},
        "parameters": {"type": "object", **schema},
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": {"type": "object", "properties": properties}},
            }
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"kind": kind, "plural": kind.lower(), "singular": kind.lower()},
            "scope": "Cluster",
            "versions": [version],
        },
    }
