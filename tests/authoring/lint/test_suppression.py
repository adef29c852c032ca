"""A comment with the code suppresses a finding; one that suppresses nothing is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.suppression import unknown_codes, unsuppressed
from gatekeeper_py.manifests.manifest import Problem

COMMENTS = {
    "on the line": ("a\nb # gatekeeper: ignore GK501\n", True),
    "on the line before": ("# gatekeeper: ignore GK501\nb\n", True),
    "for the whole file": ("a\nb\nc\n# gatekeeper: ignore-file GK501\n", True),
    "among others": ("a\nb #gatekeeper:ignore GK101, GK501\n", True),
    "of another code": ("a\nb # gatekeeper: ignore GK101\n", False),
    "on another line": ("a\nb\nc # gatekeeper: ignore GK501\n", False),
    "without a code": ("a\nb # gatekeeper: ignore\n", False),
}


@pytest.mark.parametrize("case", COMMENTS)
def test_a_comment_suppresses(case: str, tmp_path: Path) -> None:
    text, suppressed = COMMENTS[case]
    path = tmp_path / "p.yaml"
    path.write_text(text)
    finding = Finding(Problem(str(path), 2, 1, "what"), "GK501")
    assert list(unsuppressed([finding])) == ([] if suppressed else [finding])


def test_an_error_of_loading_is_not_suppressed(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("a # gatekeeper: ignore GK001\n")
    finding = Finding(Problem(str(path), 1, 1, "what"), "GK001")
    assert list(unsuppressed([finding])) == [finding]
    assert [str(told) for told in unknown_codes([str(path)])] == [
        f"{path}:1:3: GK003 warning: GK001 cannot be suppressed. Mend what it tells"
    ]


def test_a_code_that_does_not_exist_is_told(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("a\n  # gatekeeper: ignore GK999\n")
    assert [str(told) for told in unknown_codes([str(path)])] == [
        f'{path}:2:3: GK003 warning: there is no code "GK999". Write one of docs/lint.md'
    ]
