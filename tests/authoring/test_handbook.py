from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatekeeper_py.authoring.entry import Entry, entries
from gatekeeper_py.authoring.handbook import HEADINGS, Page, handbook, index, source_of

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "policies"

POLICY = """\
# Refuses <secrets> of *others*.
#
# Field:    metadata.labels["a"] of ConfigMap, a_b | c
# Stops:    reading
#           them
#
# `kept` as it is.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: p
  annotations: {policy.gatekeeper-py.dev/severity: low, policy.gatekeeper-py.dev/since: unreleased}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}
  validations:
    - expression: tenant == null || tenant.hostnames.size() == 0 || object.metadata.name != 'bad'
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: p}
spec: {policyName: p, validationActions: [Deny], paramRef: {name: x, parameterNotFoundAction: Allow}}
"""
SUITE = """\
objects:
  good: {apiVersion: v1, kind: ConfigMap, metadata: {name: good, namespace: foo}}
  bad: {apiVersion: v1, kind: ConfigMap, metadata: {name: bad, namespace: foo}}
cases:
  - {name: bad is refused, object: bad, user: alice, expect: deny, message: failed}
  - {name: good stays good, object: good, old: good, oldChange: {data: {a: b}}, expect: allow}
"""


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    return handbook(SHIPPED)


@pytest.fixture
def page(tmp_path: Path) -> str:
    folder = tmp_path / "policies" / "things"
    folder.mkdir(parents=True)
    (folder / "p.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "p_test.yaml").write_text(SUITE, encoding="utf-8")
    return handbook(tmp_path / "policies")[0].text


def section(page: str, heading: str) -> str:
    return page.partition(f"\n## {heading}\n\n")[2].partition("\n## ")[0].strip()


def test_the_list_of_policies_is_fresh() -> None:
    assert (ROOT / "docs" / "policies.md").read_text(encoding="utf-8") == index(entries(SHIPPED), source_of)


def test_every_policy_has_a_page_with_all_headings_in_order(pages: list[Page]) -> None:
    assert [page.name for page in pages] == [entry.name for entry in entries(SHIPPED)]
    for page in pages:
        assert tuple(re.findall(r"^## (.*)$", page.text, re.MULTILINE)) == HEADINGS, page.name


def test_every_policy_shows_what_it_refuses_and_what_it_admits(pages: list[Page]) -> None:
    found: dict[str, Entry] = {entry.name: entry for entry in entries(SHIPPED)}
    for page in pages:
        refused = section(page.text, "Refused example")
        assert refused.startswith("None: a mutation") == found[page.name].mutates, page.name
        assert found[page.name].mutates or "```yaml" in refused, page.name
        assert "```yaml" in section(page.text, "Admitted example"), page.name


def test_a_page_says_what_the_comment_block_says_as_it_is_written(page: str) -> None:
    assert section(page, "What it refuses").splitlines() == [
        "Refuses &lt;secrets> of \\*others\\*.",
        "",
        "| | |",
        "|---|---|",
        '| Field | metadata.labels\\["a"\\] of ConfigMap, a\\_b &#124; c |',
    ]
    assert section(page, "Why") == "It stops reading them.\n\n`kept` as it is."


def test_a_page_shows_cases_of_the_suite(page: str) -> None:
    refused = section(page, "Refused example")
    assert refused.startswith(
        "*bad is refused* (CREATE by alice)\n\n```yaml\napiVersion: v1\nkind: ConfigMap\n"
    )
    assert refused.endswith("The request is refused and is told: failed.")
    admitted = section(page, "Admitted example")
    assert admitted.startswith("*good stays good* (UPDATE by a cluster administrator)")
    assert "data:\n  a: b\n```\n\nbecomes\n\n```yaml" in admitted


def test_a_page_lists_what_an_operator_can_set(page: str) -> None:
    assert section(page, "Settings").splitlines()[2:] == [
        "| Tenant `hostnames` | DNS names that may be served: exact, \\*.example.com for all below a name, or \\* for all. |",
        "| params `ConfigMap` | What the binding's paramRef names. |",
    ]


def test_a_page_of_a_policy_that_no_version_shipped_says_so(page: str) -> None:
    assert section(page, "Since") == "Not released yet."
