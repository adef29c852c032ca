"""`gatekeeper audit`: reports and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


def test_the_table_is_by_tenant_and_policy(policies: Path) -> None:
    result = run("audit", "--policies", policies, "-f", "-", stdin=f"{STAMPED}---\n{HOST}---\n{UNPINNED}")
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert rows[0] == "Tenant Policy Action Severity Objects"
    assert rows[2:] == [
        "(none) no-host deny high Pod default/host: spec.hostNetwork is true; remove it",
        "(none) pinned warn Pod default/unpinned: pin the image",
        "(none) (mutation) change Pod default/host: metadata.labels.team: default",
        "Pod default/unpinned: metadata.labels.team: default",
        "3 objects, 1 violating",
    ]


def test_json_says_where_each_object_stands(policies: Path) -> None:
    result = run("audit", "--policies", policies, "-o", "json", "-f", "-", stdin=f"{STAMPED}---\n{HOST}")
    report = json.loads(result.stdout)
    assert report["summary"] == {"objects": 2, "violating": 1, "observed": 0, "warned": 0, "toBeChanged": 1}
    (found,) = report["results"]
    assert found["source"] == {"path": "<stdin>", "line": 3, "column": 1}
    assert (found["kind"], found["namespace"], found["name"], found["tenant"]) == (
        "Pod",
        "default",
        "host",
        "(none)",
    )
    assert found["changes"] == [{"field": "metadata.labels.team", "after": "default"}]
    (finding,) = found["findings"]
    assert (
        finding.items()
        >= {"policy": "no-host", "binding": "no-host", "actions": ["Deny"], "error": False}.items()
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
        (["-f", "/missing"], "/missing: no such file or folder. Check the path\n"),
        (
            ["--kubeconfig", "x", "--cluster", "y"],
            "--cluster and --kubeconfig exclude each other: name one\n",
        ),
        (["--kubeconfig", "/missing"], "/missing: "),
    ],
)
def test_what_cannot_be_audited_is_exit_code_2(policies: Path, arguments: list[str], error: str) -> None:
    result = run("audit", "--policies", policies, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(error)


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
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert rows[2:] == [
        "default no-host would deny high Pod default/host: spec.hostNetwork is true; remove it",
        "default (mutation) would change Pod default/host: metadata.labels.team: default",
        "2 objects, 0 violating, 1 more would be were policies enforced",
    ]
    report = json.loads(run("audit", "--policies", policies, "-o", "json", "-f", "-", stdin=manifests).stdout)
    assert report["summary"] == {"objects": 2, "violating": 0, "observed": 1, "warned": 0, "toBeChanged": 1}
    assert [(found["enforcement"], found["violates"]) for found in report["results"]] == [("observe", False)]
