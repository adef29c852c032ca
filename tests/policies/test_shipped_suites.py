"""Every shipped policy has a suite beside it, and every case of every suite goes as it says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatekeeper_py.authoring.runner import Outcome, run
from gatekeeper_py.authoring.suite import Suite, find_suites, read_suite
from gatekeeper_py.cli import gatekeeper
from gatekeeper_py.cluster.live import BASE_KINDS
from gatekeeper_py.engine import load_policies
from gatekeeper_py.objects.projection import IDENTITY, WHOLE
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.reads import read_by
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS

POLICIES = Path(__file__).parents[2] / "policies"
SUITES = find_suites([POLICIES])


@pytest.mark.parametrize("path", SUITES, ids=lambda path: str(path.relative_to(POLICIES)))
def test_every_case_goes_as_it_says(path: Path) -> None:
    outcomes = run(read_suite(path))
    assert [_described(outcome) for outcome in outcomes if not outcome.passed] == []


KEPT = {**read_by(load_policies(read([POLICIES]))), **dict.fromkeys((*BASE_KINDS, *TENANCY_KINDS), WHOLE)}
LOOKING = [suite for suite in map(read_suite, SUITES) if suite.cluster]


def as_followed(obj: Object) -> Object:
    """What the live view keeps of an object."""
    kind = GroupVersionKind.parse(obj["apiVersion"], obj["kind"])
    kept: Object = KEPT.get(kind, IDENTITY).keep(obj)
    return kept


@pytest.mark.parametrize("suite", LOOKING, ids=lambda suite: str(suite.path.relative_to(POLICIES)))
def test_what_the_live_view_keeps_of_a_cluster_is_enough(suite: Suite) -> None:
    outcomes = run(replace(suite, cluster=tuple(map(as_followed, suite.cluster))))
    assert [_described(outcome) for outcome in outcomes if not outcome.passed] == []


def _described(outcome: Outcome) -> str:
    return f"{outcome.case.source.line}: {outcome.case.name}: {'; '.join(outcome.faults)}"


@pytest.mark.parametrize("folder", sorted({path.parent for path in SUITES}), ids=lambda path: path.name)
def test_the_suites_of_a_folder_need_nothing_beside_it(folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / folder.name))
    for path in find_suites([copied])[:3]:
        assert [_described(outcome) for outcome in run(read_suite(path)) if not outcome.passed] == []


def test_every_part_of_every_policy_is_shown() -> None:
    result = CliRunner().invoke(gatekeeper, ["test", str(POLICIES), "--min-coverage", "100"])
    assert (result.exit_code, result.output.splitlines()[1:]) == (0, ["coverage 100.0 %"])


def test_every_policy_has_a_suite() -> None:
    files = {Path(m.source.path) for m in read([POLICIES]) if m.object["kind"].endswith("AdmissionPolicy")}
    tested = {path.with_name(path.name.replace("_test.", ".")) for path in SUITES}
    assert files == tested


def test_every_suite_has_a_case_that_passes_and_one_that_does_not() -> None:
    one_sided = [
        str(path.relative_to(POLICIES))
        for path in SUITES
        if len({case.expect for case in read_suite(path).cases}) < 2
        and not any(case.patched for case in read_suite(path).cases)
    ]
    assert one_sided == []
