"""What the rules keep out of an expression is told; what may go either way is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import CONDITION, POLICY, SUITE, TRUE, found, linted

NEVER = [
    "request.operation == 'DELETE'",
    "request.operation in ['UPDATE', 'DELETE'] && object.metadata.name != ''",
    "object.kind == 'Deployment'",
    "object.kind != 'Pod' || request.kind.kind == 'Job'",
    "oldObject != null && object.metadata.name != ''",
    "object == null",
    "!(request.operation == 'CREATE')",
    "object.kind == 'Pod' ? request.operation == 'UPDATE' : object.metadata.name != ''",
]
ALWAYS = [
    "object.kind == 'Pod'",
    "oldObject == null",
    "request.operation != 'UPDATE'",
    "object.kind in ['Pod', 'Job']",
]
EITHER = [
    "request.operation == 'CREATE' && object.metadata.name != ''",
    "object.kind == 'Pod' && !object.spec.?hostNetwork.orValue(false)",
    "request.subResource == 'status' || object.metadata.name != ''",
    "oldObject == null ? object.metadata.name != '' : true",
]


@pytest.mark.parametrize("text", NEVER)
def test_a_condition_that_no_request_meets(text: str, tmp_path: Path) -> None:
    assert (
        "p.yaml:9:34: GK504 error: no request that the rules let through meets this condition. "
        "The policy never applies: correct the condition, or the rules" in linted(tmp_path, CONDITION, text)
    )


@pytest.mark.parametrize("text", ALWAYS)
def test_a_validation_that_every_request_passes(text: str, tmp_path: Path) -> None:
    assert linted(tmp_path, TRUE, text) == [
        "p.yaml:11:21: GK504 error: every request that the rules let through passes this. "
        "It refuses nothing: correct it, or the rules"
    ]


@pytest.mark.parametrize("text", EITHER)
def test_what_depends_on_the_request_is_not_told(text: str, tmp_path: Path) -> None:
    assert linted(tmp_path, TRUE, text) == []
    assert linted(tmp_path, CONDITION, text) == []


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("[CREATE]", '["*"]', "request.operation == 'DELETE'"),
        ("[CREATE]", "[CREATE, UPDATE]", "oldObject != null"),
        ("[pods]", "[pods, jobs]", "object.kind != 'Pod'"),
        ('[""]', "[certificates.k8s.io]", "object.kind == 'PodCertificateRequest'"),
        ('[""]', "[example.com]", "object.kind == 'Widget'"),
    ],
)
def test_rules_that_let_it_through_are_believed(before: str, after: str, text: str, tmp_path: Path) -> None:
    changed = POLICY.replace(CONDITION, text).replace(before, after)
    changed = changed.replace("[pods, jobs]", "[pods, services]")
    told = found(tmp_path, {"p.yaml": changed, "p_test.yaml": SUITE})
    assert not [line for line in told if "GK504" in line]
