"""Fields that a mutation writes are held against the kinds' schemas."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import found

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: p}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
  mutations:
    - MUTATION
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p}
"""
SUITE = """\
cases:
  - name: a deployment
    object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: foo}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}
    expect: allow
"""
UNKNOWN = "no kind that the policy matches has a field"


def told(folder: Path, mutation: str) -> list[str]:
    lines = found(folder, {"p.yaml": POLICY.replace("MUTATION", mutation), "p_test.yaml": SUITE})
    return [line for line in lines if "GK203" in line]


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("[JSONPatch{op: 'add', path: '/spec/template/spec/hostNetwrk', value: true}]", 'hostNetwrk" to write here. Did you mean hostNetwork?'),
        ("[JSONPatch{op: 'add', path: '/metadata/label/' + jsonpatch.escapeKey('a'), value: 'b'}]", 'label" to write here. Did you mean labels?'),
        ("[JSONPatch{op: 'move', from: '/spec/template/spec/containers/0/imag', path: '/spec/template/spec/x'}]", 'imag" to write here. Did you mean image?'),
        ("[JSONPatch{op: 'add', path: '/spec/template/spec/containers/-/x', value: 'b'}]", 'x" to write here. Correct it, or the rules of the policy'),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere(expression: str, place: str, tmp_path: Path) -> None:
    lines = told(tmp_path, f'{{patchType: JSONPatch, jsonPatch: {{expression: "{expression}"}}}}')
    assert f'GK203 error: {UNKNOWN} "{place}' in lines[0]
    column = int(lines[0].split(":")[2])
    text = POLICY.replace("MUTATION", f'{{patchType: JSONPatch, jsonPatch: {{expression: "{expression}"}}}}')
    assert text.splitlines()[9][column - 1 :].startswith(place.split('"')[0])


def test_an_applied_field_that_does_not_exist(tmp_path: Path) -> None:
    expression = "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{hostNetwrk: true}}}}"
    mutation = f'{{patchType: ApplyConfiguration, applyConfiguration: {{expression: "{expression}"}}}}'
    lines = found(tmp_path, {"p.yaml": POLICY.replace("MUTATION", mutation), "p_test.yaml": SUITE})
    assert any("hostNetwrk" in line for line in lines), lines


@pytest.mark.parametrize(
    "expression",
    [
        "[JSONPatch{op: 'add', path: '/metadata/labels/example.com~1team', value: 'a'}]",
        "[JSONPatch{op: 'add', path: '/spec/template/spec/containers/0/env/-', value: {'name': 'a'}}]",
        "[JSONPatch{op: 'add', path: '/spec/template/spec/containers/' + string(0) + '/imag', value: 'a'}]",
        "[JSONPatch{op: 'add', path: object.metadata.name, value: 'a'}]",
        "[JSONPatch{op: 'remove', path: '/spec/replicas'}]",
    ],
)
def test_a_path_that_may_lead_somewhere(expression: str, tmp_path: Path) -> None:
    assert told(tmp_path, f'{{patchType: JSONPatch, jsonPatch: {{expression: "{expression}"}}}}') == []
