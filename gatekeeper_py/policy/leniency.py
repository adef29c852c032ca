"""What becomes of a decision that is not enforced: nothing is changed, nothing refused, and all is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy import messages
from gatekeeper_py.policy.admission.changes import changes
from gatekeeper_py.policy.admission.decision import Action, Decision, Enforcement, Finding

__all__ = ["lenient"]


def lenient(decision: Decision, enforcement: Enforcement, submitted: Object | None) -> Decision:
    """A decision as `observe` or `warn` have it; `submitted` is the object that is admitted as it is."""
    warns = enforcement == "warn"
    return Decision(
        allowed=True,
        warnings=tuple(dict.fromkeys(_warnings(decision, submitted))) if warns else (),
        audit_annotations=decision.audit_annotations,
        object=submitted,
        findings=tuple(replace(each, actions=tuple(_actions(each, warns))) for each in decision.findings),
        enforcement=enforcement,
        withheld=decision if decision.patch or not decision.allowed else None,
    )


def _actions(finding: Finding, warns: bool) -> Iterator[Action]:
    """A denial is observed, and told where denials are; what would only be told is kept for an audit."""
    for action in dict.fromkeys(finding.actions):
        if action == "Deny":
            yield "Observed"
            if warns and "Warn" not in finding.actions:
                yield "Warn"
        elif action == "Warn" and not warns:
            if "Audit" not in finding.actions:
                yield "Audit"
        else:
            yield action


def _warnings(decision: Decision, submitted: Object | None) -> Iterator[str]:
    denied = [finding for finding in decision.findings if "Deny" in finding.actions]
    yield from (messages.would_refuse(f"{each.policy}: {each.message}") for each in denied)
    if not decision.allowed and decision.status is not None and not denied:
        yield messages.would_refuse(decision.status.message)
    changed = [change.field for change in changes(submitted, decision.object)] if decision.patch else []
    if changed:
        yield messages.would_change(changed)
    yield from decision.warnings
