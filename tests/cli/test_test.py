"""`gatekeeper test`: suites, faults and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import POLICIES, run, write

SUITE = """\
policies: [all.yaml]
cases:
  - name: on the node's network
    object:
      apiVersion: v1
      kind: Pod
      metadata: {name: p, namespace: foo}
      spec: {hostNetwork: true, containers: [{name: c, image: "nginx:1"}]}
    expect: deny
    message: spec.hostNetwork is true
"""


@pytest.mark.parametrize(
    ("suite", "code", "output"),
    [
        (SUITE, 0, "1 suites, 1 cases, 0 failed\n"),
        (
            SUITE.replace("expect: deny", "expect: allow"),
            1,
            "FAIL  {dir}/all_test.yaml:3:5: on the node's network\n"
            "      expected allow, got deny: ValidatingAdmissionPolicy 'no-host' with binding 'no-host' denied "
            "request: spec.hostNetwork is true; remove it\n"
            "1 suites, 1 cases, 1 failed\n",
        ),
    ],
)
def test_the_exit_code_says_whether_the_policies_do_what_is_expected(
    tmp_path: Path, suite: str, code: int, output: str
) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=suite)
    result = run("test", folder)
    assert (result.exit_code, result.stdout) == (code, output.format(dir=folder))


def test_verbose_names_every_case(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=SUITE)
    assert f"ok    {folder}/all_test.yaml: on the node's network\n" in run("test", "-v", folder).stdout


def test_a_suite_that_cannot_be_read_is_exit_code_2(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, all_test="cases: []\n")
    result = run("test", folder)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{folder}/all_test.yaml:1:")


OWNER = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: owned}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "tenant != null && tenant.name == 'acme'", message: not of acme}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: owned}
spec: {policyName: owned, validationActions: [Deny]}
"""
OF_ACME = """\
cases:
  - {name: ours, object: {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: foo}, spec: {containers: []}}}
"""
ACME = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: acme}
spec: {namespaces: {names: [foo]}}
"""


def test_suites_are_about_the_tenants_that_are_named(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=OWNER, all_test=OF_ACME)
    tenants = write(tmp_path / "tenants", acme=ACME)
    assert run("test", policies).exit_code == 1
    assert run("test", policies, "--tenants", tenants).exit_code == 0


def test_tenants_that_are_none_are_bad_input(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=OWNER, all_test=OF_ACME)
    result = run("test", policies, "--tenants", policies)
    assert (result.exit_code, result.stderr) == (2, f"{policies}: holds no Tenant and no TenancySettings\n")
