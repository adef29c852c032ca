"""The examples that open in the playground: those of the documents, and the shipped policies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.authoring.playground.samples import Sample, documented, samples, shipped
from gatekeeper_py.authoring.playground.sheet import Sheet
from gatekeeper_py.authoring.playground.tryout import try_out
from tests.shipped import POLICIES

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
DOCUMENTED = list(documented(PAGES))
SHIPPED = list(shipped(ROOT / "policies"))


def failures(tree: dict[str, Any]) -> Iterator[str]:
    """The parts of an expression that have no value."""
    if tree["failed"]:
        yield tree["text"]
    for part in tree["parts"]:
        yield from failures(part)


def named(sample: Sample) -> str:
    return f"{sample.group}/{sample.name}"


def test_every_expression_of_the_documents_is_an_example() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    expressions = [
        block.strip() for block in re.findall(r"^```cel\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]
    policies = [" ".join(sample.sheet.policy.split()) for sample in DOCUMENTED]
    assert expressions
    assert [
        each for each in expressions if not any(" ".join(each.split()) in policy for policy in policies)
    ] == []


@pytest.mark.parametrize("sample", DOCUMENTED, ids=named)
def test_an_example_of_the_documents_opens_without_a_fault(sample: Sample) -> None:
    answer = try_out(sample.sheet)
    assert answer["problems"] == []
    for request in answer["requests"]:
        assert request["verdict"] != "unusable", request
        explained = [each for policy in request["policies"] for each in policy["expressions"]]
        assert [failure for each in explained for failure in failures(each["tree"])] == []


def test_every_policy_that_ships_is_an_example() -> None:
    suites = {path.stem.removesuffix("_test") for path in POLICIES.rglob("*_test.yaml")}
    tested = {path.stem for path in POLICIES.rglob("*.yaml") if path.stem in suites}
    assert {sample.name for sample in SHIPPED} == tested


@pytest.mark.parametrize("sample", SHIPPED, ids=named)
def test_a_shipped_policy_shows_what_it_does(sample: Sample) -> None:
    answer = try_out(sample.sheet)
    assert answer["problems"] == []
    assert {request["verdict"] for request in answer["requests"]} <= {"denied", "warned", "changed"}
    assert answer["requests"]


def test_documents_are_put_into_the_panes_they_belong_in(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    policy = (
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\n"
    )
    tenant = "apiVersion: tenancy.gatekeeper-py.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\n"
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
    blocks = [secret, tenant, f"{policy}---\n{tenant}---\n{secret}", "cases: []\n", "{{ chart }}\n"]
    page.write_text(
        "# Title\n## Part\n" + "".join(f"```yaml\n{block}```\n" for block in blocks), encoding="utf-8"
    )
    first, second, third = documented([page])
    assert (first.group, first.name, second.name) == ("Title", "Part", "Part (2)")
    assert first.sheet == Sheet(manifest=secret)
    assert second.sheet.tenants == tenant
    assert second.sheet.policy
    assert "kind: ValidatingAdmissionPolicy" in third.sheet.policy
    assert "kind: Tenant" in third.sheet.tenants
    assert "kind: Secret" in third.sheet.manifest


def test_what_an_installation_lacks_gives_none() -> None:
    assert samples(None, None) == []
