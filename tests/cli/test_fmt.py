"""`gatekeeper fmt`: what is written, what is only told, and exit codes."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from gatekeeper_py.cli import gatekeeper
from tests.cli.support import run

ROUGH = "kind: ValidatingAdmissionPolicy\nspec:\n    expression: 'a&&b'  # why\n"
SMOOTH = "kind: ValidatingAdmissionPolicy\nspec:\n  expression: 'a && b' # why\n"


def test_files_are_laid_out(tmp_path: Path) -> None:
    for name, text in {"a.yaml": ROUGH, "b.yml": SMOOTH, "c_test.yaml": ROUGH, "d.json": "{ }"}.items():
        (tmp_path / name).write_text(text)
    result = run("fmt", tmp_path)
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path}/a.yaml\n2 files, 1 laid out\n")
    assert (tmp_path / "a.yaml").read_text() == SMOOTH
    assert (tmp_path / "c_test.yaml").read_text() == ROUGH
    assert run("fmt", tmp_path).stdout == "2 files, 0 laid out\n"


def test_check_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(ROUGH)
    result = run("fmt", path, "--check")
    assert (result.exit_code, result.stdout) == (1, f"{path}\n1 files, 1 to lay out\n")
    assert path.read_text() == ROUGH
    path.write_text(SMOOTH)
    assert run("fmt", path, "--check").exit_code == 0


def test_diff_shows_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(ROUGH)
    result = run("fmt", path, "--diff")
    assert (result.exit_code, result.stderr) == (1, "1 files, 1 to lay out\n")
    assert result.stdout == (
        f"--- {path}\n+++ {path}\n@@ -1,3 +1,3 @@\n kind: ValidatingAdmissionPolicy\n spec:\n"
        "-    expression: 'a&&b'  # why\n+  expression: 'a && b' # why\n"
    )
    assert path.read_text() == ROUGH


OPEN = "not valid YAML: while parsing a flow node, expected the node content, but found '<stream end>'"


def test_what_cannot_be_laid_out_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yaml").write_text(ROUGH)
    result = run("fmt", tmp_path)
    assert (result.exit_code, result.stderr) == (2, f"{tmp_path}/a.yaml:1:5: left as it is: {OPEN}\n")
    assert (tmp_path / "b.yaml").read_text() == SMOOTH


def test_what_is_no_text_is_told_without_words_of_python(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x80")
    result = run("fmt", tmp_path)
    assert (result.exit_code, result.stderr) == (2, f"{tmp_path}/a.yaml: left as it is: not UTF-8 text\n")


def test_nothing_to_lay_out_is_exit_code_2(tmp_path: Path) -> None:
    assert run("fmt", tmp_path).exit_code == 2
    assert run("fmt", tmp_path / "none").exit_code == 2


def test_standard_input() -> None:
    result = CliRunner().invoke(gatekeeper, ["fmt", "-"], input=ROUGH)
    assert (result.exit_code, result.stdout) == (0, SMOOTH)
    result = CliRunner().invoke(gatekeeper, ["fmt", "-"], input="a: [")
    assert (result.exit_code, result.stderr) == (2, f"<stdin>:1:5: cannot be laid out: {OPEN}\n")
