"""`gatekeeper tenants render`: what it prints, and that it is admitted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.support import run, write
from tests.shipped import POLICIES

TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: NAME}
spec:
  namespaces: CLAIM
  owners: [{kind: User, name: alice}]
  enforcement: HOW
"""
CLUSTER = """\
apiVersion: v1
kind: Namespace
metadata: {name: foo-x, labels: {pod-security.kubernetes.io/enforce: restricted}}
"""


def tenant(name: str, claim: str, enforcement: str = "enforce") -> str:
    return TENANT.replace("NAME", name).replace("CLAIM", claim).replace("HOW", enforcement)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return write(
        tmp_path / "policies", foo=tenant("foo", "{names: [foo, foo-b]}"), bar=tenant("bar", "{names: [bar]}")
    )


def namespaces(output: str) -> list[str]:
    return [each["metadata"]["name"] for each in yaml.safe_load_all(output) if each["kind"] == "Namespace"]


def test_every_namespace_of_every_tenant_is_framed(policies: Path) -> None:
    result = run("tenants", "render", "--policies", policies)
    assert (result.exit_code, result.stderr) == (0, "")
    assert namespaces(result.stdout) == ["bar", "foo", "foo-b"]
    assert len(list(yaml.safe_load_all(result.stdout))) == 3 * 7


def test_where_network_policies_hold_nothing_that_is_said(tmp_path: Path) -> None:
    nodes = "  runtimeClasses: {isolation: none}\n  nodes: {profile: fargate}\n"
    policies = write(tmp_path / "policies", foo=tenant("foo", "{names: [foo]}") + nodes)
    assert run("tenants", "render", "--policies", policies).stderr == (
        "warning: the tenant 'foo' is on virtual nodes (fargate) where NetworkPolicies hold nothing; close its network at "
        "the provider\n"
    )


def test_it_prints_the_same_twice(policies: Path) -> None:
    one, two = (run("tenants", "render", "--policies", policies).stdout for _ in range(2))
    assert one == two


def test_one_tenant_alone_may_be_rendered(policies: Path) -> None:
    result = run("tenants", "render", "--policies", policies, "--tenant", "foo", "--owner-role", "edit")
    assert namespaces(result.stdout) == ["foo", "foo-b"]
    roles = {each["roleRef"]["name"] for each in yaml.safe_load_all(result.stdout) if "roleRef" in each}
    assert roles == {"edit"}


def test_what_a_tenant_claims_by_patterns_is_what_exists(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", foo=tenant("foo", '{names: [foo], patterns: ["foo-*"]}'))
    cluster = write(tmp_path / "cluster", all=CLUSTER)
    result = run("tenants", "render", "--policies", policies, "--cluster", cluster)
    assert namespaces(result.stdout) == ["foo", "foo-x"]
    levels = [
        each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in yaml.safe_load_all(result.stdout)
        if each["kind"] == "Namespace"
    ]
    assert levels == ["baseline", "restricted"]


NOTHING = {
    "no namespace is known": (
        tenant("foo", '{patterns: ["foo-*"]}'),
        (),
        "warning: the tenant 'foo' claims namespaces by patterns or labels alone, and none of them is known: "
        "--cluster or --kubeconfig would show those that exist\n"
        "there is no namespace to render a frame for\n",
    ),
    "no such tenant": (
        tenant("foo", "{names: [foo]}"),
        ("--tenant", "fo"),
        "--tenant fo: there is no such tenant to render; did you mean foo?\n",
    ),
    "the platform": (
        tenant("foo", "{names: [foo]}"),
        ("--tenant", "platform"),
        "--tenant platform: there is no such tenant to render; there are foo\n",
    ),
    "no tenant": ("a: b", (), "there is no namespace to render a frame for\n"),
}


@pytest.mark.parametrize("case", NOTHING)
def test_nothing_printed_is_an_error(case: str, tmp_path: Path) -> None:
    text, arguments, error = NOTHING[case]
    policies = write(tmp_path / "policies", all=text if case != "no tenant" else POLICY)
    result = run("tenants", "render", "--policies", policies, *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", error)


POLICY = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: TenancySettings
metadata: {name: settings}
spec: {}
"""


def test_of_who_is_not_enforced_it_says_what_is_left_out(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", foo=tenant("foo", "{names: [foo]}", "observe"))
    result = run("tenants", "render", "--policies", policies)
    assert result.exit_code == 0
    assert result.stderr == (
        "warning: the tenant 'foo' is not enforced: its frame has no NetworkPolicy, ResourceQuota or LimitRange yet\n"
    )


def test_what_is_printed_is_admitted_by_the_shipped_policies(tmp_path: Path) -> None:
    foo = tenant("foo", "{names: [foo, foo-b]}")
    policies = write(tmp_path / "tenants", foo=foo)
    printed = run("tenants", "render", "--policies", policies).stdout
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "shipped").symlink_to(POLICIES)
    (tmp_path / "all" / "foo.yaml").write_text(foo)
    for asking in ((), ("--user", "system:serviceaccount:kube-system:gitops")):
        result = run(
            "review", "--policies", tmp_path / "all", *asking, "-o", "json", "-f", "-", stdin=printed
        )
        answers = [json.loads(line)["response"] for line in result.stdout.splitlines()]
        assert [answer["allowed"] for answer in answers] == [True] * 14, result.stdout
    assert (
        run("review", "--policies", tmp_path / "all", "--user", "alice", "-f", "-", stdin=printed).exit_code
        == 1
    )
