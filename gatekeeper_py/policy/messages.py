"""The words users see when a policy refuses a request, all together, as kube-apiserver 1.36 says them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatekeeper_py.golang.quoting import quote
from gatekeeper_py.objects.resource import GroupVersionKind

__all__ = [
    "OUT_OF_BUDGET",
    "aggregate",
    "annotation_type",
    "brief_warning",
    "compilation_failed",
    "composited_variable",
    "conversion_failed",
    "evaluation_error",
    "failed_expression",
    "failed_message_expression",
    "forbidden",
    "internal_error",
    "mutation_denied",
    "not_found",
    "remarked",
    "schema_not_found",
    "type_name_mismatch",
    "unconfigured_binding",
    "unconfigured_policy",
    "untyped",
    "validation_denied",
    "validation_warning",
    "would_change",
    "would_refuse",
]

OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


# --- expressions (apiserver/pkg/admission/plugin/cel) -------------------------------------------------


def compilation_failed(issues: object) -> str:
    """An expression that does not compile."""
    return f"compilation failed: {issues}"


def evaluation_error(text: str, error: object) -> str:
    """An expression that has no value for this request."""
    return f"expression '{text}' resulted in error: {error}"


def composited_variable(name: str, error: object) -> str:
    """A variable that has no value for this request."""
    return f"composited variable {quote(name)} fails to evaluate: {error}"


def aggregate(errors: Iterable[str]) -> str:
    """Several errors as one (apimachinery/pkg/util/errors): each once, in order."""
    distinct = list(dict.fromkeys(errors))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"


# --- validation (apiserver/pkg/admission/plugin/policy/validating) ------------------------------------


def failed_expression(text: str) -> str:
    """A validation that is not true and has no message of its own."""
    return f"failed expression: {text.strip()}"


def failed_message_expression(error: object) -> str:
    """A validation whose message could not be afforded."""
    return f"failed messageExpression: {error}"


def annotation_type(text: str, found: str) -> str:
    """An audit annotation that is neither a string nor null."""
    return (
        f"valueExpression '{text}' resulted in unsupported return type: {found}. "
        "Return type must be either string or null."
    )


def unconfigured_policy(error: object) -> str:
    """A policy that cannot be used at all."""
    return f"failed to configure policy: {error}"


def unconfigured_binding(error: object) -> str:
    """A binding that cannot be used."""
    return f"failed to configure binding: {error}"


def validation_denied(policy: str, binding: str, message: str) -> str:
    """The cause of a denial by a ValidatingAdmissionPolicy."""
    where = f" with binding '{binding}'" if binding else ""
    return f"ValidatingAdmissionPolicy '{policy}'{where} denied request: {message}"


def validation_warning(policy: str, binding: str, message: str) -> str:
    """The warning that stands for a denial when the binding's actions have Warn."""
    return f"Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': {message}"


def brief_warning(policy: str, kind: str, name: str, message: str) -> str:
    """The warning of a policy that asks for our own words: who says it, of what, and what."""
    return f'{policy}: {kind} "{name}": {message}'


# --- mutation (apiserver/pkg/admission/plugin/policy/{generic,mutating}) -------------------------------


def mutation_denied(policy: str, binding: str, message: str) -> str:
    """The cause of a denial by a MutatingAdmissionPolicy."""
    if binding:
        return f"policy '{policy}' with binding '{binding}' denied request: {message}"
    return f"policy {quote(policy)} denied request: {message}"


def type_name_mismatch(found: str, expected: str) -> str:
    """An `Object.a.b{}` that stands elsewhere than its name says."""
    return (
        f"unexpected type name {quote(found)}, expected {quote(expected)}, "
        "which matches field name path from root Object type"
    )


def untyped(kind: GroupVersionKind) -> str:
    """The API server has no type for a kind to merge by."""
    typed = f"no corresponding type for {kind.group}/{kind.version}, Kind={kind.kind}"
    return f"failed to convert patch object to typed object: {typed}"


def conversion_failed(kind: GroupVersionKind, problem: str) -> str:
    """A merged object that is not one of its kind after all."""
    named = f"{kind.group}/{kind.version}, Kind={kind.kind}"
    return f"unable to convert unstructured object to {named}: {problem}"


def schema_not_found(kind: GroupVersionKind) -> str:
    """A kind whose structure is not known, so that nothing can be merged into it."""
    return (
        f"Resource kind {kind.group}/{kind.version}, Kind={kind.kind} not found. There can be a delay "
        "between when CustomResourceDefinitions are created and when they are available."
    )


# --- statuses (apimachinery/pkg/api/errors, apiserver/pkg/admission/errors.go) -------------------------


def forbidden(resource: str, group: str, name: str, message: str) -> str:
    """A denial: what was asked for, then why not."""
    return f"{_qualified(resource, group)} {quote(name)} is forbidden: {message}"


def not_found(resource: str, group: str, name: str) -> str:
    """Something the request needs does not exist."""
    return f"{_qualified(resource, group)} {quote(name)} not found"


def internal_error(error: object) -> str:
    """Something the server could not do, whatever failurePolicy says."""
    return f"Internal error occurred: {error}"


def unknown_now(what: object) -> str:
    """A request that needs to know what the engine's view of the cluster does not know as it is now."""
    return (
        f"the policy engine cannot tell: {what}. Nothing that depends on it is admitted; try again later. "
        "If that is no help, the engine's log and `GET /readyz?verbose` show the operator what is missing"
    )


# --- what is waived, or not enforced (our own words) --------------------------------------------------


def remarked(message: str, remarks: Sequence[str]) -> str:
    """A refusal, and why a waiver that seems to admit it does not."""
    return f"{message} ({'; '.join(remarks)})" if remarks else message


def would_refuse(message: str) -> str:
    """A refusal that is only told, for the tenant's enforcement is `warn`."""
    return f"not enforced yet, would be refused: {message}"


def would_change(fields: Sequence[str]) -> str:
    """Changes that are only told."""
    more = f" and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
    return f"not enforced yet, would be changed: {', '.join(fields[:MOST_FIELDS])}{more}"


MOST_FIELDS = 5
"""A warning is cut at 256 characters by the API server (k8s.io/apiserver/pkg/warning)."""


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource
