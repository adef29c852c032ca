"""Kyverno's ValidatingPolicies, and the rules of ClusterPolicies that are CEL or simple patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from gatekeeper_py.authoring.entry import PREFIX
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
from gatekeeper_py.authoring.migration.pattern import pattern_condition
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.resource import Served

__all__ = ["carry_rules", "carry_validating_policy"]

NAMESPACE, NAME = "request.?namespace.orValue('')", "request.?name.orValue('')"
"""Of the request, each empty where it has none."""
WRITES: Final = ("CREATE", "UPDATE")
AUTOGEN = "pod-policies.kyverno.io/autogen-controllers"
SEVERITY = "policies.kyverno.io/severity"
TEMPLATED: Final = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job")
"""Kinds whose pods stand in spec.template."""
CRON_JOB = "CronJob"
"""Whose pods stand deeper."""
EXISTING = "allowExistingViolations"
OF_TEMPLATE, OF_CRON_JOB = ("spec", "template"), ("spec", "jobTemplate", "spec", "template")
RULE_LEFT_OUT = "The rule is left out: write it by hand, or nothing enforces it"
POLICY_LEFT_OUT = "The policy is left out: write it by hand, or nothing enforces it"
READ: Final = frozenset({"rules", "failurePolicy", "validationFailureAction", "emitWarning", "applyRules"})
HARMLESS: Final = READ | {
    "admission",
    "background",
    "schemaValidation",
    "skipBackgroundRequests",
    "useServerSideApply",
    "webhookConfiguration",
    "webhookTimeoutSeconds",
}
"""Fields of a ClusterPolicy's spec that are read, or say nothing of what is admitted."""


# --- ValidatingPolicy


def carry_validating_policy(manifest: Manifest) -> Carried:
    """A ValidatingPolicy: the native one with Kyverno's own fields, and pods' controllers."""
    spec = manifest.object.get("spec") or {}
    try:
        _demand_admission(spec)
        base = _native(manifest, spec)
        controllers = ((spec.get("autogen") or {}).get("podControllers") or {}).get("controllers") or ()
        templated = list(_for_controllers(base, _kinds_of_plurals(controllers), _operations(base.rules)))
    except CannotCarry as error:
        return Carried(manifest.name, left_out=(problem(manifest, error, POLICY_LEFT_OUT),))
    documents = tuple(each for native in (base, *templated) for each in native.documents())
    pods_alone = bool(base.rules) and all(rule.get("resources") == ["pods"] for rule in base.rules)
    told = (manifest.source.problem(*WITHOUT_CONTROLLERS),) if pods_alone and not controllers else ()
    return Carried(manifest.name, documents, otherwise=told)


WITHOUT_CONTROLLERS: Final = (
    ("spec", "matchConstraints"),
    "no podControllers are named: a controller's pods are judged when they are made, not its template",
    "Name more resources if that is late",
)


def _demand_admission(spec: Mapping[str, Any]) -> None:
    """Raise `CannotCarry` for a policy that judges something else than requests to an API server."""
    evaluation = spec.get("evaluation") or {}
    if evaluation.get("mode", "Kubernetes") != "Kubernetes":
        what = "an evaluation of what is no request to an API server"
        raise CannotCarry(("spec", "evaluation", "mode"), what)
    if (evaluation.get("admission") or {}).get("enabled") is False:
        raise CannotCarry(("spec", "evaluation", "admission"), "a policy that is for reports alone")


NATIVE_FIELDS: Final = (
    "matchConstraints",
    "matchConditions",
    "variables",
    "validations",
    "auditAnnotations",
    "failurePolicy",
    "validationActions",
)
OWN_FIELDS: Final = ("evaluation", "autogen", "webhookConfiguration")


def _native(manifest: Manifest, spec: Mapping[str, Any]) -> Native:
    """What a ValidatingPolicy has of a ValidatingAdmissionPolicy."""
    unread(spec, (*NATIVE_FIELDS, *OWN_FIELDS), ("spec",))
    constraints = dict(spec.get("matchConstraints") or {})
    rules = constraints.pop("resourceRules", None) or []
    return Native(
        name=manifest.name,
        rules=rules,
        validations=spec.get("validations") or (),
        actions=spec.get("validationActions") or ["Deny"],
        conditions=_named(spec.get("matchConditions")),
        variables=_named(spec.get("variables")),
        constraints=constraints,
        failure_policy=spec.get("failurePolicy", "Fail"),
        more={"auditAnnotations": spec["auditAnnotations"]} if spec.get("auditAnnotations") else {},
        annotations=_severity(manifest),
    )


def _operations(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of all rules."""
    return list(dict.fromkeys(operation for rule in rules for operation in rule.get("operations") or WRITES))


def _named(items: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    return {each["name"]: each["expression"] for each in items or ()}


def _severity(manifest: Manifest) -> dict[str, str]:
    annotations = (manifest.object.get("metadata") or {}).get("annotations") or {}
    return (
        {f"{PREFIX}severity": annotations[SEVERITY]}
        if annotations.get(SEVERITY) in ("low", "medium", "high", "critical")
        else {}
    )


def _kinds_of_plurals(names: Iterable[str]) -> list[str]:
    plurals = {f"{kind.lower()}s": kind for kind in (*TEMPLATED, CRON_JOB)}
    for index, name in enumerate(names):
        if name.lower() not in plurals:
            raise CannotCarry(
                ("spec", "autogen", "podControllers", "controllers", index), f"controllers {name}"
            )
    return [plurals[name.lower()] for name in names]


def _placed(kinds: Sequence[str]) -> Iterator[tuple[str, list[str], tuple[str, ...]]]:
    """Of controllers: the ending of their policy's name, which they are, and where they have the template."""
    templated = [kind for kind in TEMPLATED if kind in kinds]
    if templated:
        yield "-controllers", templated, OF_TEMPLATE
    if CRON_JOB in kinds:
        yield "-cronjobs", [CRON_JOB], OF_CRON_JOB


def _for_controllers(base: Native, kinds: Sequence[str], operations: Sequence[str]) -> Iterator[Native]:
    """The policy for templates: Kyverno writes `object.spec.template.spec` for every `object.spec`."""
    for suffix, chosen, steps in _placed(kinds):
        served = [each for kind in chosen for each in resources_of(kind, "*", "*", ("spec",))]
        yield replace(
            base,
            name=f"{base.name}{suffix}",
            rules=rules_for(served, operations),
            conditions={key: _deeper(text, steps) for key, text in base.conditions.items()},
            variables={key: _deeper(text, steps) for key, text in base.variables.items()},
            validations=[
                {key: _deeper(value, steps) if "xpression" in key else value for key, value in each.items()}
                for each in base.validations
            ],
        )


def _deeper(text: str, steps: Sequence[str]) -> str:
    """An expression about a pod as one about what holds the template."""
    return re.sub(r"\b(object|oldObject)\.(\??)(spec|metadata)\b", rf"\1.{'.'.join(steps)}.\2\3", text)


# --- ClusterPolicy and Policy


def carry_rules(manifest: Manifest) -> Carried:
    """The rules of a ClusterPolicy, or of a Policy, which holds in its namespace."""
    spec = manifest.object.get("spec") or {}
    left_out: list[Problem] = []
    documents: list[Mapping[str, Any]] = []
    try:
        unread(spec, HARMLESS, ("spec",))
        if spec.get("admission") is False:
            raise CannotCarry(("spec", "admission"), "a policy that is for reports alone")
        if spec.get("applyRules") == "One":
            raise CannotCarry(
                ("spec", "applyRules"), "applyRules: One lets the first rule that matches decide"
            )
    except CannotCarry as error:
        return Carried(manifest.name, left_out=(problem(manifest, error, POLICY_LEFT_OUT),))
    for index, rule in enumerate(spec.get("rules") or ()):
        path: FieldPath = ("spec", "rules", index)
        try:
            documents += [each for native in _rule(manifest, spec, rule, path) for each in native.documents()]
        except CannotCarry as error:
            left_out.append(problem(manifest, error, RULE_LEFT_OUT))
    return Carried(manifest.name, tuple(documents), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Matched:
    """What one entry of `match` is about."""

    served: tuple[Served, ...]
    operations: tuple[str, ...]
    conditions: Mapping[str, str]
    selectors: Mapping[str, Any]


def _rule(
    manifest: Manifest, spec: Mapping[str, Any], rule: Mapping[str, Any], path: FieldPath
) -> Iterator[Native]:
    known = {"name", "match", "exclude", "validate", "celPreconditions", "skipBackgroundRequests"}
    unread(rule, known, path)
    validate = rule.get("validate")
    if not isinstance(validate, Mapping):
        raise CannotCarry(path, "a rule that validates nothing")
    matched = list(_match(rule.get("match") or {}, (*path, "match")))
    excluded = _exclude(rule.get("exclude") or {}, (*path, "exclude"))
    own = {} if manifest.kind.kind == "ClusterPolicy" else _in_namespace(manifest)
    for number, entry in enumerate(matched):
        name = f"{manifest.name}-{rule['name']}" + (f"-{number + 1}" if len(matched) > 1 else "")
        native = Native(
            name=re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-"),
            rules=rules_for(entry.served, entry.operations),
            validations=(),
            actions=_actions(spec, validate),
            conditions={**own, **_named(rule.get("celPreconditions")), **entry.conditions, **excluded},
            constraints=entry.selectors,
            failure_policy=spec.get("failurePolicy", "Fail"),
            annotations=_severity(manifest),
        )
        pods_alone = {each.kind.kind for each in entry.served} == {"Pod"} and not entry.selectors
        kinds = _autogen(manifest) if pods_alone and not entry.conditions else []
        yield from _validated(native, validate, kinds, entry.operations, (*path, "validate"))


def _in_namespace(manifest: Manifest) -> dict[str, str]:
    return {"in-its-namespace": f"{NAMESPACE} == {literal(manifest.namespace)}"}


def _actions(spec: Mapping[str, Any], validate: Mapping[str, Any]) -> list[str]:
    action = validate.get("failureAction") or spec.get("validationFailureAction") or "Audit"
    if str(action).lower() == "enforce":
        return ["Deny"]
    return ["Warn", "Audit"] if spec.get("emitWarning") else ["Audit"]


def _autogen(manifest: Manifest) -> list[str]:
    """The controllers whose templates a rule about pods judges, too: all, unless an annotation says less."""
    annotations = (manifest.object.get("metadata") or {}).get("annotations") or {}
    named = annotations.get(AUTOGEN)
    every = [*TEMPLATED, CRON_JOB]
    if named is None or named in ("all", ""):
        return every
    return [kind for kind in every if kind in [each.strip() for each in named.split(",")]]


def _validated(
    native: Native,
    validate: Mapping[str, Any],
    kinds: Sequence[str],
    operations: Sequence[str],
    path: FieldPath,
) -> Iterator[Native]:
    """The policy of a rule, and those for the templates of controllers."""
    unread(validate, VALIDATE_FIELDS, path)
    if isinstance(validate.get("cel"), Mapping):
        made = _in_cel(native, validate, path)
        yield made
        yield from _for_controllers(made, kinds, operations)
        return
    yield _patterned(native, validate, (), path)
    for suffix, chosen, steps in _placed(kinds):
        served = [each for kind in chosen for each in resources_of(kind, "*", "*", path)]
        deeper = _patterned(native, validate, steps, path)
        yield replace(deeper, name=f"{native.name}{suffix}", rules=rules_for(served, operations))


VALIDATE_FIELDS: Final = ("message", "failureAction", "cel", "pattern", "anyPattern", EXISTING)


def _in_cel(native: Native, validate: Mapping[str, Any], path: FieldPath) -> Native:
    """A rule that is CEL already."""
    cel = validate["cel"]
    unread(cel, ("expressions", "variables", "auditAnnotations", "generate"), (*path, "cel"))
    message = {"message": validate["message"]} if validate.get("message") else {}
    return replace(
        native,
        validations=[{**message, **each} for each in cel.get("expressions") or ()],
        variables=_named(cel.get("variables")),
        more={"auditAnnotations": cel["auditAnnotations"]} if cel.get("auditAnnotations") else {},
    )


def _patterned(native: Native, validate: Mapping[str, Any], steps: Sequence[str], path: FieldPath) -> Native:
    """The patterns of a rule, one of which an object must be like, at the place of a template.

    What was unlike them before may go on, unless the rule says otherwise.
    """
    now, before = (_alike(validate, steps, root, path) for root in ("object", "oldObject"))
    text = now if validate.get(EXISTING) is False else f"{now} || oldObject != null && !({before})"
    message = {"message": str(validate["message"])} if validate.get("message") else {}
    return replace(native, validations=[{"expression": text, **message}])


def _alike(validate: Mapping[str, Any], steps: Sequence[str], root: str, path: FieldPath) -> str:
    """CEL for an object that is like the pattern, or like one of several."""
    single = "pattern" in validate
    patterns = [validate["pattern"]] if single else validate.get("anyPattern")
    if not patterns:
        raise CannotCarry(path, "a rule without CEL and without a pattern")
    alike = []
    for index, pattern in enumerate(patterns):
        for step in reversed(steps):
            pattern = {step: pattern}
        place: FieldPath = (*path, "pattern") if single else (*path, "anyPattern", index)
        alike.append(pattern_condition(pattern, root, place))
    return alike[0] if single else " || ".join(f"({each})" for each in alike)


# --- match and exclude


def _match(match: Mapping[str, Any], path: FieldPath) -> Iterator[_Matched]:
    """The entries, any of which matches; `all` is taken where it has one."""
    unread(match, ("any", "all", "resources"), path)
    for entry, where in _entries(match, path):
        unread(entry, ("resources",), where)
        yield _resources(entry.get("resources") or {}, (*where, "resources"))


def _entries(match: Mapping[str, Any], path: FieldPath) -> Iterator[tuple[Mapping[str, Any], FieldPath]]:
    if len(match.get("all") or ()) > 1:
        raise CannotCarry((*path, "all"), "several filters that must all match")
    if "resources" in match:
        yield {"resources": match["resources"]}, path
    for name in ("any", "all"):
        yield from ((entry, (*path, name, index)) for index, entry in enumerate(match.get(name) or ()))


def _resources(resources: Mapping[str, Any], path: FieldPath) -> _Matched:
    known = ("kinds", "operations", "namespaces", "names", "name", "selector", "namespaceSelector")
    unread(resources, known, path)
    served = [
        each
        for index, kind in enumerate(resources.get("kinds") or ())
        for each in _served(str(kind), (*path, "kinds", index))
    ]
    if not served:
        raise CannotCarry(path, "a filter without kinds")
    selectors = {
        ours: resources[theirs]
        for theirs, ours in (("selector", "objectSelector"), ("namespaceSelector", "namespaceSelector"))
        if resources.get(theirs)
    }
    if any(re.search(r"[*?]", str(selectors)) for _ in selectors):
        raise CannotCarry(path, "a selector with wildcards")
    conditions = {}
    if namespaces := resources.get("namespaces"):
        conditions["in-its-namespaces"] = glob_condition(NAMESPACE, namespaces)
    if names := [*(resources.get("names") or ()), *filter(None, [resources.get("name")])]:
        conditions["of-its-names"] = glob_condition(NAME, names)
    return _Matched(tuple(served), tuple(resources.get("operations") or WRITES), conditions, selectors)


def _served(kind: str, path: FieldPath) -> list[Served]:
    """`Pod`, `apps/v1/Deployment`, `apps/*/Deployment`, `v1/Pod`."""
    *before, name = kind.split("/")
    if len(before) > 2 or re.search(r"[*?.]", name) or name[:1].islower():
        raise CannotCarry(path, f'kinds that are named "{kind}"')
    group, version = ("*", "*") if not before else ("*", before[0]) if len(before) == 1 else before
    return resources_of(name, group, version, path)


def _exclude(exclude: Mapping[str, Any], path: FieldPath) -> dict[str, str]:
    """Conditions that keep out what is excluded."""
    unread(exclude, ("any", "all", "resources"), path)
    made: dict[str, str] = {}
    for number, (entry, where) in enumerate(_entries(exclude, path), 1):
        unread(entry, ("resources", "subjects"), where)
        parts = [*_excluded_resources(entry.get("resources") or {}, (*where, "resources"))]
        if subjects := entry.get("subjects"):
            parts.append(_subjects(subjects, (*where, "subjects")))
        if not parts:
            raise CannotCarry(where, "an exclusion of nothing that is known")
        made[f"not-excluded-{number}"] = f"!({' && '.join(parts)})"
    return made


def _excluded_resources(resources: Mapping[str, Any], path: FieldPath) -> Iterator[str]:
    unread(resources, ("kinds", "operations", "namespaces", "names", "name"), path)
    if kinds := resources.get("kinds"):
        served = [
            each for index, kind in enumerate(kinds) for each in _served(str(kind), (*path, "kinds", index))
        ]
        names = dict.fromkeys(literal(each.kind.kind) for each in served)
        yield f"request.kind.kind in [{', '.join(names)}]"
    if operations := resources.get("operations"):
        yield f"request.operation in [{', '.join(map(literal, operations))}]"
    if namespaces := resources.get("namespaces"):
        yield glob_condition(NAMESPACE, namespaces)
    if excluded := [*(resources.get("names") or ()), *filter(None, [resources.get("name")])]:
        yield glob_condition(NAME, excluded)


def _subjects(subjects: Sequence[Mapping[str, str]], path: FieldPath) -> str:
    parts = []
    for index, subject in enumerate(subjects):
        name = str(subject.get("name", ""))
        if re.search(r"[*?]", name):
            raise CannotCarry((*path, index), "a subject with wildcards")
        match subject.get("kind"):
            case "User":
                parts.append(f"request.userInfo.username == {literal(name)}")
            case "Group":
                parts.append(f"{literal(name)} in request.userInfo.groups")
            case "ServiceAccount":
                account = f"system:serviceaccount:{subject.get('namespace', '')}:{name}"
                parts.append(f"request.userInfo.username == {literal(account)}")
            case other:
                raise CannotCarry((*path, index), f"a subject of kind {other}")
    return parts[0] if len(parts) == 1 else f"({' || '.join(parts)})"
