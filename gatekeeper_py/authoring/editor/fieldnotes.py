"""What the fields of policies, bindings and suites are for, in a sentence each.

The structure of native policies is Kubernetes' own (`objects/schema.py`), which carries no words. Fields of
tenancy documents bring theirs (`tenancy/fields.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper_py.policy.loading.checks.bindings import ACTIONS, NOT_FOUND_ACTIONS
from gatekeeper_py.policy.loading.checks.constraints import MATCH_POLICIES, OPERATIONS, SCOPES
from gatekeeper_py.policy.loading.checks.policies import (
    FAILURE_POLICIES,
    PATCH_TYPES,
    REASONS,
    REINVOCATION_POLICIES,
)

__all__ = ["NATIVE", "REQUIRED", "SUITE_NOTES", "FieldNote"]

SELECTOR_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@dataclass(frozen=True, slots=True)
class FieldNote:
    """One field."""

    text: str
    choices: tuple[str, ...] = ()
    """The words that may stand there; of a list, in it."""


SELECTOR = "Labels that {} must have; a {} that lacks them is passed over."
RULES = (
    "{} Each rule names operations, groups, versions and resources; a request must fit all four of one rule."
)
VALUES = "The values that In and NotIn compare with."

NATIVE: Mapping[str, FieldNote] = {
    "ApplyConfiguration.expression": FieldNote(
        "An `Object{...}` with what the object shall have, merged as `kubectl apply --server-side` does."
    ),
    "AuditAnnotation.key": FieldNote("The annotation's name in the audit log, behind the policy's."),
    "AuditAnnotation.valueExpression": FieldNote(
        "CEL that gives the text to write into the audit log, or null for none."
    ),
    "JSONPatch.expression": FieldNote(
        "CEL that gives a list of `JSONPatch{op: ..., path: ..., value: ...}`, applied in turn (RFC 6902)."
    ),
    "LabelSelector.matchExpressions": FieldNote("Demands on labels; all must hold."),
    "LabelSelector.matchLabels": FieldNote("Labels that must have exactly these values."),
    "LabelSelectorRequirement.key": FieldNote("The label."),
    "LabelSelectorRequirement.operator": FieldNote("How the label is compared.", SELECTOR_OPERATORS),
    "LabelSelectorRequirement.values": FieldNote(VALUES),
    "MatchCondition.expression": FieldNote(
        "CEL that says whether the policy is about a request. It knows no `variables`."
    ),
    "MatchCondition.name": FieldNote("What the condition is called in messages and metrics."),
    "MatchResources.excludeResourceRules": FieldNote(RULES.format("What the policy is not about after all.")),
    "MatchResources.matchPolicy": FieldNote(
        "Equivalent (when absent) also matches the same resource asked for in another version or group; "
        "Exact does not, and lets such a request pass.",
        MATCH_POLICIES,
    ),
    "MatchResources.namespaceSelector": FieldNote(SELECTOR.format("the request's Namespace", "request")),
    "MatchResources.objectSelector": FieldNote(
        SELECTOR.format("the object, or the old one,", "request")
        + " Whoever writes the object chooses its labels: do not leave security to them."
    ),
    "MatchResources.resourceRules": FieldNote(RULES.format("What the policy is about.")),
    "Mutation.applyConfiguration": FieldNote("A change written as a part of the object."),
    "Mutation.jsonPatch": FieldNote("A change written as a list of operations."),
    "Mutation.patchType": FieldNote("Which of the two this mutation is.", PATCH_TYPES),
    "MutatingAdmissionPolicyBindingSpec.matchResources": FieldNote(
        "Narrows what the policy is about; absent, it is all of that."
    ),
    "MutatingAdmissionPolicyBindingSpec.paramRef": FieldNote("The params that the policy is evaluated with."),
    "MutatingAdmissionPolicyBindingSpec.policyName": FieldNote(
        "The MutatingAdmissionPolicy this puts in force."
    ),
    "MutatingAdmissionPolicySpec.failurePolicy": FieldNote(
        "What an error of an expression does: Fail (when absent) refuses the request, Ignore lets it pass.",
        FAILURE_POLICIES,
    ),
    "MutatingAdmissionPolicySpec.matchConditions": FieldNote("All must be true for the policy to apply."),
    "MutatingAdmissionPolicySpec.matchConstraints": FieldNote("What the policy is about."),
    "MutatingAdmissionPolicySpec.mutations": FieldNote("The changes, made one after the other."),
    "MutatingAdmissionPolicySpec.paramKind": FieldNote(
        "The kind of the objects that bindings give as `params`."
    ),
    "MutatingAdmissionPolicySpec.reinvocationPolicy": FieldNote(
        "Whether the policy is evaluated once more when a later one has changed the object.",
        REINVOCATION_POLICIES,
    ),
    "MutatingAdmissionPolicySpec.variables": FieldNote("Expressions with a name; evaluated when first read."),
    "NamedRuleWithOperations.apiGroups": FieldNote('API groups; "" is the core group, * any.'),
    "NamedRuleWithOperations.apiVersions": FieldNote("API versions; * is any."),
    "NamedRuleWithOperations.operations": FieldNote("What is asked for; * is any.", OPERATIONS),
    "NamedRuleWithOperations.resourceNames": FieldNote("Names of objects; any when absent."),
    "NamedRuleWithOperations.resources": FieldNote(
        "Plural, in lower case: `pods`, `pods/exec` for a subresource, `pods/*` for all of them, * for every "
        "resource without subresources."
    ),
    "NamedRuleWithOperations.scope": FieldNote(
        "Objects of the cluster, of namespaces, or * for both.", SCOPES
    ),
    "ParamKind.apiVersion": FieldNote("Group and version: `v1`, `rules.example.com/v1`."),
    "ParamKind.kind": FieldNote("The kind, in the singular."),
    "ParamRef.name": FieldNote("The one object by its name; or write selector."),
    "ParamRef.namespace": FieldNote("Where it is; the request's namespace when absent."),
    "ParamRef.parameterNotFoundAction": FieldNote(
        "What becomes of a request when there is no such object.", NOT_FOUND_ACTIONS
    ),
    "ParamRef.selector": FieldNote("All objects with these labels, each on its own; or write name."),
    "ValidatingAdmissionPolicyBindingSpec.matchResources": FieldNote(
        "Narrows what the policy is about; absent, it is all of that."
    ),
    "ValidatingAdmissionPolicyBindingSpec.paramRef": FieldNote(
        "The params that the policy is evaluated with."
    ),
    "ValidatingAdmissionPolicyBindingSpec.policyName": FieldNote(
        "The ValidatingAdmissionPolicy this puts in force."
    ),
    "ValidatingAdmissionPolicyBindingSpec.validationActions": FieldNote(
        "What becomes of a violation: Deny refuses, Warn tells who asks, Audit tells the audit log. "
        "Deny and Warn exclude each other.",
        ACTIONS,
    ),
    "ValidatingAdmissionPolicySpec.auditAnnotations": FieldNote("What is written into the audit log."),
    "ValidatingAdmissionPolicySpec.failurePolicy": FieldNote(
        "What an error of an expression does: Fail (when absent) refuses the request, Ignore lets it pass.",
        FAILURE_POLICIES,
    ),
    "ValidatingAdmissionPolicySpec.matchConditions": FieldNote("All must be true for the policy to apply."),
    "ValidatingAdmissionPolicySpec.matchConstraints": FieldNote("What the policy is about."),
    "ValidatingAdmissionPolicySpec.paramKind": FieldNote(
        "The kind of the objects that bindings give as `params`."
    ),
    "ValidatingAdmissionPolicySpec.validations": FieldNote("What must be true of a request."),
    "ValidatingAdmissionPolicySpec.variables": FieldNote(
        "Expressions with a name; evaluated when first read."
    ),
    "Validation.expression": FieldNote("CEL that must be true, or the request is refused."),
    "Validation.message": FieldNote("What is told where it is not: which field, and what to do. One line."),
    "Validation.messageExpression": FieldNote(
        "CEL that gives the message, with the value at fault; `message` where it fails or gives nothing."
    ),
    "Validation.reason": FieldNote(
        "The reason in the answer, and so its HTTP code; Invalid when absent.", REASONS
    ),
    "Variable.expression": FieldNote("CEL of any type. It may read the variables before it."),
    "Variable.name": FieldNote("Expressions read it as `variables.NAME`."),
}
"""By the Go type and the field."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "ApplyConfiguration": ("expression",),
    "AuditAnnotation": ("key", "valueExpression"),
    "JSONPatch": ("expression",),
    "LabelSelectorRequirement": ("key", "operator"),
    "MatchCondition": ("name", "expression"),
    "Mutation": ("patchType",),
    "MutatingAdmissionPolicyBindingSpec": ("policyName",),
    "MutatingAdmissionPolicySpec": ("matchConstraints", "mutations", "reinvocationPolicy"),
    "NamedRuleWithOperations": ("apiGroups", "apiVersions", "operations", "resources"),
    "ParamKind": ("apiVersion", "kind"),
    "ParamRef": ("parameterNotFoundAction",),
    "ValidatingAdmissionPolicyBindingSpec": ("policyName", "validationActions"),
    "ValidatingAdmissionPolicySpec": ("matchConstraints",),
    "Validation": ("expression",),
    "Variable": ("name", "expression"),
}
"""What the API server does not store a policy without (pkg/apis/admissionregistration/validation)."""

SUITE_NOTES: Mapping[str, FieldNote] = {
    "cases": FieldNote("Requests, and what must become of each."),
    "cluster": FieldNote("Objects that exist."),
    "objects": FieldNote("Manifests that cases start from, by a name of their own."),
    "policies": FieldNote(
        "Files and folders of the policies under test; the file beside the suite when absent."
    ),
    "tenants": FieldNote(
        "Whose the namespaces are: `example`, another tenancy of ours, a file, or documents."
    ),
    "today": FieldNote("The day on which a case asks, in UTC, as `2027-01-31`; waivers end with a day."),
    "user": FieldNote("Who asks in a case; in a suite, who asks in cases that name nobody."),
    "waivers": FieldNote("Waivers in force; what the policies' folder waives is not waived in a suite."),
    "workloads": FieldNote("What a Pod is tried in: `all`, `templates`, or a list of kinds."),
    "change": FieldNote("What is different in this case: a merge patch (RFC 7386), null removes a field."),
    "expect": FieldNote(
        "What must become of the request. `unmatched`: admitted, for no policy of the suite is about it."
    ),
    "groups": FieldNote("The groups of who asks."),
    "message": FieldNote("A part of the denial's or warning's text."),
    "name": FieldNote("What the case shows; no other case has it."),
    "namespace": FieldNote("Where an object goes that names no namespace."),
    "object": FieldNote("A manifest, or the name of one in `objects`."),
    "old": FieldNote("What is stored: a manifest, or the name of one in `objects`."),
    "oldChange": FieldNote("What is different in what is stored: a merge patch."),
    "operation": FieldNote("What is asked for."),
    "operations": FieldNote("The case is tried with each."),
    "patched": FieldNote("A part that the object has in the end; null says that a field is absent."),
    "requestName": FieldNote("The name in the request, where the object has none."),
    "subresource": FieldNote("The subresource that is asked for: `status`, `exec`."),
    "subresources": FieldNote("The case is tried with each."),
}
"""Fields of a suite and of its cases."""
