"""Who asks about plain manifests: `--user`, `--group`, `--as-tenant`, alike in `review`, `audit` and `explain`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import GOOD, run, write

POLICIES = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: who}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}
  validations:
    - expression: "requester.platform"
      messageExpression: "'asked by ' + request.userInfo.username + ' of ' + request.userInfo.groups.join(',')"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: who}
spec: {policyName: who, validationActions: [Deny]}
"""
TENANTS = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}, owners: [{kind: Group, name: team-foo}, {kind: User, name: alice}]}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: system}
spec: {trusted: true, namespaces: {names: [kube-system]}}
"""
ALICE = "asked by alice of team-foo,system:authenticated"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return write(tmp_path / "policies", all=POLICIES, tenants=TENANTS)


def manifest(kind: str, name: str, namespace: str = "") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    version = "rbac.authorization.k8s.io/v1" if kind == "ClusterRole" else "v1"
    return f"{{apiVersion: {version}, kind: {kind}, metadata: {{name: {name}{where}}}}}\n"


def said(command: str, policies: Path, stdin: str, *arguments: str) -> str:
    """What the policy said; empty when it was the platform that asked."""
    form = ("-o", "json")
    result = run(command, "--policies", policies, "-f", "-", *form, *arguments, stdin=stdin)
    assert result.exit_code in (0, 1), result.stderr
    answer = json.loads(result.stdout)
    if command == "review":
        causes = answer["response"].get("status", {}).get("details", {}).get("causes", [])
        return "".join(cause["message"].partition("denied request: ")[2] for cause in causes)
    return "".join(finding["message"] for each in answer["results"] for finding in each["findings"])


@pytest.mark.parametrize("command", ["review", "audit"])
@pytest.mark.parametrize(
    ("kind", "namespace", "asker"),
    [
        ("ConfigMap", "foo", ALICE),
        ("ConfigMap", "kube-system", ""),
        ("ClusterRole", "", ""),
        # A Namespace is made for a tenant, as what exists is taken to have been.
        ("Namespace", "", ""),
    ],
)
def test_as_tenant_asks_as_whose_the_namespace_is(
    policies: Path, command: str, kind: str, namespace: str, asker: str
) -> None:
    text = manifest(kind, "foo", namespace)
    assert said(command, policies, text, "--as-tenant") == asker
    assert said(command, policies, text) == ""


@pytest.mark.parametrize("command", ["review", "audit"])
def test_a_user_is_named_alike(policies: Path, command: str) -> None:
    asked = said(command, policies, manifest("ConfigMap", "c", "foo"), "--user", "bob", "--group", "dev")
    assert asked == "asked by bob of dev,system:authenticated"


@pytest.mark.parametrize("command", ["review", "audit", "explain"])
def test_an_empty_name_is_nobodys_and_no_administrators(policies: Path, command: str) -> None:
    text = manifest("ConfigMap", "c", "foo")
    result = run(command, "--policies", policies, "-f", "-", "--user", "", stdin=text)
    assert result.exit_code == 2
    assert "Invalid value for '--user': it is empty; name who asks, or leave the option out" in result.stderr


def test_explain_asks_as_the_tenant_too(policies: Path) -> None:
    result = run(
        "explain", "--policies", policies, "-f", "-", "--as-tenant", "-o", "json",
        stdin=manifest("ConfigMap", "c", "foo"),
    )  # fmt: skip
    assert json.loads(result.stdout)["user"] == "alice"


def test_an_audit_says_as_whom_it_asked(policies: Path) -> None:
    result = run(
        "audit", "--policies", policies, "-f", "-", "--as-tenant", "-o", "json",
        stdin=manifest("ConfigMap", "c", "foo"),
    )  # fmt: skip
    assert [each["askedAs"] for each in json.loads(result.stdout)["results"]] == ["alice"]


@pytest.mark.parametrize("command", ["review", "audit"])
def test_where_no_tenant_was_asked_for_that_is_said(policies: Path, command: str) -> None:
    result = run(
        command, "--policies", policies, "-f", "-", "--as-tenant",
        stdin=manifest("ConfigMap", "c", "kube-system"),
    )  # fmt: skip
    assert result.stderr == (
        "warning: --as-tenant: nothing is in a tenant's namespace, and all was asked as a cluster administrator\n"
    )


@pytest.mark.parametrize("command", ["review", "audit", "explain"])
def test_without_tenants_nobody_can_be_asked_as_one(tmp_path: Path, command: str) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    result = run(command, "--policies", policies, "-f", "-", "--as-tenant", stdin=GOOD)
    assert result.exit_code == 2
    said = f"--as-tenant: {policies} holds no tenancy document, so nothing is a tenant's"
    assert said in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("command", ["review", "audit", "explain"])
@pytest.mark.parametrize("option", ["--user", "--group"])
def test_who_asks_is_said_once(policies: Path, command: str, option: str) -> None:
    result = run(command, "--policies", policies, "-f", "-", "--as-tenant", option, "bob", stdin=GOOD)
    assert result.exit_code == 2
    assert "--as-tenant says who asks: name no --user and no --group beside it" in result.stderr


@pytest.mark.parametrize("option", [("--as-tenant",), ("--user", "bob"), ("--group", "dev")])
@pytest.mark.parametrize("read", [("-f", "-", "--existing"), ("--kubeconfig", "k")])
def test_what_exists_says_itself_who_must_have_made_it(
    policies: Path, option: tuple[str, ...], read: tuple[str, ...]
) -> None:
    result = run("audit", "--policies", policies, *read, *option, stdin=GOOD)
    assert result.exit_code == 2
    assert "what exists is judged as whoever must have made it" in result.stderr


def test_a_record_says_who_asked(policies: Path, tmp_path: Path) -> None:
    result = run(
        "explain",
        "--policies",
        policies,
        "-f",
        "-",
        "--as-tenant",
        "--decision",
        tmp_path / "log",
        stdin=GOOD,
    )
    assert result.exit_code == 2
    assert "--as-tenant and --decision both say who asks: name one" in result.stderr
