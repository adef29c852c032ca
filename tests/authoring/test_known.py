"""A kind that a suite writes must be one that something serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.runner import engine_for
from gatekeeper_py.authoring.suite import read_suite
from gatekeeper_py.manifests.manifest import ManifestError

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods, pods/status]}
      - {apiGroups: [example.org], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}
  validations: [{expression: "false", message: never}]
"""
DEFINITION = (
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.example.com}, "
    "spec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, "
    "versions: [{name: v1, served: true, storage: true}]}}"
)
KINDS = {
    "Kubernetes' own": ("v1", "Pod", ""),
    "of a subresource": ("v1", "PodExecOptions", ""),
    "of a group that a policy names": ("example.org/v1", "Anything", ""),
    "with a definition": ("example.com/v1", "Widget", DEFINITION),
    "a tenancy document": ("tenancy.gatekeeper-py.dev/v1alpha1", "Tenant", ""),
    "in lower case": (
        "v1",
        "pod",
        'nothing serves kind "pod" of "v1". Did you mean Pod of v1? '
        "Otherwise add its CustomResourceDefinition to cluster",
    ),
    "of another group": (
        "app/v1",
        "Deployment",
        'nothing serves kind "Deployment" of "app/v1". Did you mean Deployment of apps/v1? '
        "Otherwise add its CustomResourceDefinition to cluster",
    ),
    "custom, of nobody's group": (
        "example.com/v1",
        "Widget",
        'nothing serves kind "Widget" of "example.com/v1". Add its CustomResourceDefinition to cluster',
    ),
}


@pytest.mark.parametrize("case", KINDS)
def test_kinds_must_be_known(case: str, tmp_path: Path) -> None:
    version, kind, told = KINDS[case]
    existing, problem = (told, "") if told.startswith("{") else ("", told)
    (tmp_path / "rule.yaml").write_text(POLICY)
    path = tmp_path / "rule_test.yaml"
    body = f"{{apiVersion: {version}, kind: {kind}, metadata: {{name: a}}}}"
    path.write_text(f"cluster: [{existing}]\ncases: [{{name: a, object: {body}, expect: allow}}]")
    assert _told(path) == problem


def _told(path: Path) -> str:
    try:
        engine_for(read_suite(path))
    except ManifestError as error:
        return "\n".join(f"{each.what}. {each.remedy}" for each in error.problems)
    return ""
