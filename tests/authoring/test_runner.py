"""A suite is read strictly, and a case that goes otherwise says how."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gatekeeper_py.authoring.runner import run, tenancy_documents
from gatekeeper_py.authoring.suite import read_suite
from gatekeeper_py.manifests.manifest import ManifestError

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
SETTINGS = "{apiVersion: tenancy.gatekeeper-py.dev/v1alpha1, kind: TenancySettings, metadata: {name: settings}, spec: {}}"
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
    "as it says": ("  - {name: a, object: good, expect: allow}\n", []),
    "refused as it says": (
        "  - {name: a, object: good, change: {data: {a: c}}, expect: deny, message: must be b}\n",
        [],
    ),
    "admitted for once": ("  - {name: a, object: good, expect: deny}\n", ["expected deny, got allow"]),
    "refused for once": (
        "  - {name: a, object: good, change: {data: {a: c}}, expect: allow}\n",
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
        "  - {name: a, object: good, patched: {data: {a: c, d: null, e: f}}, expect: allow}\n",
        ["data.a is 'b', expected 'c'", "data.e is absent, expected 'f'"],
    ),
    "an update": ("  - {name: a, object: good, old: good, oldChange: {data: {a: c}}, expect: allow}\n", []),
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


CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: foo}, data: {a: b}}"
SECRET = "{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: foo}}"
UNMATCHED = {
    "said": (f"{{name: a, object: {SECRET}, expect: unmatched}}", []),
    "not said": (
        f"{{name: a, object: {SECRET}, expect: allow}}",
        ["no policy of this suite matches CREATE of secrets; expect unmatched says so"],
    ),
    "said of what is matched": (
        f"{{name: a, object: {CONFIG}, expect: unmatched}}",
        ["a policy of this suite matches CREATE of configmaps; expect allow"],
    ),
}


@pytest.mark.parametrize("case", UNMATCHED)
def test_a_case_that_no_policy_matches_says_so(case: str, tmp_path: Path) -> None:
    text, expected = UNMATCHED[case]
    (outcome,) = run(read_suite(suite(tmp_path, f"cases: [{text}]")))
    assert list(outcome.faults) == expected


def test_what_asks_about_tenants_is_not_tried_where_there_are_none(tmp_path: Path) -> None:
    path = suite(tmp_path, f"cases: [{{name: a, object: {CONFIG}, expect: allow}}]")
    policy = path.with_name("rule.yaml")
    policy.write_text(POLICY.replace("object.data.a == 'b'", "tenant == null || object.data.a == 'b'"))
    with pytest.raises(ManifestError) as caught:
        run(read_suite(path))
    assert str(caught.value) == (
        f"{path}:1:1: the policies ask about tenants, and none are here. "
        "Write tenants: [example], or name the file they stand in"
    )
    path.write_text(f"tenants: [example]\n{path.read_text()}")
    assert [outcome.passed for outcome in run(read_suite(path))] == [True]


WAIVER = """waivers:
  - apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
    kind: Waiver
    metadata: {name: old}
    spec: {policies: [p], namespaces: [foo], names: [x], reason: r, approvedBy: a, expires: "2027-01-31"}
today: "2027-01-31"
"""
WAIVED = {
    "as it says": ("{name: a, object: good, change: {data: {a: c}}, expect: waived, message: must be b}", []),
    "admitted, and only by the waiver": (
        "{name: a, object: good, change: {data: {a: c}}, expect: allow}",
        ["expected allow, got waived"],
    ),
    "not waived for once": ("{name: a, object: good, expect: waived}", ["expected waived, got allow"]),
    "over": (
        "{name: a, object: good, change: {data: {a: c}}, today: '2027-02-01', expect: deny, "
        "message: \"the waiver 'old' has ended on 2027-01-31\"}",
        [],
    ),
    "of another name": (
        "{name: a, object: good, change: {metadata: {name: other}, data: {a: c}}, expect: deny}",
        [],
    ),
}


@pytest.mark.parametrize("case", WAIVED)
def test_a_suite_states_what_is_waived(case: str, tmp_path: Path) -> None:
    text, expected = WAIVED[case]
    outcomes = run(read_suite(suite(tmp_path, f"{WAIVER}tenants: [open]\n{OBJECTS}cases: [{text}]")))
    assert [fault for outcome in outcomes for fault in outcome.faults] == expected


def test_a_suite_is_not_tried_on_what_its_folder_waives(tmp_path: Path) -> None:
    path = suite(tmp_path, "")
    (tmp_path / "waiver.yaml").write_text(yaml.safe_dump(yaml.safe_load(WAIVER)["waivers"][0]))
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    assert [each.kind.kind for each in tenancy_documents([tmp_path])] == ["TenancySettings"]
    assert path.exists()
