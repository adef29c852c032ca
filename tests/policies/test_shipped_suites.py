"""Every shipped policy has a suite beside it, and every case of every suite goes as it says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from gatekeeper_py.authoring.runner import Outcome, run, tenancy_documents
from gatekeeper_py.authoring.suite import find_suites, read_suite
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.policy.loading.load import read
from tests.shipped import POLICIES, SHIPPED

SUITES = find_suites([POLICIES])


@cache
def tenancy() -> tuple[Manifest, ...]:
    return tenancy_documents(SHIPPED)


@pytest.mark.parametrize("path", SUITES, ids=lambda path: str(path.relative_to(POLICIES)))
def test_every_case_goes_as_it_says(path: Path) -> None:
    outcomes = run(read_suite(path), tenancy())
    assert [_described(outcome) for outcome in outcomes if not outcome.passed] == []


def _described(outcome: Outcome) -> str:
    return f"{outcome.case.source.line}: {outcome.case.name}: {'; '.join(outcome.faults)}"


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
