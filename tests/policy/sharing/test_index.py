from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.manifests.manifest import Source
from gatekeeper_py.objects.resource import GroupVersionResource
from gatekeeper_py.policy.model import MatchResources, Rule, ValidatingBinding, ValidatingPolicy
from gatekeeper_py.policy.sharing import index
from gatekeeper_py.policy.sharing.index import PolicyIndex
from tests.policy.matching.test_match import POD


def policy(name: str, *, bound: bool = True, **rule: Any) -> ValidatingPolicy:
    given: dict[str, Any] = {
        "operations": ("CREATE",),
        "groups": ("",),
        "versions": ("v1",),
        "resources": ("pods",),
    }
    binding = ValidatingBinding(name, Source("p"), name)
    return ValidatingPolicy(
        name,
        Source("p"),
        MatchResources((Rule(**(given | rule)),)),
        bindings=(binding,) if bound else (),
    )


@pytest.fixture
def policies() -> PolicyIndex[ValidatingPolicy]:
    return PolicyIndex(
        [
            policy("z"),
            policy("other-operation", operations=("DELETE",)),
            policy("other-resource", resources=("services",)),
            policy("other-group", groups=("apps",)),
            policy("other-version", versions=("v2",)),
            policy("anything", operations=("*",), groups=("*",), resources=("*/*",)),
            policy("unbound", bound=False),
        ]
    )


def test_finds_by_resource_and_operation_in_the_order_of_names(
    policies: PolicyIndex[ValidatingPolicy],
) -> None:
    found = [one.policy.name for one in policies.concerning(POD)]
    assert found == ["anything", "other-version", "z"]
    assert policies.concerning(POD) is policies.concerning(replace(POD, name="another"))


@pytest.mark.parametrize(
    ("excluded", "found"),
    [
        ({}, []),
        ({"operations": ("*",), "groups": ("*",), "resources": ("*/*",)}, []),
        ({"names": ("web",)}, ["p"]),
        ({"operations": ("DELETE",)}, ["p"]),
        ({"versions": ("v2",)}, ["p"]),
        ({"resources": ("pods/status",)}, ["p"]),
        ({"scope": "Cluster"}, ["p"]),
    ],
)
def test_what_is_excluded_whatever_its_name_concerns_no_policy(
    excluded: dict[str, Any], found: list[str]
) -> None:
    given = policy("p")
    rules = policy("p", **excluded).match.rules
    policies = PolicyIndex([replace(given, match=replace(given.match, exclude_rules=rules))])
    assert [one.policy.name for one in policies.concerning(POD)] == found


@pytest.mark.parametrize(
    ("excluded", "sure"),
    [
        ({"resources": ("services",)}, True),
        ({"groups": ("apps",)}, True),
        ({"operations": ("DELETE",)}, True),
        ({"names": ("web",)}, False),
        ({"versions": ("v2",)}, False),
    ],
)
def test_a_policy_is_sure_to_match_where_what_it_excludes_is_something_else(
    excluded: dict[str, Any], sure: bool
) -> None:
    made = policy("p")
    rules = policy("x", **excluded).match.rules
    index = PolicyIndex([replace(made, match=replace(made.match, exclude_rules=rules))])
    (candidate,) = index.concerning(POD)
    assert candidate.always_matches is sure


def test_subresources_are_told_apart(policies: PolicyIndex[ValidatingPolicy]) -> None:
    assert [one.policy.name for one in policies.concerning(replace(POD, subresource="status"))] == [
        "anything"
    ]


def test_exempt_resources_concern_nobody(policies: PolicyIndex[ValidatingPolicy]) -> None:
    review = GroupVersionResource("authentication.k8s.io", "v1", "tokenreviews")
    assert not policies.concerning(replace(POD, resource=review))


def test_answers_are_right_when_no_more_are_remembered(
    policies: PolicyIndex[ValidatingPolicy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MAX_KEYS", 0)
    assert len(policies.concerning(POD)) == 3
    assert len(policies.concerning(POD)) == 3


def test_is_a_sequence_of_all_policies(policies: PolicyIndex[ValidatingPolicy]) -> None:
    assert len(policies) == 7
    assert [one.name for one in policies][-1] == policies[-1].name == "z"
    assert [one.name for one in policies[:1]] == ["anything"]
