"""Selectors and exclusions that leave nothing, or do nothing, are told; those that narrow are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import POLICY, found

RULES = (
    'resourceRules:\n      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}\n'
)
NODES = RULES.replace("pods", "nodes")

MISTAKES = {
    "a label that must be and must not be": (
        "namespaceSelector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: DoesNotExist}]}",
        '8:24: GK106 error: no label "a" can be as this asks, so nothing is selected',
    ),
    "two values of one label": (
        "objectSelector: {matchExpressions: [{key: a, operator: In, values: [b]}, {key: a, operator: NotIn, values: [b]}]}",
        '8:21: GK106 error: no label "a" can be as this asks, so nothing is selected',
    ),
    "everything excluded": (
        'excludeResourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]',
        "8:27: GK106 error: everything that the rules name is excluded, so nothing is selected. Exclude less",
    ),
    "an exclusion of what is not named": (
        "excludeResourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]",
        "8:28: GK107 warning: the rules name nothing of this, so it excludes nothing. Correct it, or remove it",
    ),
    "an exclusion of another operation": (
        'excludeResourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [DELETE], resources: [pods]}]',
        "8:28: GK107 warning: the rules name nothing of this, so it excludes nothing",
    ),
    "a misspelt label of the name": (
        "namespaceSelector: {matchLabels: {kubernetes.io/metadata-name: foo}}",
        '8:24: GK107 warning: no namespace has a label "kubernetes.io/metadata-name" of itself. '
        "Did you mean kubernetes.io/metadata.name?",
    ),
    "a field for a label": (
        "namespaceSelector: {matchExpressions: [{key: metadata.name, operator: NotIn, values: [a]}]}",
        '8:24: GK107 warning: no namespace has a label "metadata.name" of itself',
    ),
    "a label for a namespace of the system's": (
        "namespaceSelector: {matchExpressions: [{key: name, operator: NotIn, values: [kube-system]}]}",
        '8:24: GK107 warning: no namespace has a label "name" of itself',
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str, tmp_path: Path) -> None:
    after, expected = MISTAKES[mistake]
    text = POLICY.replace(RULES, f"{RULES}    {after}\n")
    told = [line for line in found(tmp_path, {"p.yaml": text}) if "GK10" in line]
    assert len(told) == 1
    assert told[0].removeprefix("p.yaml:").startswith(expected)


def test_a_selector_of_namespaces_for_what_is_in_none(tmp_path: Path) -> None:
    text = POLICY.replace(RULES, f"{NODES}    namespaceSelector: {{matchLabels: {{a: b}}}}\n")
    assert [line for line in found(tmp_path, {"p.yaml": text}) if "GK10" in line] == [
        "p.yaml:8:24: GK107 warning: the rules reach nothing that is in a namespace, and what is in none is "
        "selected whatever this says. Remove it, and say by a match condition what is meant"
    ]


@pytest.mark.parametrize(
    "after",
    [
        "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: foo}}",
        "namespaceSelector: {matchExpressions: [{key: name, operator: In, values: [foo]}]}",
        "namespaceSelector: {matchExpressions: [{key: a, operator: In, values: [b, c]}, {key: a, operator: NotIn, values: [b]}]}",
        'excludeResourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"], resourceNames: [a]}]',
        'excludeResourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: ["*/*"], scope: Cluster}]',
    ],
)
def test_what_may_be_right_is_not_told(after: str, tmp_path: Path) -> None:
    text = POLICY.replace(RULES, f"{RULES}    {after}\n")
    assert not [line for line in found(tmp_path, {"p.yaml": text}) if "GK106" in line or "label" in line]


def test_a_binding_has_selectors_of_its_own(tmp_path: Path) -> None:
    narrowed = "policyName: p, matchResources: {namespaceSelector: {matchLabels: {metadata.name: a}}}"
    told = found(tmp_path, {"p.yaml": POLICY.replace("policyName: p", narrowed)})
    assert any(line.startswith("p.yaml:16:59: GK107") for line in told)
