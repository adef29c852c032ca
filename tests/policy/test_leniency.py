"""What becomes of a decision that is not enforced."""

from __future__ import annotations

import pytest

from gatekeeper_py.policy.admission.decision import Action, Decision, Enforcement, Finding, Status
from gatekeeper_py.policy.leniency import lenient
from tests.policy.support import POD

CHANGED = {**POD, "spec": {**POD["spec"], "runtimeClassName": "kata"}}
PATCH = ({"op": "add", "path": "/spec/runtimeClassName", "value": "kata"},)
DENIED = Finding("host", "host", "mounts the node", ("Deny",))
WARNED = Finding("limits", "limits", "has no limits", ("Warn", "Audit"))
STATUS = Status(403, "Forbidden", "pods is forbidden: mounts the node")

REFUSED = Decision(False, STATUS, ("has no limits",), {"k": "v"}, PATCH, CHANGED, (DENIED, WARNED))


@pytest.mark.parametrize("enforcement", ["observe", "warn"])
def test_nothing_is_changed_or_refused_and_all_is_kept(enforcement: Enforcement) -> None:
    found = lenient(REFUSED, enforcement, POD)
    assert (found.allowed, found.status, found.patch, found.object) == (True, None, (), POD)
    assert (found.enforcement, found.withheld) == (enforcement, REFUSED)
    assert found.audit_annotations == {"k": "v"}


@pytest.mark.parametrize(
    ("enforcement", "warnings"),
    [
        ("observe", ()),
        (
            "warn",
            (
                "not enforced yet, would be refused: host: mounts the node",
                "not enforced yet, would be changed: spec.runtimeClassName",
                "has no limits",
            ),
        ),
    ],
)
def test_who_asks_is_told_in_few_words_or_not_at_all(
    enforcement: Enforcement, warnings: tuple[str, ...]
) -> None:
    assert lenient(REFUSED, enforcement, POD).warnings == warnings


def test_many_changed_fields_are_counted() -> None:
    labels = {f"l{number}": "x" for number in range(7)}
    changed = {**POD, "metadata": {**POD["metadata"], "labels": labels}}
    (warning,) = lenient(Decision(True, patch=PATCH, object=changed), "warn", POD).warnings
    assert warning == (
        "not enforced yet, would be changed: metadata.labels.l0, metadata.labels.l1, metadata.labels.l2, "
        "metadata.labels.l3, metadata.labels.l4 and 2 more"
    )


def test_a_refusal_that_no_policy_gives_is_told_by_its_status() -> None:
    missing = Decision(False, Status(404, "NotFound", 'namespaces "x" not found'))
    assert lenient(missing, "warn", POD).warnings == (
        'not enforced yet, would be refused: namespaces "x" not found',
    )


@pytest.mark.parametrize(
    ("enforcement", "actions", "expected"),
    [
        ("observe", ("Deny",), ("Observed",)),
        ("observe", ("Deny", "Audit"), ("Observed", "Audit")),
        ("observe", ("Warn",), ("Audit",)),
        ("observe", ("Warn", "Audit"), ("Audit",)),
        ("warn", ("Deny",), ("Observed", "Warn")),
        ("warn", ("Warn", "Audit"), ("Warn", "Audit")),
    ],
)
def test_no_finding_says_that_it_denied(
    enforcement: Enforcement, actions: tuple[Action, ...], expected: tuple[Action, ...]
) -> None:
    decision = Decision(True, findings=(Finding("p", "b", "m", actions),))
    assert lenient(decision, enforcement, POD).findings[0].actions == expected


def test_what_would_change_nothing_withholds_nothing() -> None:
    assert lenient(Decision(True, object=POD), "observe", POD).withheld is None
