"""`--fix` mends the words that can mean nothing else, and leaves everything else as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.lint.linting import lint
from gatekeeper_py.authoring.lint.repair import mended, replacement
from tests.authoring.lint.test_linting import POLICY, SUITE, TRUE, found
from tests.cli.support import run

MENDED = {
    "a resource": ("[pods]", "[pod]"),
    "a quoted resource": ("[pods]", '["pod"]'),
    "a kind for a resource": ("[pods]", "[Pod]"),
    "a field": ("?hostNetwork", "?hostNetwrk"),
    "two on one line": (TRUE, "!object.spec.?hostNetwrk.orValue(false) && !object.spec.?hostPIDs.orValue(false)"),
}  # fmt: skip


@pytest.mark.parametrize("name", MENDED)
def test_a_word_is_mended(name: str, tmp_path: Path) -> None:
    before, after = MENDED[name]
    found(tmp_path, {"p.yaml": POLICY.replace(before, after), "p_test.yaml": SUITE})
    result = run("lint", tmp_path, "--fix")
    assert (result.exit_code, result.stdout) == (0, "0 errors, 0 warnings\n")
    assert "mended: " in result.stderr
    assert lint([tmp_path]) == []


NOT_MENDED = {
    "what is not certain": ("[CREATE]", "[CREATE, CONNECT]"),
    "what has no one meaning": (TRUE, "!has(object.spec.hostNet)"),
}


@pytest.mark.parametrize("name", NOT_MENDED)
def test_what_is_not_sure_is_left(name: str, tmp_path: Path) -> None:
    before, after = NOT_MENDED[name]
    text = POLICY.replace(before, after)
    found(tmp_path, {"p.yaml": text, "p_test.yaml": SUITE})
    findings = lint([tmp_path])
    assert [replacement(each) for each in findings if each.code in ("GK103", "GK104", "GK201")] != []
    assert mended(findings) == []
    assert (tmp_path / "p.yaml").read_text() == text


def test_what_has_changed_meanwhile_is_left(tmp_path: Path) -> None:
    found(tmp_path, {"p.yaml": POLICY.replace("[pods]", "[pod]"), "p_test.yaml": SUITE})
    findings = lint([tmp_path])
    (tmp_path / "p.yaml").write_text("# another line\n" + POLICY)
    assert mended(findings) == []
