"""Each point of the semantics of native policies is as in a live kube-apiserver 1.36.3."""

from __future__ import annotations

import pytest

from tests.conformance.cases import Case, all_cases, differences, known_differences
from tests.shared import needs_shared

pytestmark = needs_shared

CORPUS = "semantics-cases"


@pytest.mark.parametrize("case", all_cases(CORPUS), ids=lambda case: case.id)
def test_decides_as_the_api_server_did(case: Case) -> None:
    assert bool(differences(case)) == (case.id in known_differences(CORPUS)), differences(case)


def test_no_difference_is_listed_that_no_case_has() -> None:
    assert known_differences(CORPUS).keys() <= {case.id for case in all_cases(CORPUS)}
