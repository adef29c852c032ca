"""Nothing there: no command takes it for "all is well", unless it is told to."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from gatekeeper_py.pki.development import make_certificates
from tests.cli.support import GOOD, POLICIES, run, write

TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}}
"""
ABOUT_TENANTS = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: owned}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations: [{expression: "tenant != null"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: owned}
spec: {policyName: owned, validationActions: [Deny]}
"""
SUITE = """\
cases:
  - name: a pod
    object: {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: foo}, spec: {containers: [{name: a, image: a}]}}
    expect: deny
"""

FOLDERS: dict[str, dict[str, str]] = {
    "an empty folder": {},
    "other files only": {"README.md": "# policies", "p.yaml.bak": POLICIES},
    "comments only": {"p.yaml": "# to be written\n"},
    "suites only": {"p_test.yaml": SUITE},
    "tenants only": {"foo.yaml": TENANT},
}


def folder(path: Path, files: dict[str, str]) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


@pytest.mark.parametrize("case", FOLDERS)
@pytest.mark.parametrize(
    "command", [("review", "-f", "-"), ("audit", "-f", "-"), ("explain", "--policy", "p", "-f", "-")]
)
def test_no_policy_is_exit_code_2(tmp_path: Path, command: tuple[str, ...], case: str) -> None:
    policies = folder(tmp_path / "policies", FOLDERS[case])
    result = run(*command, "--policies", policies, stdin=GOOD)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{policies}: holds no policy")
    assert result.stderr.endswith("; --allow-no-policies would go on without\n")


@pytest.mark.parametrize("command", ["review", "audit"])
def test_no_policy_is_well_when_one_says_so(tmp_path: Path, command: str) -> None:
    policies = folder(tmp_path / "policies", {})
    result = run(command, "--policies", policies, "-f", "-", "--allow-no-policies", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("case", ["an empty folder", "tenants only"])
def test_a_server_does_not_start_without_a_policy(tmp_path: Path, case: str) -> None:
    made = make_certificates(tmp_path / "certs")
    policies = folder(tmp_path / "policies", FOLDERS[case])
    result = run("serve", "--policies", policies, "--tls-cert", made.certificate, "--tls-key", made.key)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{policies}: holds no policy")


NO_OBJECTS = {
    "nothing": "",
    "comments only": "# nothing\n",
    "marks only": "---\n---\n",
    "null": "null\n",
    "an empty list": "{apiVersion: v1, kind: List, items: []}\n",
}


@pytest.mark.parametrize("case", NO_OBJECTS)
@pytest.mark.parametrize("command", ["review", "audit"])
def test_nothing_to_look_at_is_exit_code_2(tmp_path: Path, command: str, case: str) -> None:
    arguments = (command, "--policies", write(tmp_path / "policies", all=POLICIES), "-f", "-")
    result = run(*arguments, stdin=NO_OBJECTS[case])
    said = "<stdin>: holds no object; --allow-no-objects would go on without\n"
    assert (result.exit_code, result.stderr) == (2, said)
    assert result.stdout == ("" if command == "review" else UNREAD)
    assert run(*arguments, "--allow-no-objects", stdin=NO_OBJECTS[case]).exit_code == 0


UNREAD = """\
<stdin>: not audited: holds no object; --allow-no-objects would go on without
0 objects, 0 violating, 1 not audited
"""


def test_every_file_that_holds_nothing_is_named(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    files = write(tmp_path / "files", empty="", good=GOOD, comment="#\n")
    named = [word for name in ("empty", "good", "comment") for word in ("-f", str(files / f"{name}.yaml"))]
    result = run("review", "--policies", policies, *named)
    assert (result.exit_code, result.stderr.splitlines()) == (
        2,
        [
            f"{files}/empty.yaml: holds no object; --allow-no-objects would go on without",
            f"{files}/comment.yaml: holds no object; --allow-no-objects would go on without",
        ],
    )
    assert run("review", "--policies", policies, "-f", files).exit_code == 0


@pytest.mark.timeout(60)
def test_a_stream_that_a_shell_puts_in_the_place_of_a_file_is_read(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    os.mkfifo(tmp_path / "stream")
    writer = threading.Thread(target=(tmp_path / "stream").write_text, args=(GOOD,))
    writer.start()
    result = run("review", "--policies", policies, "-f", tmp_path / "stream")
    writer.join()
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 allowed, 0 denied")


@pytest.mark.parametrize("files", [{}, {"p.yaml": ABOUT_TENANTS}], ids=["an empty folder", "policies only"])
def test_no_suite_is_exit_code_2(tmp_path: Path, files: dict[str, str]) -> None:
    suites = folder(tmp_path / "suites", files)
    said = f"{suites}: holds no suite (*_test.yaml); --allow-no-suites would go on without\n"
    result = run("test", suites)
    assert (result.exit_code, result.stderr) == (2, said)
    result = run("test", suites, "--allow-no-suites")
    assert (result.exit_code, result.stdout) == (0, "0 suites, 0 cases, 0 failed\n")


UNBOUND = ABOUT_TENANTS.partition("---\n")[0]
TOLD = 'warning: {policies}/p.yaml:3:18: policy "owned" has no binding, so it is not in force. '


@pytest.mark.parametrize("command", [("review", "-f", "-"), ("audit", "-f", "-"), ("test",)])
def test_what_does_nothing_is_said_on_stderr(tmp_path: Path, command: tuple[str, ...]) -> None:
    allow = SUITE.replace("deny", "allow")
    policies = folder(tmp_path / "policies", {"p.yaml": UNBOUND, "p_test.yaml": allow, "t.yaml": TENANT})
    named = (policies,) if command == ("test",) else ("--policies", policies)
    result = run(*command, *named, stdin=GOOD)
    assert result.exit_code == (1 if command == ("test",) else 0), (
        "a case that no policy in force matches fails"
    )
    assert result.stderr.startswith(TOLD.format(policies=policies))


def test_policies_about_tenants_without_a_tenant_are_told(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=ABOUT_TENANTS)
    said = (
        f"warning: {policies}: the policies ask about tenants, and there is no tenancy document: nothing is a "
        "tenant's\n"
    )
    assert run("review", "--policies", policies, "-f", "-", stdin=GOOD).stderr == said
    write(policies, foo=TENANT)
    assert run("review", "--policies", policies, "-f", "-", stdin=GOOD).stderr == ""


def test_a_cluster_of_nothing_is_told(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    cluster = folder(tmp_path / "cluster", {})
    result = run("review", "--policies", policies, "--cluster", cluster, "-f", "-", stdin=GOOD)
    said = f"warning: {cluster}: holds no object, so nothing is known of the cluster\n"
    assert (result.exit_code, result.stderr) == (0, said)
