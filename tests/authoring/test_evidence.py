"""What no case of a suite shows is told, by place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper_py.authoring.evidence import Coverage
from gatekeeper_py.authoring.runner import engine_for, try_on
from gatekeeper_py.authoring.suite import read_suite
from tests.cli.support import POLICIES

POD = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: foo}, spec: {containers: [{name: c, image: nginx}]}}"
NEVER_ABOUT = [
    'the rule of policy "closed-namespaces" is never run',
    'validations[0] of policy "closed-namespaces" is never false',
]
FIRST_POD = [
    'condition "unstamped" of policy "stamp" is never false',
    'validations[0] of policy "no-host" is never false',
    'validations[1] of policy "no-host" is never false',
    'validations[2] of policy "no-host" is never false',
    'messageExpression of validations[2] of policy "no-host" is never run',
    'validations[0] of policy "pinned" is never true',
    *NEVER_ABOUT,
]


def covered(folder: Path, cases: str) -> Coverage:
    (folder / "rule.yaml").write_text(POLICIES)
    path = folder / "rule_test.yaml"
    path.write_text(f"objects: {{pod: {POD}}}\ncases:\n{cases}")
    suite = read_suite(path)
    engine = engine_for(suite)
    coverage = Coverage()
    coverage.expect(engine.policies, map(str, suite.policies))
    assert [outcome.faults for outcome in try_on(coverage.watched(engine), suite, coverage.matched)]
    return coverage


def test_what_one_case_leaves_out(tmp_path: Path) -> None:
    coverage = covered(tmp_path, "  - {name: a, object: pod, expect: warn}\n")
    assert [gap.what for gap in coverage.gaps()] == FIRST_POD
    assert coverage.percentage == pytest.approx(100 * (1 - len(FIRST_POD) / 17))


def test_a_gap_has_its_place(tmp_path: Path) -> None:
    first = covered(tmp_path, "  - {name: a, object: pod, expect: warn}\n").gaps()[0]
    line = POLICIES.splitlines()[first.line - 1]
    assert line[first.column - 1 :].startswith('"!has(object.metadata.labels)"')


def test_files_that_are_not_under_test_are_not_asked_about(tmp_path: Path) -> None:
    assert Coverage().percentage == 100
    assert Coverage().gaps() == []
