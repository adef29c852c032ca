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
