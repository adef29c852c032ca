"""What all ValidatingAdmissionPolicies say of one request, in the order of their names.

Follows apiserver/pkg/admission/plugin/policy/validating/dispatcher.go. Where the API server reports the first
denial of an order that is random, all are listed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.decision import Action, Finding
from gatekeeper_py.policy.evaluation.extension import UNDISPUTED, Ruling, Violation
from gatekeeper_py.policy.evaluation.invocation import Invocation
from gatekeeper_py.policy.evaluation.validation import Failure, ValidationResult, run_validations
from gatekeeper_py.policy.model import Binding, ValidatingPolicy
from gatekeeper_py.policy.selection import Misconfiguration, Review, select
from gatekeeper_py.policy.sharing.candidate import Candidate
from gatekeeper_py.policy.sharing.index import Candidates
from gatekeeper_py.policy.sharing.shared import Shared, VariableValues
from gatekeeper_py.policy.verdict import Denial, Verdict, object_name, refusal

__all__ = ["validate"]

FAILURE_ANNOTATION = "validation.policy.admission.k8s.io/validation_failure"
"""Where the first failed validation with the action Audit is written."""

WAIVED_ANNOTATION = "waived"
"""Under which key of a policy the API server's audit log has the waiver by which it refuses nothing."""

WARNINGS_ANNOTATION = "policy.gatekeeper-py.dev/warnings"
"""`brief` on a policy: its warnings name the object and are short. Otherwise they are kube-apiserver's."""

ANNOTATION_LIMIT = 10 * 1024
"""Bytes of an audit annotation's value that are kept (maxAuditAnnotationValueLength)."""


def validate(candidates: Candidates[ValidatingPolicy], review: Review) -> Verdict:
    """Evaluate every policy that matches; raise `NamespaceMissing`."""
    shared = Shared(candidates, review.facts, review.request.object, review.deadline)
    return Verdict.merged(
        verdict
        for candidate, variables in shared.undecided()
        for verdict in _verdicts(candidate, variables, review)
    )


def _verdicts(
    candidate: Candidate[ValidatingPolicy], variables: VariableValues, review: Review
) -> Iterator[Verdict]:
    """One policy through all its bindings and their params, then its audit annotations."""
    results: list[ValidationResult] = []
    for selected in select(candidate, review):
        if isinstance(selected, Misconfiguration):
            yield _refusal(candidate.policy, selected.binding, selected.message)
            continue
        result = run_validations(selected._replace(variables=variables))
        results.append(result)
        yield from (_failed(selected, failure) for failure in result.failures)
        yield from (
            _refusal(candidate.policy, selected.binding.name, error) for error in result.annotation_errors
        )
    yield Verdict(annotations=_published(candidate.policy, results))


def _refusal(policy: ValidatingPolicy, binding: str, message: str) -> Verdict:
    denial = Denial(messages.validation_denied(policy.name, binding, message))
    return refusal(policy, binding, message, denial)


def _failed(invocation: Invocation[ValidatingPolicy], failure: Failure) -> Verdict:
    """What the actions of the binding make of a validation that failed."""
    policy, binding = invocation.policy, invocation.binding
    ruling = _ruling(invocation, failure)
    message = messages.remarked(failure.message, ruling.remarks)
    actions = _actions(invocation, ruling)
    denied = messages.validation_denied(policy.name, binding.name, message)
    finding = Finding(
        policy.name,
        binding.name,
        message,
        actions,
        expression=failure.expression,
        reason=failure.reason or "Invalid",
        error=failure.error,
        metadata=policy.annotations,
        waived=ruling.waived,
    )
    annotations = {FAILURE_ANNOTATION: _failure_json(binding, failure)} if "Audit" in binding.actions else {}
    if ruling.waived is not None:
        annotations[f"{policy.name}/{WAIVED_ANNOTATION}"] = _cut(ruling.waived.waiver)
    return Verdict(
        (Denial(denied, failure.reason),) if "Deny" in actions else (),
        (_warning(invocation, failure.message),) if "Warn" in actions else (),
        annotations,
        (finding,),
    )


def _ruling(invocation: Invocation[ValidatingPolicy], failure: Failure) -> Ruling:
    """What waivers say of a denial. They are about what a rule forbids, not about a rule that cannot tell."""
    facts, remarks = invocation.facts, UNDISPUTED.remarks
    if failure.error or "Deny" not in invocation.binding.actions:
        return UNDISPUTED
    for waive in facts.waives:
        violation = Violation(
            invocation.policy.name,
            facts.request,
            facts.cluster,
            lambda: facts.condition(invocation.match, invocation.value, None),
            invocation.deadline,
        )
        ruling = waive(violation)
        if ruling.waived is not None:
            return ruling
        remarks += ruling.remarks
    return Ruling(remarks=remarks) if remarks else UNDISPUTED


def _actions(invocation: Invocation[ValidatingPolicy], ruling: Ruling) -> tuple[Action, ...]:
    """Those of the binding, as far as none is waived; a warning that is silenced is left to audits."""
    actions = invocation.binding.actions
    if ruling.waived is not None:
        actions = tuple("Waived" if action == "Deny" else action for action in actions)
    if "Warn" not in actions or invocation.policy.name not in invocation.facts.silenced:
        return actions
    return tuple(dict.fromkeys("Audit" if action == "Warn" else action for action in actions))


def _warning(invocation: Invocation[ValidatingPolicy], message: str) -> str:
    policy, request = invocation.policy, invocation.facts.request
    if policy.annotations.get(WARNINGS_ANNOTATION) == "brief":
        return messages.brief_warning(policy.name, request.kind.kind, object_name(request), message)
    return messages.validation_warning(policy.name, invocation.binding.name, message)


# --- audit annotations --------------------------------------------------------------------------------


def _published(policy: ValidatingPolicy, results: Iterable[ValidationResult]) -> dict[str, str]:
    """A policy's audit annotations; the different values that bindings and params gave one key are joined."""
    values: dict[str, dict[str, None]] = {}
    for result in results:
        for key, value in result.annotations:
            values.setdefault(key, {})[_cut(value)] = None
    return {f"{policy.name}/{key}": ", ".join(distinct) for key, distinct in values.items()}


def _cut(value: str) -> str:
    encoded = value.encode("utf-8", "replace")
    if len(encoded) <= ANNOTATION_LIMIT:
        return value
    return encoded[:ANNOTATION_LIMIT].decode("utf-8", "replace")


HTML = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
"""Go's JSON escapes what HTML or JavaScript could mistake."""


def _failure_json(binding: Binding, failure: Failure) -> str:
    value = {
        "message": failure.message,
        "policy": binding.policy_name,
        "binding": binding.name,
        "expressionIndex": failure.index,
        "validationActions": binding.actions,
    }
    return orjson.dumps([value]).decode().translate(HTML)
