"""What loads well and does nothing is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.policy.loading.idle import idle, nothing_in, unserved
from gatekeeper_py.policy.loading.load import load
from tests.policy.support import bound, manifests, mutating, validating

Json = dict[str, Any]
PATCH = "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]"
GAUGES: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gauges.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Gauge", "plural": "gauges"},
        "versions": [{"name": "v1", "served": True, "storage": True}],
    },
}


def rule(**fields: Any) -> Json:
    return {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"], **fields}


def about(*rules: Json, name: str = "p") -> Json:
    always = [{"expression": "true"}]
    return validating(name, matchConstraints={"resourceRules": list(rules)}, validations=always)


def told(*objects: Json, kinds: Kinds | None = None) -> list[str]:
    return [str(problem) for problem in idle(load(manifests(*objects)), kinds or Kinds.builtin())]


def test_a_policy_without_a_binding_is_told() -> None:
    assert told(about(rule()), mutating("m", PATCH)) == [
        'test.json:1:109: policy "p" has no binding, so it is not in force. '
        "Add a ValidatingAdmissionPolicyBinding with policyName p",
        'test.json:2:107: policy "m" has no binding, so it is not in force. '
        "Add a MutatingAdmissionPolicyBinding with policyName m",
    ]


SLIPS: dict[str, tuple[Json, str]] = {
    "a kind": (rule(resources=["Pod"]), '"Pod" selects nothing that is served. Did you mean pods?'),
    "one": (rule(resources=["pod"]), '"pod" selects nothing that is served. Did you mean pods?'),
    "one of several": (
        rule(resources=["pods", "pod/status"]),
        '"pod/status" selects nothing that is served. Did you mean pods/status?',
    ),
    "in any group": (
        rule(apiGroups=["*"], apiVersions=["*"], resources=["deployment"]),
        '"deployment" selects nothing that is served. Did you mean deployments?',
    ),
    "a version": (
        rule(apiGroups=["apps"], apiVersions=["v1beta1"], resources=["deployments"]),
        '"deployments" selects nothing that is served. It is served in v1',
    ),
    "a scope": (
        rule(resources=["pods"], scope="Cluster"),
        '"pods" selects nothing that is served. It is served in v1, and its scope is not Cluster',
    ),
    "a group": (
        rule(apiGroups=["app"], resources=["deployments"]),
        '"app" selects nothing that is served. Did you mean apps?',
    ),
    "a group with a dot": (
        rule(apiGroups=["networkin.k8s.io"], resources=["ingresses"]),
        '"networkin.k8s.io" selects nothing that is served. Did you mean networking.k8s.io?',
    ),
    "the core group": (
        rule(apiGroups=["core"]),
        '"core" selects nothing that is served. No CustomResourceDefinition can have a group without a dot',
    ),
}


@pytest.mark.parametrize("case", SLIPS)
def test_a_slip_of_the_pen_in_a_policy_is_told(case: str) -> None:
    slip, said = SLIPS[case]
    policy = about(rule(), slip)
    (found,) = told(policy, bound(policy))
    assert found.partition(": ")[2] == said


@pytest.mark.parametrize("case", SLIPS)
def test_a_slip_of_the_pen_in_a_binding_is_told(case: str) -> None:
    slip, said = SLIPS[case]
    policy = about(rule(apiGroups=["*"], apiVersions=["*"], resources=["*/*"]))
    found = told(policy, bound(policy, matchResources={"resourceRules": [rule(), slip]}))
    assert said in [each.partition(": ")[2] for each in found]


WELL = {
    "all": rule(apiGroups=["*"], apiVersions=["*"], resources=["*"]),
    "subresources": rule(resources=["pods/*", "*/status"]),
    "a custom group": rule(apiGroups=["argoproj.io"], apiVersions=["*"], resources=["application"]),
    "a group that ends like another": rule(apiGroups=["gateway.networking.k8s.io"], resources=["gateways"]),
    "a feature that is off": rule(
        apiGroups=["scheduling.k8s.io"], apiVersions=["*"], resources=["podgroups"]
    ),
}


@pytest.mark.parametrize("case", WELL)
def test_what_may_be_served_is_not_told(case: str) -> None:
    policy = about(WELL[case])
    assert told(policy, bound(policy)) == []


def test_a_custom_kind_is_known_by_its_definition() -> None:
    kinds = Kinds.builtin().with_definitions([GAUGES])
    policy = about(rule(apiGroups=["example.com"], resources=["gauge"]))
    (found,) = told(policy, bound(policy), kinds=kinds)
    assert "Did you mean gauges?" in found
    assert told(policy, bound(policy)) == []


def test_a_binding_apart_from_its_policy_is_told() -> None:
    policy = about(rule(resources=["pods"]))
    narrowed = bound(policy, matchResources={"resourceRules": [rule(resources=["services"])]})
    (found,) = told(policy, narrowed)
    assert found.partition(": ")[2] == (
        'binding "p-b" selects nothing that policy "p" is about. Name resources that the policy names, too'
    )
    same = bound(policy, matchResources={"resourceRules": [rule(resources=["pods", "services"])]})
    assert told(policy, same) == []


def test_where_all_kinds_are_known_policies_about_none_are_named() -> None:
    policies = about(rule(apiGroups=["argoproj.io"], resources=["applications"]), name="argo"), about(rule())
    assert unserved(load(manifests(*policies)), Kinds.builtin()) == ("argo",)


REMEDY = "Name the folder of ValidatingAdmissionPolicies and their bindings"


@pytest.mark.parametrize(
    ("names", "instead"),
    [
        ([], ": it is empty"),
        ([".hidden.yaml"], ": it is empty"),
        (["only_test.yaml"], ""),
        (
            ["README", "p.yaml.bak"],
            ": no name in it ends with .json, .jsonl, .yaml, .yml, only README, p.yaml.bak are there",
        ),
        (
            [*"abcdefg"],
            ": no name in it ends with .json, .jsonl, .yaml, .yml, only a, b, c, d, e and 2 more are there",
        ),
    ],
)
def test_a_folder_without_policies_is_told_by_what_it_holds(
    tmp_path: Path, names: list[str], instead: str
) -> None:
    for name in names:
        (tmp_path / name).write_text("# nothing\n")
    assert str(nothing_in(tmp_path)) == f"{tmp_path}: holds no policy{instead}. {REMEDY}"
