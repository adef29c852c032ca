"""Policies of both kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects import naming as names
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.evaluation.compilation import Compiler, Environments, ExpressionKind
from gatekeeper_py.policy.loading.checks.constraints import check_mutating_operations, check_resources
from gatekeeper_py.policy.loading.checks.expressions import Written, compile_expression, compile_variable
from gatekeeper_py.policy.loading.checks.metadata import check_metadata
from gatekeeper_py.policy.loading.checks.parts import Faults, Part, items, part, text
from gatekeeper_py.policy.loading.faults import duplicate, invalid, required, too_many
from gatekeeper_py.policy.model import (
    AuditAnnotation,
    Expression,
    MatchCondition,
    MatchResources,
    MutatingPolicy,
    Mutation,
    Policy,
    ValidatingPolicy,
    Validation,
    Variable,
)

__all__ = ["check_policy"]

MAX_MATCH_CONDITIONS = 64
MAX_AUDIT_ANNOTATIONS = 20
MAX_VALUE_EXPRESSION = 5 * 1024
"""Bytes of an audit annotation's expression."""

FAILURE_POLICIES = ("Fail", "Ignore")
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
PATCH_TYPES = ("ApplyConfiguration", "JSONPatch")
REINVOCATION_POLICIES = ("IfNeeded", "Never")

NOTHING_TO_CHECK = "validations or auditAnnotations must contain at least one item"
NO_EXPRESSION = "expression is not specified"
BLANK = "must be non-empty if specified"

MATCH = ("spec", "matchConstraints")
CONDITIONS = ("spec", "matchConditions")
PARAM_KIND = ("spec", "paramKind")
ANNOTATIONS = ("spec", "auditAnnotations")
REINVOCATION = ("spec", "reinvocationPolicy")


def check_policy(manifest: Manifest, environments: Environments) -> tuple[Policy | None, list[Problem]]:
    """The compiled policy without bindings, or everything that is wrong with it."""
    faults, spec = Faults(), part(manifest.object, "spec")
    metadata = part(manifest.object, "metadata")
    validating = manifest.kind.kind == "ValidatingAdmissionPolicy"
    compiler = Compiler(
        environments.needed_by(_expressions(spec)),
        params=spec.get("paramKind") is not None,
        composed=not validating or bool(spec.get("variables")),
    )
    check_metadata(faults, metadata)
    faults.choice(("spec", "failurePolicy"), spec.get("failurePolicy"), FAILURE_POLICIES)
    common: dict[str, Any] = {
        "name": manifest.name,
        "source": manifest.source,
        "annotations": part(metadata, "annotations"),
        "param_kind": _param_kind(faults, spec.get("paramKind")),
        "match": _match(faults, spec.get("matchConstraints"), mutating=not validating),
        "match_conditions": _match_conditions(faults, compiler, spec),
        "variables": _variables(faults, compiler, spec),
        "failure_policy": spec.get("failurePolicy") or "Fail",
    }
    policy: Policy
    if validating:
        policy = ValidatingPolicy(**common, **_validating(faults, compiler, manifest.name, spec))
    else:
        policy = MutatingPolicy(**common, **_mutating(faults, compiler, spec))
    return (None, faults.problems(manifest)) if faults.found else (policy, [])


def _expressions(value: object) -> Iterator[str]:
    """Every expression in a part of a policy: the texts of fields that are named so."""
    if isinstance(value, list):
        for inner in value:
            yield from _expressions(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and name.lower().endswith("expression"):
                yield inner
            yield from _expressions(inner)


# --- what both kinds have -----------------------------------------------------------------------------


def _match(faults: Faults, found: Part | None, *, mutating: bool) -> MatchResources:
    if found is None:
        faults.add(required(MATCH))
        return MatchResources()
    resources = check_resources(faults, MATCH, found)
    if not resources.rules:
        faults.add(required((*MATCH, "resourceRules")))
    if mutating:
        check_mutating_operations(faults, MATCH, found)
    return resources


def _param_kind(faults: Faults, found: Part | None) -> GroupVersionKind | None:
    if found is None:
        return None
    api_version, kind = text(found, "apiVersion"), text(found, "kind")
    _api_version(faults, (*PARAM_KIND, "apiVersion"), api_version)
    complaints = names.dns_label_1035(kind.lower())
    if not kind:
        faults.add(required((*PARAM_KIND, "kind")))
    elif complaints:
        what = f"may have mixed case, but should otherwise match: {','.join(complaints)}"
        faults.add(invalid((*PARAM_KIND, "kind"), kind, what))
    return GroupVersionKind.parse(api_version, kind)


def _api_version(faults: Faults, field: FieldPath, value: str) -> None:
    if not value:
        faults.add(required(field))
        return
    if value.count("/") > 1:
        faults.add(invalid(field, value, f"unexpected GroupVersion string: {value}"))
        return
    group, _, version = value.rpartition("/")
    for piece, complain in ((group, names.dns_subdomain), (version, names.dns_label_1035)):
        complaints = complain(piece) if piece else []
        if complaints:
            faults.add(invalid(field, piece, ",".join(complaints)))
    if not version:
        faults.add(invalid(field, value, "version must be specified"))


def _match_conditions(faults: Faults, compiler: Compiler, spec: Part) -> tuple[MatchCondition, ...]:
    conditions = items(spec, "matchConditions")
    if len(conditions) > MAX_MATCH_CONDITIONS:
        faults.add(too_many(CONDITIONS, len(conditions), MAX_MATCH_CONDITIONS))
    found: list[MatchCondition] = []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        field, name = (*CONDITIONS, index), text(condition, "name")
        written = Written((*field, "expression"), text(condition, "expression"), trimmed=True)
        made = compile_expression(faults, compiler, ExpressionKind.MATCH_CONDITION, written)
        _condition_name(faults, (*field, "name"), name, seen)
        if made:
            found.append(MatchCondition(name, made))
    return tuple(found)


def _condition_name(faults: Faults, field: FieldPath, name: str, seen: set[str]) -> None:
    if not name:
        faults.add(required(field))
        return
    faults.name(field, name, names.qualified_name)
    if name in seen:
        faults.add(duplicate(field, name))
    seen.add(name)


def _variables(faults: Faults, compiler: Compiler, spec: Part) -> tuple[Variable, ...]:
    found: list[Variable] = []
    for index, variable in enumerate(items(spec, "variables")):
        field, name = ("spec", "variables", index), text(variable, "name")
        if not name.strip():
            faults.add(required((*field, "name"), "name is not specified"))
        elif not names.cel_identifier(name):
            faults.add(invalid((*field, "name"), name, "must be a valid CEL identifier"))
        written = Written((*field, "expression"), text(variable, "expression"), missing=NO_EXPRESSION)
        made = compile_variable(faults, compiler, name, written)
        if made:
            found.append(Variable(name, made))
    return tuple(found)


# --- ValidatingAdmissionPolicy ------------------------------------------------------------------------


def _validating(faults: Faults, compiler: Compiler, policy: str, spec: Part) -> dict[str, Any]:
    validations = items(spec, "validations")
    if not validations and not items(spec, "auditAnnotations"):
        faults.add(required(("spec", "validations"), NOTHING_TO_CHECK))
        faults.add(required(ANNOTATIONS, NOTHING_TO_CHECK))
    made = [
        _validation(faults, compiler, ("spec", "validations", index), validation)
        for index, validation in enumerate(validations)
    ]
    return {
        "validations": tuple(filter(None, made)),
        "audit_annotations": _audit_annotations(faults, compiler, policy, spec),
    }


def _validation(faults: Faults, compiler: Compiler, field: FieldPath, validation: Part) -> Validation | None:
    written = Written((*field, "expression"), text(validation, "expression"), missing=NO_EXPRESSION)
    expression = compile_expression(faults, compiler, ExpressionKind.VALIDATION, written)
    message_field = (*field, "messageExpression")
    message_expression = _message_expression(
        faults, compiler, Written(message_field, text(validation, "messageExpression"))
    )
    message = text(validation, "message")
    _message(faults, (*field, "message"), message)
    faults.choice((*field, "reason"), validation.get("reason"), REASONS)
    if expression is None:
        return None
    return Validation(expression, message, message_expression, text(validation, "reason"))


def _message(faults: Faults, field: FieldPath, message: str) -> None:
    if message and not message.strip():
        faults.add(invalid(field, message, BLANK))
    elif re.search(r"[\n\r]", message.strip()):
        what = "must not contain line breaks"
        faults.add(invalid(field, message, what, remedy="Write it on one line, or fold it with >-"))


def _message_expression(faults: Faults, compiler: Compiler, written: Written) -> Expression | None:
    if not written.text:
        return None
    if not written.text.strip():
        faults.add(invalid(written.field, written.text, BLANK))
        return None
    return compile_expression(faults, compiler, ExpressionKind.MESSAGE, written)


def _audit_annotations(
    faults: Faults, compiler: Compiler, policy: str, spec: Part
) -> tuple[AuditAnnotation, ...]:
    annotations = items(spec, "auditAnnotations")
    if len(annotations) > MAX_AUDIT_ANNOTATIONS:
        go = [{"Key": text(a, "key"), "ValueExpression": text(a, "valueExpression")} for a in annotations]
        faults.add(
            invalid(ANNOTATIONS, go, f"must not have more than {MAX_AUDIT_ANNOTATIONS} auditAnnotations")
        )
    found: list[AuditAnnotation] = []
    seen: set[str] = set()
    for index, annotation in enumerate(annotations):
        field, key = (*ANNOTATIONS, index), text(annotation, "key")
        made = _audit_annotation(faults, compiler, policy, field, annotation)
        if key in seen:
            faults.add(duplicate((*field, "key"), key))
        seen.add(key)
        if made:
            found.append(AuditAnnotation(key, made))
    return tuple(found)


def _audit_annotation(
    faults: Faults, compiler: Compiler, policy: str, field: FieldPath, annotation: Part
) -> Expression | None:
    key = text(annotation, "key")
    if policy:
        faults.name((*field, "key"), f"{policy}/{key}", names.qualified_name)
    else:
        faults.add(invalid((*field, "key"), key, "requires metadata.name be non-empty"))
    written = Written(
        (*field, "valueExpression"),
        text(annotation, "valueExpression"),
        trimmed=True,
        quoted_whole=True,
        missing="valueExpression is not specified",
    )
    if len(written.checked.encode()) > MAX_VALUE_EXPRESSION:
        faults.add(required(written.field, f"must not exceed {MAX_VALUE_EXPRESSION} bytes in length"))
        return None
    return compile_expression(faults, compiler, ExpressionKind.AUDIT_ANNOTATION, written)


# --- MutatingAdmissionPolicy --------------------------------------------------------------------------


def _mutating(faults: Faults, compiler: Compiler, spec: Part) -> dict[str, Any]:
    mutations = items(spec, "mutations")
    if not mutations:
        faults.add(required(("spec", "mutations"), "mutations must contain at least one item"))
    made = [
        _mutation(faults, compiler, ("spec", "mutations", index), mutation)
        for index, mutation in enumerate(mutations)
    ]
    reinvocation = text(spec, "reinvocationPolicy")
    if reinvocation:
        faults.choice(REINVOCATION, reinvocation, REINVOCATION_POLICIES)
    else:
        faults.add(required(REINVOCATION))
    return {"mutations": tuple(filter(None, made)), "reinvocation_policy": reinvocation}


def _mutation(faults: Faults, compiler: Compiler, field: FieldPath, mutation: Part) -> Mutation | None:
    patch_type = text(mutation, "patchType")
    if not patch_type:
        faults.add(required((*field, "patchType")))
    elif patch_type == "JSONPatch":
        made = _patch(faults, compiler, field, mutation, ExpressionKind.JSON_PATCH)
        _unwanted(faults, field, mutation, "applyConfiguration")
        return made
    elif patch_type == "ApplyConfiguration":
        made = _patch(faults, compiler, field, mutation, ExpressionKind.APPLY_CONFIGURATION)
        _unwanted(faults, field, mutation, "jsonPatch")
        return made
    else:
        faults.choice((*field, "patchType"), patch_type, PATCH_TYPES)
    return None


def _patch(
    faults: Faults, compiler: Compiler, field: FieldPath, mutation: Part, kind: ExpressionKind
) -> Mutation | None:
    wanted = "jsonPatch" if kind is ExpressionKind.JSON_PATCH else "applyConfiguration"
    patch_type = text(mutation, "patchType")
    if mutation.get(wanted) is None:
        faults.add(required((*field, wanted), f"must be specified when patchType is {patch_type}"))
        return None
    written = Written((*field, wanted, "expression"), text(mutation[wanted], "expression"), trimmed=True)
    made = compile_expression(faults, compiler, kind, written)
    return Mutation(cast(Any, patch_type), made) if made else None


def _unwanted(faults: Faults, field: FieldPath, mutation: Part, name: str) -> None:
    if mutation.get(name) is not None:
        what = f"must not be specified when patchType is {text(mutation, 'patchType')}"
        faults.add(invalid((*field, name), f"{{{name}}}", what, remedy=f"Remove {name}"))
