"""What mutations leave behind and no API server takes, or takes again and again, is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import found

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: m}
spec:
  reinvocationPolicy: REINVOKED
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [OPERATIONS], resources: [pods]}
  matchConditions:
    - {name: of-a-tenant, expression: "tenant != null"}
  mutations:
    - patchType: JSONPatch
      jsonPatch: {expression: "[JSONPatch{GIVEN}]"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: m}
spec: {policyName: m}
"""
LABELS = "op: 'add', path: '/metadata/labels', value: "
MISTAKES = {
    "op: 'add', path: '/status/reason', value: 'a'": (
        "GK209 error: this changes status.reason of a Pod, which the API server drops: status has its own. "
        "Leave it to the controller, which writes it by the subresource status"
    ),
    "op: 'replace', path: '/metadata/namespace', value: 'a'": (
        "GK209 error: this changes metadata.namespace of a Pod, and the request is about another object then. "
        "Refuse what must not be, by a policy that validates"
    ),
    "op: 'add', path: '/metadata/uid', value: 'a'": (
        "GK209 error: this changes metadata.uid of a Pod, which the API server writes itself. Leave it alone"
    ),
    LABELS + "{'team': 'a b'}": (
        'GK211 error: what this makes of a Pod is refused: Pod "web" is invalid: metadata.labels: Invalid value: "a b": a valid'
    ),
    LABELS + "{'team name': 'a'}": (
        'GK211 error: what this makes of a Pod is refused: Pod "web" is invalid: metadata.labels: Invalid value: "team name": '
    ),
    "op: 'add', path: '/spec/restartPolicy', value: 'always'": (
        'GK207 error: this writes "always" into spec.restartPolicy, which is never that. Did you mean Always?'
    ),
    "op: 'add', path: '/spec/priority', value: '3'": "GK212 error: what this makes of a Pod cannot be read: json: cannot",
    "op: 'add', path: '/spec/containers/-', value: {'image': 'a'}": (
        "GK212 error: this leaves spec.containers[1] without a name. Write its name"
    ),
    "op: 'add', path: '/spec/priority'": "GK208 error: add has no value. Write value",
    "op: 'Add', path: '/spec/priority', value: 3": 'GK208 error: there is no operation "Add". Did you mean add?',
    "op: 'add', path: 'spec/priority', value: 3": (
        'GK208 error: "spec/priority" is no path in an object. Begin it with /, and each step below'
    ),
}  # fmt: skip
SIDECAR = "op: 'add', path: '/spec/containers/-', value: {'name': 'proxy', 'image': 'proxy'}"
CLASS = "op: 'add', path: '/spec/runtimeClassName', value: 'kata'"


def told(folder: Path, patch: str, operations: str = "CREATE", reinvoked: str = "Never") -> list[str]:
    text = POLICY.replace("GIVEN", patch).replace("OPERATIONS", operations).replace("REINVOKED", reinvoked)
    lines = found(folder, {"m.yaml": text})
    return [line.partition(": ")[2] for line in lines if "GK6" not in line]


@pytest.mark.parametrize("patch", MISTAKES)
def test_a_mistake_is_told(patch: str, tmp_path: Path) -> None:
    assert [line for line in told(tmp_path, patch) if line.startswith(MISTAKES[patch])]


def test_what_cannot_be_changed_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, CLASS, "CREATE, UPDATE") == [
        "GK210 error: this changes spec.runtimeClassName of a Pod at an UPDATE, where it cannot be changed. "
        "Leave UPDATE out of the rules, or ask for oldObject == null"
    ]
    assert told(tmp_path, CLASS) == []


def test_what_is_added_each_time_is_told(tmp_path: Path) -> None:
    expected = (
        "GK213 error: this changes a Pod that it has changed already, and does so each time. "
        "Ask whether it is there before it is added"
    )
    assert told(tmp_path, SIDECAR, reinvoked="IfNeeded") == [expected]
    assert told(tmp_path, SIDECAR) == []
