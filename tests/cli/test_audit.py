"""`gatekeeper audit`: reports and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper_py.cluster import live
from tests.cli.support import GOOD, HOST, POLICIES, UNPINNED, run, write


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return write(tmp_path / "policies", all=POLICIES)


STAMPED = GOOD.replace("{name: good}", "{name: good, labels: {team: default}}")


@pytest.mark.parametrize(
    ("manifests", "code", "summary"),
    [
        (STAMPED, 0, "1 objects, 0 violating"),
        (UNPINNED, 0, "1 objects, 0 violating"),
        (f"{STAMPED}---\n{HOST}", 1, "2 objects, 1 violating"),
    ],
)
def test_the_exit_code_says_whether_anything_would_be_denied(
    policies: Path, manifests: str, code: int, summary: str
) -> None:
    result = run("audit", "--policies", policies, "-f", "-", stdin=manifests)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (code, summary)


def test_in_a_pipe_there_is_a_line_for_each_finding(policies: Path) -> None:
    result = run("audit", "--policies", policies, "-f", "-", stdin=f"{STAMPED}---\n{HOST}---\n{UNPINNED}")
    assert result.stdout.splitlines() == [
        "<stdin>:3:1: deny high (none) no-host: Pod default/host: spec.hostNetwork is true; remove it",
        "<stdin>:5:1: warn - (none) pinned: Pod default/unpinned: pin the image",
        "3 objects, 1 violating",
    ]


def test_json_says_where_each_object_stands(policies: Path) -> None:
    result = run("audit", "--policies", policies, "-o", "json", "-f", "-", stdin=f"{STAMPED}---\n{HOST}")
    report = json.loads(result.stdout)
    counts = {"objects": 2, "violating": 1, "observed": 0, "waived": 0, "warned": 0, "toBeChanged": 0}
    assert report["summary"] == {**counts, "notAudited": 0}
    (found,) = report["results"]
    assert found["source"] == {"path": "<stdin>", "line": 3, "column": 1}
    assert (found["kind"], found["namespace"], found["name"], found["tenant"]) == (
        "Pod",
        "default",
        "host",
        "(none)",
    )
    assert found["changes"] == []
    (finding,) = found["findings"]
    assert (
        finding.items()
        >= {"policy": "no-host", "binding": "no-host", "actions": ["Deny"], "error": False}.items()
    )


WAIVER = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Waiver
metadata: {name: old}
spec: {policies: [no-host], namespaces: [default], reason: r, approvedBy: a, expires: "2999-12-31"}
"""


def test_what_is_waived_is_told_with_its_days_and_fails_nothing(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES, waiver=WAIVER)
    result = run("audit", "--policies", policies, "--fail-on", "low", "-f", "-", stdin=HOST)
    line, summary = result.stdout.splitlines()
    assert result.exit_code == 0
    assert line.startswith(
        "<stdin>:1:1: waived high (none) no-host: Pod default/host: spec.hostNetwork is true; "
    )
    assert " (waived by 'old' until 2999-12-31, " in line
    assert summary == "1 objects, 0 violating, 1 waived"
    report = json.loads(run("audit", "--policies", policies, "-o", "json", "-f", "-", stdin=HOST).stdout)
    waived = report["results"][0]["findings"][0]["waived"]
    assert (waived.pop("daysLeft") > 0, waived) == (
        True,
        {"waiver": "old", "expires": "2999-12-31", "reason": "r", "approvedBy": "a"},
    )


CLOSED = "{apiVersion: v1, kind: Namespace, metadata: {name: shut, labels: {closed: 'true'}}}\n"
CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shut}}\n"


@pytest.mark.parametrize("manifests", [f"{CLOSED}---\n{CONFIG}", f"{CONFIG}---\n{CLOSED}"])
def test_everything_exists_at_the_same_time(policies: Path, manifests: str) -> None:
    assert run("audit", "--policies", policies, "-f", "-", stdin=manifests).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "name what to audit: either -f or --kubeconfig\n"),
        (["-f", "-", "--kubeconfig", "x"], "name what to audit: either -f or --kubeconfig\n"),
        (
            ["--kubeconfig", "x", "--cluster", "y"],
            "--cluster and --kubeconfig exclude each other: name one\n",
        ),
    ],
)
def test_what_cannot_be_audited_is_exit_code_2(policies: Path, arguments: list[str], error: str) -> None:
    result = run("audit", "--policies", policies, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(error)


def test_what_is_known_does_not_fail_and_what_is_new_does(policies: Path, tmp_path: Path) -> None:
    arguments = ("audit", "--policies", policies, "-f", "-")
    earlier = tmp_path / "earlier.json"
    earlier.write_text(run(*arguments, "-o", "json", stdin=HOST).stdout)
    assert run(*arguments, "--baseline", earlier, stdin=HOST).exit_code == 0
    other = HOST.replace("name: host", "name: other")
    result = run(*arguments, "--baseline", earlier, stdin=other)
    assert (result.exit_code, result.stdout.splitlines()) == (
        1,
        [
            "<stdin>:1:1: new deny high (none) no-host: Pod default/other: spec.hostNetwork is true; remove it",
            "1 objects, 1 violating, 1 new, 0 unchanged, 1 fixed",
        ],
    )
    earlier.write_text("{}")
    result = run(*arguments, "--baseline", earlier, stdin=other)
    said = f"--baseline {earlier}: is no report that `gatekeeper audit -o json` wrote\n"
    assert (result.exit_code, result.stderr) == (2, said)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ((), 1, 2),
        (("--policy", "pinned"), 0, 1),
        (("--namespace", "default", "--tenant", "(none)"), 1, 2),
        (("--fail-on", "critical"), 1, 2),
        (("--policy", "no-host", "--fail-on", "critical"), 0, 1),
        (("--policy", "no-host", "--fail-on", "high"), 1, 1),
        (("--policy", "no-host", "--severity", "critical"), 0, 0),
    ],
)
def test_a_report_may_be_narrowed(policies: Path, options: tuple[str, ...], code: int, told: int) -> None:
    result = run("audit", "--policies", policies, *options, "-f", "-", stdin=f"{HOST}---\n{UNPINNED}")
    assert (result.exit_code, len(result.stdout.splitlines()) - 1) == (code, told)


NONE_LEFT = (
    "audit: not audited: of 2 objects none is of the --tenant, --namespace and --kind named; "
    "--allow-no-objects would go on without"
)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (
            ("--policy", "no-hosts"),
            2,
            "--policy no-hosts: not audited: there is no such policy; did you mean no-host?",
        ),
        (("--policy", "rbac-everything"), 0, "2 objects, 0 violating"),
        (("--tenant", "foo"), 2, "--tenant foo: there is no such tenant; there are (none)"),
        (("--kind", "podd"), 2, NONE_LEFT),
        (("--namespace", "defualt"), 2, NONE_LEFT),
        (("--namespace", "defualt", "--allow-no-objects"), 0, "0 objects, 0 violating"),
        (("--namespace", "defualt", "--shard", "0/2"), 0, "0 objects, 0 violating"),
    ],
)
def test_a_report_narrowed_to_nothing_is_not_clean(
    policies: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    result = run("audit", "--policies", policies, *options, "-f", "-", stdin=f"{HOST}---\n{UNPINNED}")
    assert result.exit_code == code
    assert said in result.stdout


def test_files_may_be_judged_as_what_exists(policies: Path) -> None:
    result = run("audit", "--policies", policies, "--existing", "-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "<stdin>:1:1: drift - (none) (drift): Pod default/good: metadata.labels.team: default",
    )


OBSERVED = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: TenancySettings
metadata: {name: settings}
spec: {enforcement: observe}
"""


def test_what_is_observed_violates_nothing_and_is_shown(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES, settings=OBSERVED)
    manifests = f"{STAMPED}---\n{HOST}"
    result = run("audit", "--policies", policies, "-f", "-", stdin=manifests)
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "<stdin>:3:1: observed high default no-host: Pod default/host: spec.hostNetwork is true; remove it",
            "2 objects, 0 violating, 1 observed",
        ],
    )
    report = json.loads(run("audit", "--policies", policies, "-o", "json", "-f", "-", stdin=manifests).stdout)
    assert (report["summary"]["observed"], report["summary"]["warned"]) == (1, 0)
    assert [(found["enforcement"], found["violates"]) for found in report["results"]] == [("observe", False)]


@pytest.mark.parametrize("form", ["csv", "github", "html", "junit", "markdown", "policyreport", "sarif"])
def test_every_form_tells_what_is_observed(tmp_path: Path, form: str) -> None:
    policies = write(tmp_path / "policies", all=POLICIES, settings=OBSERVED)
    result = run("audit", "--policies", policies, "-o", form, "-f", "-", stdin=HOST)
    assert result.exit_code == 0
    assert "spec.hostNetwork is true" in result.stdout


BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: dev}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ROLE}
subjects: [{kind: User, name: alice}, {kind: ServiceAccount, name: op, namespace: bar}]
"""
TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}, owners: [{kind: User, name: alice}]}
"""
READER = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{verbs: [get], apiGroups: [""], resources: [secrets]}]
"""
FORMATS = (
    "table",
    "json",
    "csv",
    "markdown",
    "sarif",
    "junit",
    "policyreport",
    "openreports",
    "github",
    "html",
)


@pytest.fixture
def owned(tmp_path: Path) -> Path:
    return write(tmp_path / "policies", all=POLICIES, tenant=TENANT)


@pytest.mark.parametrize("form", FORMATS)
def test_what_rbac_grants_is_told_in_every_format(owned: Path, tmp_path: Path, form: str) -> None:
    roles = write(tmp_path / "cluster", roles=READER)
    asked = ("audit", "--policies", owned, "--cluster", roles, "-o", form, "-f", "-")
    result = run(*asked, stdin=BINDING.replace("ROLE", "reader"))
    assert result.exit_code == 1
    told = result.stdout.replace("\\", "").replace("&#39;", "'").replace("&quot;", '"')
    for part in ("rbac-secrets", "alice", "may read Secrets everywhere", "rules", "by RoleBindings"):
        assert part in told, part


@pytest.mark.parametrize(("tenant", "count"), [("foo", 1), ("bar", 1), ("(cluster-wide)", 1)])
def test_what_a_tenant_is_granted_is_the_tenants(
    owned: Path, tmp_path: Path, tenant: str, count: int
) -> None:
    roles = write(tmp_path / "cluster", roles=READER)
    asked = ("audit", "--policies", owned, "--cluster", roles, "--tenant", tenant, "-f", "-")
    result = run(*asked, stdin=BINDING.replace("ROLE", "reader"))
    assert result.stdout.splitlines()[-1] == f"{count} objects, {count} violating"


def test_a_role_that_no_file_holds_is_not_audited(owned: Path) -> None:
    result = run("audit", "--policies", owned, "-f", "-", stdin=BINDING.replace("ROLE", "reader"))
    assert result.exit_code == 2
    assert result.stderr == (
        "<stdin>:4:73: ClusterRoleBinding 'dev' names ClusterRole 'reader', which was not read: what it grants is "
        "not audited. Give the role with --cluster, or the right to list it\n"
    )


def test_the_options_name_every_report_and_severity() -> None:
    from gatekeeper_py.audit.result import SEVERITIES
    from gatekeeper_py.cli import audit, auditing, reporting, reportoptions

    assert tuple(reporting.REPORTS) == reportoptions.FORMS
    assert reportoptions.SEVERITIES == SEVERITIES
    assert tuple(auditing.DIALECTS) == audit.KEPT


def test_what_another_server_serves_is_not_audited(
    policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenShift's kinds, say: no definition lists them. Metrics are none to audit."""
    groups = {"route.openshift.io": "v1", "metrics.k8s.io": "v1beta1"}
    objects = [
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{version}.{group}"},
            "spec": {"group": group, "version": version, "service": {"name": "api", "namespace": "system"}},
        }
        for group, version in groups.items()
    ]
    monkeypatch.setattr(live, "configuration", lambda _: None)
    monkeypatch.setattr(live, "walk_cluster", lambda _, take: take(objects) or {})
    result = run("audit", "--policies", policies, "--kubeconfig", tmp_path / "kubeconfig")
    said = "an aggregated API server serves it, and which kinds it has is not known here"
    assert (result.exit_code, result.stdout.splitlines()) == (
        2,
        [f"route.openshift.io/v1: not audited: {said}", "2 objects, 0 violating, 1 not audited"],
    )
