"""What mends a finding: applied, the finding is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.editor.inspection import Inspection
from gatekeeper_py.authoring.editor.quickfixes import QuickFix, quick_fixes
from gatekeeper_py.authoring.lint.finding import Finding
from tests.authoring.editor.policies import GOOD, POLICY

OF_A_SUITE = "# gatekeeper: ignore-file GK601\n"


def applied(fix: QuickFix, text: str) -> str:
    return text[: fix.start] + fix.text + text[fix.end :]


def found(folder: Path, text: str) -> list[Finding]:
    return Inspection(folder).look({folder / "a.yaml": text})


@pytest.mark.parametrize(
    ("old", "new", "code", "title"),
    [
        ("c.image", "c.imge", "GK201", "Write image"),
        ("[pods]", "[pod]", "GK103", "Write pods"),
        ("spec: {policyName: pinned", "spec: {policyName: pined", "GK001", "Write pinned"),
        ("tenant !=", "tenat !=", "GK001", "Write tenant"),
        ("c.image.contains", "c.image.containz", "GK001", "Write contains"),
        ("[CREATE]", "[CRAETE]", "GK001", "Write CREATE"),
        ("  validations:", "  validation:", "GK001", "Write validations"),
    ],
)
def test_the_word_that_was_meant(old: str, new: str, code: str, title: str, tmp_path: Path) -> None:
    text = OF_A_SUITE + GOOD.replace(old, new)
    findings = found(tmp_path, text)
    assert code in [each.code for each in findings]
    fixes = [fix for each in findings for fix in quick_fixes(each, text) if fix.title == title]
    assert fixes
    assert fixes[0].preferred
    assert found(tmp_path, applied(fixes[0], text)) == []


@pytest.mark.parametrize("kind", ["Validating", "Mutating"])
def test_a_binding_is_added(kind: str, tmp_path: Path) -> None:
    text = OF_A_SUITE + GOOD.partition("---\n")[0]
    if kind == "Mutating":
        text = text.replace("Validating", "Mutating").partition("  variables:")[0]
        text += "  reinvocationPolicy: Never\n  mutations:\n    - patchType: JSONPatch\n"
        text += '      jsonPatch:\n        expression: \'[JSONPatch{op: "add", path: "/spec/hostIPC", value: false}]\''
    findings = found(tmp_path, text)
    assert [each.code for each in findings] == ["GK101"]
    fix = quick_fixes(findings[0], text)[0]
    assert fix.title == "Add a binding of pinned"
    assert found(tmp_path, applied(fix, text)) == []


def test_a_comment_lets_a_finding_pass(tmp_path: Path) -> None:
    text = OF_A_SUITE + GOOD.replace("      message: pin images\n", "")
    findings = found(tmp_path, text)
    assert [each.code for each in findings] == ["GK501"]
    fixes = quick_fixes(findings[0], text)
    assert [fix.title for fix in fixes] == ["Ignore GK501 here"]
    assert found(tmp_path, applied(fixes[0], text)) == []


def test_no_comment_is_put_into_an_expression(tmp_path: Path) -> None:
    """There it would be a part of the text."""
    wrong = ">-\n        variables.most > 0 &&\n        object.spec.nothing == 1"
    text = OF_A_SUITE + POLICY.replace("EXPRESSION", wrong)
    findings = found(tmp_path, text)
    assert [each.code for each in findings] == ["GK201"]
    assert [fix.title for fix in quick_fixes(findings[0], text)] == []


def test_what_cannot_be_suppressed_is_not(tmp_path: Path) -> None:
    text = OF_A_SUITE + GOOD.replace("tenant !=", "nobodyKnows !=")
    assert [fix for each in found(tmp_path, text) for fix in quick_fixes(each, text)] == []
