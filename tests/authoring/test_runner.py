"""A suite is read strictly, and a case that goes otherwise says how."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.runner import run
from gatekeeper_py.authoring.suite import read_suite

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}
  validations:
    - {expression: "object.data.a == 'b'", message: "data.a must be b"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p, validationActions: [Deny]}
"""
OBJECTS = (
    "objects: {good: {apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: foo}, data: {a: b}}}\n"
)


def suite(folder: Path, text: str) -> Path:
    (folder / "rule.yaml").write_text(POLICY)
    path = folder / "rule_test.yaml"
    path.write_text(text)
    return path


def faults(folder: Path, cases: str) -> list[str]:
    outcomes = run(read_suite(suite(folder, f"{OBJECTS}cases:\n{cases}")))
    return [fault for outcome in outcomes for fault in outcome.faults]


CASES = {
    "as it says": ("  - {name: a, object: good}\n", []),
    "refused as it says": (
        "  - {name: a, object: good, change: {data: {a: c}}, expect: deny, message: must be b}\n",
        [],
    ),
    "admitted for once": ("  - {name: a, object: good, expect: deny}\n", ["expected deny, got allow"]),
    "refused for once": (
        "  - {name: a, object: good, change: {data: {a: c}}}\n",
        [
            "expected allow, got deny: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: "
            "data.a must be b"
        ],
    ),
    "another message": (
        "  - {name: a, object: good, change: {data: {a: c}}, expect: deny, message: other}\n",
        [
            "expected a message with 'other', got \"ValidatingAdmissionPolicy 'p' with binding 'p' denied "
            'request: data.a must be b"'
        ],
    ),
    "another object": (
        "  - {name: a, object: good, patched: {data: {a: c, d: null, e: f}}}\n",
        ["data.a is 'b', expected 'c'", "data.e is absent, expected 'f'"],
    ),
    "an update": ("  - {name: a, object: good, old: good, oldChange: {data: {a: c}}}\n", []),
}


@pytest.mark.parametrize("case", CASES)
def test_outcome(case: str, tmp_path: Path) -> None:
    cases, expected = CASES[case]
    assert faults(tmp_path, cases) == expected


POD = "objects: {pod: {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: foo}, spec: {}}}\n"


@pytest.mark.parametrize("expectation", ["allow", "deny", "warn"])
def test_a_workload_that_no_policy_matches_fails_whatever_is_expected(
    expectation: str, tmp_path: Path
) -> None:
    text = f"{POD}cases: [{{name: a, object: pod, workloads: [Pod, CronJob], expect: {expectation}}}]"
    outcomes = run(read_suite(suite(tmp_path, text)))
    assert [(outcome.case.name, outcome.faults) for outcome in outcomes] == [
        ("a (Pod)", ("no policy of this suite matches CREATE of pods",)),
        ("a (CronJob)", ("no policy of this suite matches CREATE of cronjobs",)),
    ]
