"""`gatekeeper coverage`: reports and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.audit.test_survey import DEFINITIONS, POLICIES, definition
from tests.cli.support import run

KNOWN = [each for each in DEFINITIONS if each[0] != "example.com"]
AGGREGATED = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1beta1.metrics.k8s.io"},
    "spec": {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "service": {"name": "metrics-server", "namespace": "kube-system"},
    },
}


def write(folder: Path, *documents: object) -> Path:
    file = folder / "definitions.yaml"
    file.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return file


@pytest.mark.parametrize(("definitions", "code"), [(KNOWN, 0), (DEFINITIONS, 1)])
def test_the_exit_code_says_whether_some_kind_is_unknown(
    tmp_path: Path, definitions: list[tuple[str, str, str, str]], code: int
) -> None:
    file = write(tmp_path, *(definition(*each) for each in definitions))
    assert run("coverage", "--policies", POLICIES, "-f", file).exit_code == code


def test_the_table_names_every_kind_with_how_it_is_judged(tmp_path: Path) -> None:
    file = write(tmp_path, *(definition(*each) for each in DEFINITIONS))
    result = run("coverage", "--policies", POLICIES, "-f", file)
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert rows[0] == "Kind Group Judged By Why Granted to"
    assert any(row.startswith("HelmChart helm.cattle.io powerful references-powerful-kinds") for row in rows)
    assert any(row.startswith("Widget example.com scanned") for row in rows)
    assert rows[-2].startswith("72 resources: ")
    assert rows[-1] == "nothing in kube-system and gatekeeper-system is asked about"


def test_json_says_all_that_is_known(tmp_path: Path) -> None:
    file = write(tmp_path, *(definition(*each) for each in DEFINITIONS))
    report = json.loads(run("coverage", "--policies", POLICIES, "-f", file, "-o", "json").stdout)
    assert report["summary"]["scanned"] == 1
    assert report["exemptNamespaces"] == ["kube-system", "gatekeeper-system"]
    by_kind = {(row["group"], row["kind"]): row for row in report["resources"]}
    chart = by_kind["helm.cattle.io", "HelmChart"]
    assert (chart["coverage"], chart["versions"], chart["namespaced"]) == ("powerful", ["v1", "v2"], True)
    assert by_kind["cert-manager.io", "Certificate"]["versionsRead"] == "v1"
    webhook = by_kind["admissionregistration.k8s.io", "ValidatingWebhookConfiguration"]
    assert webhook["coverage"] == "never sent"
    assert (
        webhook["reason"]
        == "the API server sends its own objects of admission to no webhook; guard them by RBAC"
    )
    assert by_kind["coordination.k8s.io", "Lease"]["coverage"] == "never sent"
    assert any("system:node:" in line for line in by_kind["", "Node"]["notAskedAbout"])


def test_what_another_server_serves_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, AGGREGATED, *(definition(*each) for each in KNOWN))
    result = run("coverage", "--policies", POLICIES, "-f", file)
    assert result.exit_code == 0
    assert result.stderr == (
        "not read: metrics.k8s.io/v1beta1: an aggregated API server serves it; its kinds are judged by name all the same, "
        "but are not listed here\n"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "name what to survey: either -f or --kubeconfig\n"),
        (["-f", "-", "--kubeconfig", "x"], "name what to survey: either -f or --kubeconfig\n"),
        (["-f", "/missing"], "/missing: no such file or folder. Check the path\n"),
        (["--kubeconfig", "/missing"], "/missing: "),
    ],
)
def test_what_cannot_be_surveyed_is_exit_code_2(arguments: list[str], error: str) -> None:
    result = run("coverage", "--policies", POLICIES, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(error)
