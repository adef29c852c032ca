"""Params that nobody gives are told where some are given; where none are, they may be in the cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import POLICY, TRUE, found

KIND = "paramKind: {apiVersion: v1, kind: ConfigMap}"
READS = "object.metadata.name != params.data.name"
PARAM = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: names, namespace: rules}\ndata: {name: web}\n"


def told(folder: Path, reference: str, expression: str = READS, given: str = PARAM) -> list[str]:
    text = POLICY.replace("spec:\n  match", f"spec:\n  {KIND}\n  match").replace(TRUE, expression)
    text = text.replace("validationActions: [Deny]", f"validationActions: [Deny]{reference}")
    return [line for line in found(folder, {"p.yaml": text + given}) if "GK109" in line]


def reference(name: str, namespace: str = "rules", action: str = "Deny") -> str:
    return f", paramRef: {{name: {name}, namespace: {namespace}, parameterNotFoundAction: {action}}}"


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (
            reference("nams"),
            'no ConfigMap here is called "nams" in the namespace rules; without one it refuses all that it is about. '
            "Did you mean names?",
        ),
        (
            reference("names", "rule", "Allow"),
            'no ConfigMap here is called "names" in the namespace rule; without one it decides nothing. Did you mean rules?',
        ),
        ("", 'binding "p" names no params, so params is null. Add paramRef'),
    ],
)
def test_a_mistake_is_told(bound: str, expected: str, tmp_path: Path) -> None:
    assert [line.partition("GK109 warning: ")[2] for line in told(tmp_path, bound)] == [expected]


def test_params_that_nothing_reads_are_told(tmp_path: Path) -> None:
    expected = (
        'p.yaml:5:14: GK109 warning: nothing in policy "p" reads params. '
        "Read them where they were meant, or remove paramKind"
    )
    assert told(tmp_path, reference("names"), TRUE) == [expected]


def test_what_is_given_is_not_told(tmp_path: Path) -> None:
    assert told(tmp_path, reference("names")) == []


def test_params_may_be_in_the_cluster(tmp_path: Path) -> None:
    assert told(tmp_path, reference("nams"), given="") == []
