"""The API server's own checks of policies and bindings, and what these say, compiled.

Follows pkg/apis/admissionregistration/validation of Kubernetes 1.36 word for word, defaults of v1 included.
A document comes here only after `shape` found its types right: every value is of its type, or null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from gatekeeper_py.cel.errors import CompileError
from gatekeeper_py.cluster.manifest import Manifest, Problem
from gatekeeper_py.cluster.place import FieldPath
from gatekeeper_py.cluster.resource import GroupVersionKind
from gatekeeper_py.cluster.selector import EVERYTHING, Selector
from gatekeeper_py.policy import names
from gatekeeper_py.policy.decision import Action
from gatekeeper_py.policy.environment import Compiler, Environments, ExpressionKind, InvalidExpression
from gatekeeper_py.policy.faults import (
    Fault,
    duplicate,
    forbidden,
    invalid,
    invalid_object,
    required,
    too_long,
    too_many,
    unsupported,
)
from gatekeeper_py.policy.model import (
    AuditAnnotation,
    Binding,
    Expression,
    MatchCondition,
    MatchResources,
    MutatingBinding,
    MutatingPolicy,
    Mutation,
    ParamRef,
    Policy,
    Rule,
    ValidatingBinding,
    ValidatingPolicy,
    Validation,
    Variable,
)
from gatekeeper_py.policy.shape import GROUP

__all__ = ["check_binding", "check_policy"]

MAX_MATCH_CONDITIONS = 64
MAX_AUDIT_ANNOTATIONS = 20
MAX_VALUE_EXPRESSION = 5 * 1024
"""Bytes of an audit annotation's expression."""
MAX_ANNOTATIONS = 256 * 1024
"""Bytes of all keys and values of metadata.annotations."""

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
MUTATING_OPERATIONS = ("*", "CONNECT", "CREATE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
FAILURE_POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
ACTIONS = ("Audit", "Deny", "Warn")
PATCH_TYPES = ("ApplyConfiguration", "JSONPatch")
REINVOCATION_POLICIES = ("IfNeeded", "Never")
NOT_FOUND_ACTIONS = ("Deny", "Allow")

NOTHING_TO_CHECK = "validations or auditAnnotations must contain at least one item"
DENY_AND_WARN = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API "
    "response and headers serves no purpose)"
)
EXCLUSIVE = "name and selector are mutually exclusive"
COMPILE_REMEDY = "See which names and types an expression may use where this one stands"

_Mapping = Mapping[str, Any]
Complaints = Callable[[str], list[str]]


def check_policy(manifest: Manifest, environments: Environments) -> tuple[Policy | None, list[Problem]]:
    """The compiled policy without bindings, or everything that is wrong with it."""
    check = _Check()
    metadata, spec = _part(manifest.object, "metadata"), _part(manifest.object, "spec")
    check.metadata(metadata)
    validating = manifest.kind.kind == "ValidatingAdmissionPolicy"
    compiler = Compiler(
        environments,
        params=spec.get("paramKind") is not None,
        composed=not validating or bool(spec.get("variables")),
    )
    check.choice(("spec", "failurePolicy"), spec, FAILURE_POLICIES)
    common: dict[str, Any] = {
        "name": manifest.name,
        "source": manifest.source,
        "annotations": metadata.get("annotations") or {},
        "param_kind": check.param_kind(spec),
        "match": check.match_constraints(spec, mutating=not validating),
        "match_conditions": check.match_conditions(compiler, _items(spec, "matchConditions")),
        "variables": check.variables(compiler, _items(spec, "variables")),
        "failure_policy": spec.get("failurePolicy") or "Fail",
    }
    own = check.validating(compiler, manifest.name, spec) if validating else check.mutating(compiler, spec)
    if check.faults:
        return None, _problems(manifest, check.faults)
    made = ValidatingPolicy if validating else MutatingPolicy
    return made(**common, **own), []


def check_binding(manifest: Manifest) -> tuple[Binding | None, list[Problem]]:
    """The binding, or everything that is wrong with it."""
    check = _Check()
    spec = _part(manifest.object, "spec")
    check.metadata(_part(manifest.object, "metadata"))
    check.policy_name(spec)
    validating = manifest.kind.kind == "ValidatingAdmissionPolicyBinding"
    common: dict[str, Any] = {
        "name": manifest.name,
        "source": manifest.source,
        "policy_name": spec.get("policyName"),
        "param_ref": check.param_ref(spec),
        "match": check.match_resources(spec),
    }
    actions = check.actions(spec) if validating else ()
    if not validating:
        check.mutating_operations(("spec", "matchResources"), spec)
    if check.faults:
        return None, _problems(manifest, check.faults)
    if validating:
        return ValidatingBinding(**common, actions=actions), []
    return MutatingBinding(**common), []


def _problems(manifest: Manifest, faults: Iterable[Fault]) -> list[Problem]:
    return [_problem(manifest, fault) for fault in faults]


def _problem(manifest: Manifest, fault: Fault) -> Problem:
    source, field = manifest.source, fault.value_at or fault.field
    where = source.locate(field) if fault.offset is None else source.locate_in_text(field, fault.offset)
    what = invalid_object(manifest.kind.kind, GROUP, manifest.name, [fault])
    return Problem(source.path, *where, what, fault.remedy)


def _part(parent: _Mapping, name: str) -> _Mapping:
    """A part of a document that may be absent or null."""
    return parent.get(name) or {}


def _items(parent: _Mapping, name: str) -> Sequence[_Mapping]:
    """A list of parts, null ones empty."""
    return [item or {} for item in parent.get(name) or ()]


def _texts(parent: _Mapping, name: str) -> tuple[str, ...]:
    """A list of strings, null ones empty."""
    return tuple(item or "" for item in parent.get(name) or ())


def _text(parent: _Mapping, name: str) -> str:
    return parent.get(name) or ""


class _Check:
    """Walks one document, gathering faults in the API server's order."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    # --- metadata ---

    def metadata(self, metadata: _Mapping) -> None:
        name = _text(metadata, "name")
        if not name:
            self.add(required(("metadata", "name"), "name or generateName is required"))
        self.names(("metadata", "name"), name, names.dns_subdomain)
        self.labels(("metadata", "labels"), metadata.get("labels") or {})
        self.annotations(metadata.get("annotations") or {})
        self.owners(_items(metadata, "ownerReferences"))

    def labels(self, field: FieldPath, labels: _Mapping) -> None:
        for key, value in sorted(labels.items()):
            self.names(field, key, names.qualified_name, at=(*field, key), empty=True)
            self.names(field, value or "", names.label_value, at=(*field, key))

    def annotations(self, annotations: _Mapping) -> None:
        field = ("metadata", "annotations")
        for key in sorted(annotations):
            for complaint in names.qualified_name(key.lower()):
                self.add(invalid(field, key, complaint, value_at=(*field, key)))
        size = sum(len(key.encode()) + len((value or "").encode()) for key, value in annotations.items())
        if size > MAX_ANNOTATIONS:
            self.add(too_long(field, MAX_ANNOTATIONS))

    def owners(self, owners: Sequence[_Mapping]) -> None:
        field = ("metadata", "ownerReferences")
        for index, owner in enumerate(owners):
            for name in ("apiVersion", "kind", "name", "uid"):
                if not owner.get(name):
                    what = "version must not be empty" if name == "apiVersion" else "must not be empty"
                    self.add(invalid((*field, name), "", what, value_at=(*field, index)))

    # --- what policies and bindings share ---

    def match_constraints(self, spec: _Mapping, *, mutating: bool) -> MatchResources:
        field = ("spec", "matchConstraints")
        if spec.get("matchConstraints") is None:
            self.add(required(field))
            return MatchResources()
        found = self.resources(field, spec["matchConstraints"])
        if not found.rules:
            self.add(required((*field, "resourceRules")))
        if mutating:
            self.mutating_operations(field, spec)
        return found

    def match_resources(self, spec: _Mapping) -> MatchResources | None:
        found = spec.get("matchResources")
        return None if found is None else self.resources(("spec", "matchResources"), found)

    def resources(self, field: FieldPath, found: _Mapping) -> MatchResources:
        self.choice((*field, "matchPolicy"), found, MATCH_POLICIES)
        return MatchResources(
            namespace_selector=self.selector((*field, "namespaceSelector"), found) or EVERYTHING,
            object_selector=self.selector((*field, "objectSelector"), found) or EVERYTHING,
            rules=self.rules((*field, "resourceRules"), _items(found, "resourceRules")),
            exclude_rules=self.rules((*field, "excludeResourceRules"), _items(found, "excludeResourceRules")),
            match_policy=found.get("matchPolicy") or "Equivalent",
        )

    def selector(self, field: FieldPath, parent: _Mapping) -> Selector | None:
        found = parent.get(str(field[-1]))
        if found is None:
            return None
        before = len(self.faults)
        self.labels((*field, "matchLabels"), found.get("matchLabels") or {})
        for index, expression in enumerate(_items(found, "matchExpressions")):
            self.requirement((*field, "matchExpressions", index), expression)
        return EVERYTHING if len(self.faults) > before else Selector.of(found)

    def requirement(self, field: FieldPath, expression: _Mapping) -> None:
        operator, values = _text(expression, "operator"), _texts(expression, "values")
        if operator in ("In", "NotIn"):
            if not values:
                what = "must be specified when `operator` is 'In' or 'NotIn'"
                self.add(required((*field, "values"), what))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                what = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                self.add(forbidden((*field, "values"), what))
        else:
            self.add(invalid((*field, "operator"), operator, "not a valid selector operator"))
        self.names((*field, "key"), _text(expression, "key"), names.qualified_name, empty=True)
        for index, value in enumerate(values):
            self.names((*field, "values", index), value, names.label_value)

    def rules(self, field: FieldPath, rules: Sequence[_Mapping]) -> tuple[Rule, ...]:
        return tuple(self.rule((*field, index), rule) for index, rule in enumerate(rules))

    def rule(self, field: FieldPath, rule: _Mapping) -> Rule:
        made = Rule(
            operations=_texts(rule, "operations"),
            groups=_texts(rule, "apiGroups"),
            versions=_texts(rule, "apiVersions"),
            resources=_texts(rule, "resources"),
            scope=rule.get("scope") or "*",
            names=_texts(rule, "resourceNames"),
        )
        self.resource_names((*field, "resourceNames"), made.names)
        self.alone((*field, "operations"), made.operations, "operations")
        for index, operation in enumerate(made.operations):
            if operation not in OPERATIONS:
                self.add(unsupported((*field, "operations", index), operation, OPERATIONS))
        self.alone((*field, "apiGroups"), made.groups, "API groups")
        self.alone((*field, "apiVersions"), made.versions, "API versions")
        self.filled((*field, "apiVersions"), made.versions)
        self.rule_resources((*field, "resources"), made.resources)
        self.choice((*field, "scope"), rule, SCOPES)
        return made

    def resource_names(self, field: FieldPath, found: tuple[str, ...]) -> None:
        for index, name in enumerate(found):
            self.names((*field, index), name, names.path_segment)
            if name in found[:index]:
                self.add(duplicate((*field, index), name))

    def alone(self, field: FieldPath, values: tuple[str, ...], what: str) -> None:
        """A list that is not empty, and where `*` stands alone."""
        if not values:
            self.add(required(field))
        if len(values) > 1 and "*" in values:
            self.add(invalid(field, values, f"if '*' is present, must not specify other {what}"))

    def filled(self, field: FieldPath, values: tuple[str, ...]) -> None:
        for index, value in enumerate(values):
            if not value:
                self.add(required((*field, index)))

    def rule_resources(self, field: FieldPath, values: tuple[str, ...]) -> None:
        if not values:
            self.add(required(field))
        plain = False
        for index, value in enumerate(values):
            resource, slash, subresource = value.partition("/")
            if not value:
                self.add(required((*field, index)))
            elif not slash:
                plain = value != "*"
            else:
                self.covered((*field, index), values[:index], resource, subresource)
        if len(values) > 1 and "*/*" in values:
            self.add(invalid(field, values, "if '*/*' is present, must not specify other resources"))
        if "*" in values and plain:
            what = "if '*' is present, must not specify other resources without subresources"
            self.add(invalid(field, values, what))

    def covered(self, field: FieldPath, before: tuple[str, ...], resource: str, subresource: str) -> None:
        """A subresource that a wildcard before it has named already."""
        for wildcard in (f"{resource}/*", f"*/{subresource}"):
            if wildcard in before:
                value = f"{resource}/{subresource}"
                what = f"if '{wildcard}' is present, must not specify {value}"
                self.add(invalid(field, value, what, remedy="Remove it"))

    def mutating_operations(self, field: FieldPath, spec: _Mapping) -> None:
        """The API server names no index here."""
        rules = (*field, "resourceRules")
        for index, rule in enumerate(_items(_part(spec, str(field[-1])), "resourceRules")):
            for number, operation in enumerate(_texts(rule, "operations")):
                if operation not in MUTATING_OPERATIONS:
                    fault = unsupported((*rules, "operations"), operation, MUTATING_OPERATIONS)
                    at = (*rules, index, "operations", number)
                    self.add(Fault(fault.field, fault.text, fault.remedy, value_at=at))

    # --- policies ---

    def param_kind(self, spec: _Mapping) -> GroupVersionKind | None:
        found, field = spec.get("paramKind"), ("spec", "paramKind")
        if found is None:
            return None
        api_version, kind = _text(found, "apiVersion"), _text(found, "kind")
        self.api_version((*field, "apiVersion"), api_version)
        complaints = names.dns_label_1035(kind.lower())
        if not kind:
            self.add(required((*field, "kind")))
        elif complaints:
            what = f"may have mixed case, but should otherwise match: {','.join(complaints)}"
            self.add(invalid((*field, "kind"), kind, what))
        return GroupVersionKind.parse(api_version, kind)

    def api_version(self, field: FieldPath, value: str) -> None:
        if not value:
            self.add(required(field))
            return
        if value.count("/") > 1:
            self.add(invalid(field, value, f"unexpected GroupVersion string: {value}"))
            return
        group, _, version = value.rpartition("/")
        for part, complain in ((group, names.dns_subdomain), (version, names.dns_label_1035)):
            complaints = complain(part) if part else []
            if complaints:
                self.add(invalid(field, part, ",".join(complaints)))
        if not version:
            self.add(invalid(field, value, "version must be specified"))

    def match_conditions(
        self, compiler: Compiler, conditions: Sequence[_Mapping]
    ) -> tuple[MatchCondition, ...]:
        field = ("spec", "matchConditions")
        if len(conditions) > MAX_MATCH_CONDITIONS:
            self.add(too_many(field, len(conditions), MAX_MATCH_CONDITIONS))
        found: list[MatchCondition] = []
        seen: set[str] = set()
        for index, condition in enumerate(conditions):
            name = _text(condition, "name")
            made = self.expression(
                (*field, index, "expression"),
                _text(condition, "expression").strip(),
                lambda text: compiler.compile(ExpressionKind.MATCH_CONDITION, text),
                written=_text(condition, "expression"),
            )
            if not name:
                self.add(required((*field, index, "name")))
            self.names((*field, index, "name"), name, names.qualified_name)
            if name in seen:
                self.add(duplicate((*field, index, "name"), name))
            seen |= {name} - {""}
            if made:
                found.append(MatchCondition(name, made))
        return tuple(found)

    def variables(self, compiler: Compiler, variables: Sequence[_Mapping]) -> tuple[Variable, ...]:
        found: list[Variable] = []
        for index, variable in enumerate(variables):
            field = ("spec", "variables", index)
            name = _text(variable, "name")
            if not name.strip():
                self.add(required((*field, "name"), "name is not specified"))
            elif not names.cel_identifier(name):
                self.add(invalid((*field, "name"), name, "must be a valid CEL identifier"))
            made = self.expression(
                (*field, "expression"),
                _text(variable, "expression"),
                lambda text, name=name: compiler.variable(name, text),  # type: ignore[misc]
                missing="expression is not specified",
            )
            if made:
                found.append(Variable(name, made))
        return tuple(found)

    def validating(self, compiler: Compiler, policy: str, spec: _Mapping) -> dict[str, Any]:
        validations, annotations = _items(spec, "validations"), _items(spec, "auditAnnotations")
        if not validations and not annotations:
            self.add(required(("spec", "validations"), NOTHING_TO_CHECK))
            self.add(required(("spec", "auditAnnotations"), NOTHING_TO_CHECK))
        return {
            "validations": tuple(
                made
                for index, validation in enumerate(validations)
                if (made := self.validation(compiler, ("spec", "validations", index), validation))
            ),
            "audit_annotations": self.audit_annotations(compiler, policy, annotations),
        }

    def validation(self, compiler: Compiler, field: FieldPath, validation: _Mapping) -> Validation | None:
        expression = self.expression(
            (*field, "expression"),
            _text(validation, "expression"),
            lambda text: compiler.compile(ExpressionKind.VALIDATION, text),
            missing="expression is not specified",
        )
        message_expression = self.message_expression(compiler, field, validation)
        message = _text(validation, "message")
        if message and not message.strip():
            self.add(invalid((*field, "message"), message, "must be non-empty if specified"))
        elif re.search(r"[\n\r]", message.strip()):
            self.add(invalid((*field, "message"), message, "must not contain line breaks"))
        self.choice((*field, "reason"), validation, REASONS)
        if expression is None:
            return None
        return Validation(expression, message, message_expression, _text(validation, "reason"))

    def message_expression(
        self, compiler: Compiler, field: FieldPath, validation: _Mapping
    ) -> Expression | None:
        field, text = (*field, "messageExpression"), _text(validation, "messageExpression")
        if not text:
            return None
        if not text.strip():
            self.add(invalid(field, text, "must be non-empty if specified"))
            return None
        return self.expression(field, text, lambda text: compiler.compile(ExpressionKind.MESSAGE, text))

    def audit_annotations(
        self, compiler: Compiler, policy: str, annotations: Sequence[_Mapping]
    ) -> tuple[AuditAnnotation, ...]:
        field = ("spec", "auditAnnotations")
        if len(annotations) > MAX_AUDIT_ANNOTATIONS:
            shown = [
                {"Key": _text(item, "key"), "ValueExpression": _text(item, "valueExpression")}
                for item in annotations
            ]
            what = f"must not have more than {MAX_AUDIT_ANNOTATIONS} auditAnnotations"
            self.add(invalid(field, shown, what))
        found: list[AuditAnnotation] = []
        seen: set[str] = set()
        for index, annotation in enumerate(annotations):
            key = _text(annotation, "key")
            made = self.audit_annotation(compiler, policy, (*field, index), annotation)
            if key in seen:
                self.add(duplicate((*field, index, "key"), key))
            seen.add(key)
            if made:
                found.append(AuditAnnotation(key, made))
        return tuple(found)

    def audit_annotation(
        self, compiler: Compiler, policy: str, field: FieldPath, annotation: _Mapping
    ) -> Expression | None:
        if policy:
            self.names((*field, "key"), f"{policy}/{_text(annotation, 'key')}", names.qualified_name)
        else:
            what = "requires metadata.name be non-empty"
            self.add(invalid((*field, "key"), _text(annotation, "key"), what))
        field, text = (*field, "valueExpression"), _text(annotation, "valueExpression")
        if len(text.strip().encode()) > MAX_VALUE_EXPRESSION:
            self.add(required(field, f"must not exceed {MAX_VALUE_EXPRESSION} bytes in length"))
            return None
        return self.expression(
            field,
            text.strip(),
            lambda text: compiler.compile(ExpressionKind.AUDIT_ANNOTATION, text),
            missing="valueExpression is not specified",
            written=text,
            shown=text,
        )

    def mutating(self, compiler: Compiler, spec: _Mapping) -> dict[str, Any]:
        mutations = _items(spec, "mutations")
        if not mutations:
            self.add(required(("spec", "mutations"), "mutations must contain at least one item"))
        made = [
            self.mutation(compiler, ("spec", "mutations", index), mutation)
            for index, mutation in enumerate(mutations)
        ]
        policy = _text(spec, "reinvocationPolicy")
        if policy:
            self.choice(("spec", "reinvocationPolicy"), spec, REINVOCATION_POLICIES)
        else:
            self.add(required(("spec", "reinvocationPolicy")))
        return {"mutations": tuple(filter(None, made)), "reinvocation_policy": policy}

    def mutation(self, compiler: Compiler, field: FieldPath, mutation: _Mapping) -> Mutation | None:
        patch_type = _text(mutation, "patchType")
        if not patch_type:
            self.add(required((*field, "patchType")))
        elif patch_type not in PATCH_TYPES:
            self.add(unsupported((*field, "patchType"), patch_type, PATCH_TYPES))
        elif patch_type == "JSONPatch":
            return self.patch(compiler, field, mutation, patch_type, "jsonPatch", "applyConfiguration")
        else:
            return self.patch(compiler, field, mutation, patch_type, "applyConfiguration", "jsonPatch")
        return None

    def patch(
        self,
        compiler: Compiler,
        field: FieldPath,
        mutation: _Mapping,
        patch_type: str,
        wanted: str,
        unwanted: str,
    ) -> Mutation | None:
        kind = ExpressionKind.JSON_PATCH if wanted == "jsonPatch" else ExpressionKind.APPLY_CONFIGURATION
        made = None
        if mutation.get(wanted) is None:
            self.add(required((*field, wanted), f"must be specified when patchType is {patch_type}"))
        else:
            text = _text(mutation[wanted], "expression")
            made = self.expression(
                (*field, wanted, "expression"),
                text.strip(),
                lambda text: compiler.compile(kind, text),
                written=text,
            )
        if mutation.get(unwanted) is not None:
            what = f"must not be specified when patchType is {patch_type}"
            self.add(invalid((*field, unwanted), f"{{{unwanted}}}", what, remedy=f"Remove {unwanted}"))
        return Mutation(cast(Any, patch_type), made) if made else None

    # --- bindings ---

    def policy_name(self, spec: _Mapping) -> None:
        name, field = _text(spec, "policyName"), ("spec", "policyName")
        if not name:
            self.add(required(field))
        self.names(field, name, names.dns_subdomain)

    def param_ref(self, spec: _Mapping) -> ParamRef | None:
        found, field = spec.get("paramRef"), ("spec", "paramRef")
        if found is None:
            return None
        name, action = _text(found, "name"), _text(found, "parameterNotFoundAction")
        self.names((*field, "name"), name, names.path_segment)
        both = bool(name) and found.get("selector") is not None
        if both:
            self.add(forbidden((*field, "name"), EXCLUSIVE))
        selector = self.selector((*field, "selector"), found)
        if both:
            self.add(forbidden((*field, "selector"), EXCLUSIVE))
        if not name and selector is None:
            self.add(required(field, "one of name or selector must be specified"))
        if not action:
            self.add(required((*field, "parameterNotFoundAction")))
        elif action not in NOT_FOUND_ACTIONS:
            self.add(unsupported((*field, "parameterNotFoundAction"), action, NOT_FOUND_ACTIONS))
        return ParamRef(name, selector, _text(found, "namespace"), cast(Any, action))

    def actions(self, spec: _Mapping) -> tuple[Action, ...]:
        actions, field = _texts(spec, "validationActions"), ("spec", "validationActions")
        for index, action in enumerate(actions):
            if action not in ACTIONS:
                self.add(unsupported((*field, index), action, ACTIONS))
            if action in actions[:index]:
                self.add(duplicate((*field, index), action))
        if "Deny" in actions and "Warn" in actions:
            self.add(invalid(field, actions, DENY_AND_WARN, remedy="Remove Warn"))
        if not actions:
            self.add(required(field, "at least one validation action is required"))
        return cast(tuple[Action, ...], actions)

    # --- values ---

    def add(self, fault: Fault) -> None:
        self.faults.append(fault)

    def choice(self, field: FieldPath, parent: _Mapping, choices: Iterable[str]) -> None:
        """A value of a few; absent is fine, empty is not."""
        value = parent.get(str(field[-1]))
        if value is not None and value not in choices:
            self.add(unsupported(field, value, choices))

    def names(
        self,
        field: FieldPath,
        value: str,
        complaints: Complaints,
        *,
        at: FieldPath | None = None,
        empty: bool = False,
    ) -> None:
        """A name of a certain form; `empty` ones are complained of here only when told so."""
        if value or empty:
            for complaint in complaints(value):
                self.add(invalid(field, value, complaint, value_at=at))

    def expression(
        self,
        field: FieldPath,
        text: str,
        compile_text: Callable[[str], Expression],
        *,
        missing: str = "",
        written: str | None = None,
        shown: str | None = None,
    ) -> Expression | None:
        """Compile an expression. `written` is how it stands in the file, when `text` is cut out of it."""
        if not text.strip():
            self.add(required(field, missing))
            return None
        try:
            return compile_text(text)
        except InvalidExpression as error:
            offset = _offset(text, error.__cause__) + _lead(written or text, text)
            value = text if shown is None else shown
            self.add(invalid(field, value, str(error), remedy=_remedy(error), offset=offset))
            return None


def _lead(written: str, text: str) -> int:
    """How much white space was cut off before `text`."""
    return max(written.find(text), 0)


def _offset(text: str, error: BaseException | None) -> int:
    """Where in an expression the first issue is."""
    if not isinstance(error, CompileError) or error.issues[0].line < 1:
        return 0
    issue = error.issues[0]
    lines = text.split("\n")[: issue.line - 1]
    return sum(len(line) + 1 for line in lines) + max(issue.column - 1, 0)


def _remedy(error: InvalidExpression) -> str:
    return (
        COMPILE_REMEDY
        if isinstance(error.__cause__, CompileError)
        else "Convert it, for instance with string(x)"
    )
