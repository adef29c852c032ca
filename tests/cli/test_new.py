"""`gatekeeper new`: what options say, what is asked, and what is never overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from gatekeeper_py.cli import gatekeeper
from tests.cli.support import run


def test_options_are_enough(tmp_path: Path) -> None:
    result = run("new", "team", "--template", "validating", "--resource", "pods", "--dir", tmp_path / "new")
    place = tmp_path / "new" / "team"
    assert (result.exit_code, result.output) == (
        0,
        f"{place}.yaml, {place}_test.yaml: 3 cases pass, nothing to lint\n",
    )
    assert run("lint", tmp_path / "new").exit_code == 0
    tested = run("test", tmp_path / "new", "--min-coverage", "100")
    assert tested.exit_code == 0, tested.output


def test_what_is_not_said_is_asked_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper_py.cli.new.is_terminal", lambda: True)
    answers = "param\nservices configmaps\nmetadata.labels.tier\nfront back\nservices on the wrong nodes\n"
    result = CliRunner().invoke(gatekeeper, ["new", "tiers", "--dir", str(tmp_path)], input=answers)
    assert result.exit_code == 0, result.output
    text = (tmp_path / "tiers.yaml").read_text()
    assert "# Stops:   services on the wrong nodes\n" in text
    assert 'allowed: "front,back"' in text


@pytest.mark.parametrize(
    ("arguments", "told"), [((), "--template"), (("--template", "look-up"), "--resource")]
)
def test_what_has_no_default_must_be_said(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = run("new", "team", *arguments, "--dir", tmp_path)
    assert (result.exit_code, result.stderr) == (2, f"name {told}; on a terminal it is asked\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["team.yaml", "team_test.yaml"])
def test_nothing_is_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    result = run("new", "team", "--template", "validating", "--resource", "pods", "--dir", tmp_path)
    assert result.exit_code == 2
    assert (
        result.stderr
        == f"{tmp_path / name}: is there already, and nothing is overwritten. Take another name\n"
    )
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_what_cannot_be_drafted_writes_nothing(tmp_path: Path) -> None:
    result = run("new", "team", "--template", "validating", "--resource", "pod", "--dir", tmp_path)
    assert (result.exit_code, result.stderr) == (2, 'nothing serves a resource "pod". Did you mean pods?\n')
    assert list(tmp_path.iterdir()) == []


def test_a_custom_kind_is_known_by_its_definition(tmp_path: Path) -> None:
    crd = tmp_path / "crd.yaml"
    crd.write_text(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n"
        "spec: {group: example.com, names: {kind: Widget, plural: widgets}, scope: Namespaced, "
        "versions: [{name: v1, served: true, storage: true}]}\n"
    )
    arguments = ("new", "w", "--template", "reference", "--resource", "widgets", "--dir", tmp_path / "new")
    assert run(*arguments).stderr.startswith('nothing serves a resource "widgets". ')
    result = run(*arguments, "--crd", crd)
    assert result.exit_code == 0, result.output


def test_a_file_without_a_definition_is_told(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
    result = run("new", "w", "--template", "tenant", "--resource", "pods", "--crd", tmp_path / "pod.yaml")
    assert result.stderr == f"{tmp_path}/pod.yaml: holds no CustomResourceDefinition\n"


def test_the_options_name_every_template() -> None:
    from gatekeeper_py.authoring.scaffold import blueprint
    from gatekeeper_py.cli import new

    assert blueprint.TEMPLATES == new.TEMPLATES
