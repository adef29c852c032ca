"""What policies together say of a request, and the status that a refused request is answered with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.decision import Cause, Finding, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.immutable import immutable
from gatekeeper_py.policy.model import Policy

__all__ = ["NOTHING", "Denial", "Verdict", "mutation_refused", "object_name", "refusal", "validation_refused"]

CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}
"""HTTP status of a validation's reason (validating/policy_decision.go)."""

UNPROCESSABLE = 422
"""HTTP status of every other reason."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One reason to refuse the request."""

    message: str
    """The cause: names policy and binding, then says why."""
    reason: str = ""
    """Empty: what this kind of policy gives by default."""


@immutable(frozen=True, slots=True)
class Verdict:
    """What one policy, or several, say of a request."""

    denials: tuple[Denial, ...] = ()
    warnings: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    """For the audit log."""
    findings: tuple[Finding, ...] = ()

    @classmethod
    def merged(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """Several verdicts as one, in their order; of two annotations with one key the first stays."""
        said = [verdict for verdict in verdicts if verdict is not NOTHING]
        if len(said) < 2:
            return said[0] if said else NOTHING
        denials: list[Denial] = []
        warnings: list[str] = []
        annotations: dict[str, str] = {}
        findings: list[Finding] = []
        for verdict in said:
            denials += verdict.denials
            warnings += verdict.warnings
            annotations = {**verdict.annotations, **annotations}
            findings += verdict.findings
        return cls(tuple(denials), tuple(warnings), annotations, tuple(findings))


NOTHING = Verdict()
"""Of policies that have nothing to say."""


def refusal(policy: Policy, binding: str, message: str, denial: Denial) -> Verdict:
    """The verdict when a policy or a binding cannot be evaluated: only failurePolicy Ignore softens it."""
    if policy.ignores_errors:
        return NOTHING
    finding = Finding(policy.name, binding, message, ("Deny",), error=True, metadata=policy.annotations)
    return Verdict((denial,), findings=(finding,))


def mutation_refused(request: AdmissionRequest, denials: Sequence[Denial]) -> Status:
    """The status of a request that mutating policies deny: a line for each."""
    reason = denials[0].reason or "Forbidden"
    return _status(request, 403, reason, (denial.message for denial in denials), denials)


def validation_refused(request: AdmissionRequest, denials: Sequence[Denial]) -> Status:
    """The status of a request that validating policies deny: a line for each; the first gives the reason."""
    reason = denials[0].reason or "Invalid"
    resource, name = request.request_resource or request.resource, object_name(request)
    lines = (
        messages.forbidden(resource.resource, resource.group, name, denial.message) for denial in denials
    )
    return _status(request, CODES.get(reason, UNPROCESSABLE), reason, lines, denials)


def _status(
    request: AdmissionRequest, code: int, reason: str, lines: Iterable[str], denials: Sequence[Denial]
) -> Status:
    """About what the client asked for, whatever the API server converted it to."""
    resource = request.request_resource or request.resource
    causes = tuple(Cause(message) for message in dict.fromkeys(denial.message for denial in denials))
    message = "\n".join(dict.fromkeys(lines))
    return Status(code, reason, message, object_name(request), resource.group, resource.resource, causes)


def object_name(request: AdmissionRequest) -> str:
    """How denials and warnings name the object (admission/errors.go)."""
    if request.name:
        return request.name
    metadata = (request.object or {}).get("metadata") or {}
    return str(metadata.get("name") or metadata.get("generateName") or "Unknown")
