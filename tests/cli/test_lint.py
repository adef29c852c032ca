"""`gatekeeper lint`: exit codes and forms."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.cli.support import POLICIES, run, write

TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}, sharing: [{to: [bar], kinds: [Service]}]}
"""
WHAT = 'no Tenant is called "bar"'
REMEDY = "Write the name of a Tenant, or * for all"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, foo=TENANT)


def test_text_has_a_line_for_each(folder: Path) -> None:
    result = run("lint", folder)
    told = f"{folder}/foo.yaml:4:52: GK701 warning: {WHAT}. {REMEDY}\n0 errors, 1 warnings\n"
    assert (result.exit_code, result.stdout) == (1, told)


def test_what_is_clean_is_exit_code_0(folder: Path) -> None:
    write(folder, foo=TENANT.replace("[bar]", '["*"]'))
    result = run("lint", folder)
    assert (result.exit_code, result.stdout) == (0, "0 errors, 0 warnings\n")


def test_json(folder: Path) -> None:
    assert orjson.loads(run("lint", folder, "-o", "json").stdout) == [
        {
            "code": "GK701",
            "name": "shared-with-nobody",
            "severity": "warning",
            "path": f"{folder}/foo.yaml",
            "line": 4,
            "column": 52,
            "reason": WHAT,
            "remedy": REMEDY,
        }
    ]


def test_sarif(folder: Path) -> None:
    (made,) = orjson.loads(run("lint", folder, "-o", "sarif").stdout)["runs"]
    (result,) = made["results"]
    assert result["ruleId"] in {rule["id"] for rule in made["tool"]["driver"]["rules"]}
    assert (result["level"], result["message"]["text"]) == ("warning", f"{WHAT}. {REMEDY}")
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": f"{folder}/foo.yaml"},
        "region": {"startLine": 4, "startColumn": 52},
    }


def test_github(folder: Path) -> None:
    said = f"::warning file={folder}/foo.yaml,line=4,col=52,title=GK701::{WHAT}. {REMEDY}\n"
    assert run("lint", folder, "-o", "github").stdout == said


def test_files_are_linted_together(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, foo=TENANT)
    told = run("lint", folder / "all.yaml", folder / "foo.yaml").stdout
    assert "GK601" in told
    assert "GK701" in told


@pytest.mark.parametrize(
    "text", ["# comments only\n", "---\n---\n", "kind: List\napiVersion: v1\nitems: []\n"]
)
def test_files_without_a_document_are_nothing_to_read(text: str, tmp_path: Path) -> None:
    result = run("lint", write(tmp_path, foo=text))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"{tmp_path}: holds no policy. Name the folder of ValidatingAdmissionPolicies and their bindings\n"
    )


def test_nothing_to_read_is_exit_code_2(tmp_path: Path) -> None:
    assert run("lint", tmp_path).exit_code == 2
    assert run("lint", tmp_path / "none").exit_code == 2


def test_the_options_name_every_form() -> None:
    from gatekeeper_py.authoring.lint import report
    from gatekeeper_py.cli import lint

    assert tuple(report.FORMS) == lint.FORMS
