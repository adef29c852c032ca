"""`gatekeeper import`: files, what is left out, and exit codes."""

from __future__ import annotations

from pathlib import Path

from tests.authoring.migration.test_migrated import RULES
from tests.cli.support import run, write

MUTATES = RULES + "    - {name: changes, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {a: b}}\n"


def test_everything_is_carried(tmp_path: Path) -> None:
    write(tmp_path, kyverno=RULES)
    result = run("import", tmp_path / "kyverno.yaml", "--dir", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (0, f"1 files in {tmp_path}/out, 0 left out\n")
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a}]}}"
    assert run("review", "--policies", tmp_path / "out", "-f", "-", stdin=pod).exit_code == 1


def test_what_is_left_out_is_exit_code_1(tmp_path: Path) -> None:
    write(tmp_path, kyverno=MUTATES)
    result = run("import", tmp_path / "kyverno.yaml", "--dir", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, f"1 files in {tmp_path}/out, 1 left out\n")
    line = len(MUTATES.splitlines())
    assert result.stderr.startswith(f"LEFT OUT {tmp_path}/kyverno.yaml:{line}:")
    assert "mutate has no like here. The rule is left out" in result.stderr


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write(tmp_path, kyverno=RULES)
    write(tmp_path / "out", p="mine")
    result = run("import", tmp_path / "kyverno.yaml", "--dir", tmp_path / "out")
    assert result.exit_code == 2
    assert (
        result.stderr
        == f"{tmp_path}/out/p.yaml: is there already, and nothing is overwritten. Name another --dir\n"
    )
    assert (tmp_path / "out" / "p.yaml").read_text() == "mine"


def test_nothing_to_import_is_exit_code_1(tmp_path: Path) -> None:
    write(tmp_path, pod="{apiVersion: v1, kind: Pod, metadata: {name: a}}")
    result = run("import", tmp_path / "pod.yaml", "--dir", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, f"0 files in {tmp_path}/out, 0 left out\n")
    assert "Pod is nothing that is imported" in result.stderr
    assert run("import", tmp_path / "none", "--dir", tmp_path / "out").exit_code == 2


def test_a_folder_that_holds_nothing_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    result = run("import", tmp_path / "theirs", "--dir", tmp_path / "ours")
    said = "holds nothing to import. Name the folder of Kyverno's policies, or of Gatekeeper's templates"
    assert (result.exit_code, result.stderr) == (2, f"{tmp_path / 'theirs'}: {said}\n")
    assert not (tmp_path / "ours").exists()
