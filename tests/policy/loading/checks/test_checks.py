"""What a live kube-apiserver 1.36.3 said of 115 documents (`refusals.json`), said here word for word.

A refusal there is one message; here it is one problem for each fault. A value of a wrong type ends the API
server's reading, so there it names the first one only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.evaluation.compilation import Environments
from gatekeeper_py.policy.loading.checks import check_binding, check_policy
from gatekeeper_py.policy.loading.shape import shape_problems

REFUSALS = json.loads((Path(__file__).parent / "refusals.json").read_text())

NAMELESS = {"generateName", "generate+audit"}
"""The API server makes a name; a policies directory cannot."""


@pytest.fixture(scope="module")
def environments() -> Environments:
    return Environments()


def problems_of(document: dict[str, Any], environments: Environments) -> list[str]:
    manifest = Manifest(document, Source("policy.yaml"))
    shape = [problem.what for problem in shape_problems(manifest)]
    if shape:
        return shape
    if document["kind"].endswith("Binding"):
        return [problem.what for problem in check_binding(manifest)[1]]
    return [problem.what for problem in check_policy(manifest, environments)[1]]


def together(problems: list[str]) -> str:
    """Several faults in one message, as the API server has them."""
    begin = problems[0].partition(" is invalid: ")[0] + " is invalid: "
    faults = list(dict.fromkeys(problem.removeprefix(begin) for problem in problems))
    return begin + (faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")


@pytest.mark.parametrize(
    "refusal",
    [pytest.param(row, id=row["case"]) for row in REFUSALS if row["case"] not in NAMELESS],
)
def test_says_what_the_api_server_says(refusal: dict[str, Any], environments: Environments) -> None:
    found, expected = problems_of(refusal["object"], environments), refusal["message"]
    if not expected:
        assert found == []
    elif " is invalid: " in expected:
        assert together(found) == expected
    elif "strict decoding error: " in expected:
        begin, _, unknown = expected.partition("strict decoding error: ")
        said = {f"{begin}strict decoding error: {field}" for field in unknown.split(", ")}
        assert set(found) == said
    else:
        assert expected in found


def test_every_fault_of_a_wrong_type_is_named(environments: Environments) -> None:
    (row,) = [row for row in REFUSALS if row["case"] == "two types"]
    field = "json: cannot unmarshal number into Go struct field"
    assert {problem.split(": ", 1)[1] for problem in problems_of(row["object"], environments)} == {
        f"{field} Validation.spec.validations.expression of type string",
        f"{field} ValidatingAdmissionPolicySpec.spec.failurePolicy of type v1.FailurePolicyType",
        'strict decoding error: unknown field "spec.foo"',
    }


@pytest.mark.parametrize("case", sorted(NAMELESS))
def test_a_policy_without_a_name_is_refused(case: str, environments: Environments) -> None:
    (row,) = [row for row in REFUSALS if row["case"] == case]
    assert any("metadata.name: Required value" in what for what in problems_of(row["object"], environments))
