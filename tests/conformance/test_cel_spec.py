"""Every simple test of google/cel-spec that needs no test message passes, but for a list of exclusions.

The list is exact: a test on it that passes is a failure, too.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.conformance.cel_spec import Test, run
from tests.shared import corpus, needs_shared

pytestmark = needs_shared

TESTS = [Test(document) for document in corpus("cel-spec")]
SUITES = sorted({test.suite for test in TESTS})
EXCLUSIONS = Path(__file__).with_name("cel_spec_exclusions.yaml")


def excluded() -> set[str]:
    groups = yaml.safe_load(EXCLUSIONS.read_text(encoding="utf-8"))
    assert all(group["reason"] for group in groups)
    return {identifier for group in groups for identifier in group["tests"]}


def test_exclusions_name_tests_that_exist() -> None:
    assert excluded() <= {test.identifier for test in TESTS}


@pytest.mark.parametrize("suite", SUITES)
def test_suite_passes_but_for_exclusions(suite: str) -> None:
    outcomes = {test.identifier: run(test) for test in TESTS if test.suite == suite}
    failures = {identifier: outcome for identifier, outcome in outcomes.items() if outcome}
    unexpected = {identifier: failures[identifier] for identifier in failures.keys() - excluded()}
    assert unexpected == {}
    assert sorted(excluded() & outcomes.keys() - failures.keys()) == []
