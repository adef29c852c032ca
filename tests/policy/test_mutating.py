"""What all mutating policies together make of an object."""

from __future__ import annotations

import pytest

from gatekeeper_py.policy.admission.decision import Decision
from tests.policy.support import CONFIG_MAP, Json, bound, engine, mutating, request

CASES: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cases", "labels": {"a": "1"}}}


def decide(*objects: Json) -> Decision:
    return engine(*objects, cluster=(CASES,)).review(request(CONFIG_MAP))


def test_a_failing_mutation_denies_and_nothing_is_changed() -> None:
    good = mutating("a", "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]")
    bad = mutating("b", "[JSONPatch{op: 'remove', path: '/data/gone'}]")
    decision = decide(good, bad)
    assert (decision.allowed, decision.patch, decision.object) == (False, (), CONFIG_MAP)
    assert [finding.policy for finding in decision.findings] == ["b"]


def test_what_matches_is_settled_before_anything_changes() -> None:
    first = mutating("a", "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'x': '1'}}]")
    by_label = mutating(
        "b",
        "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]",
        matchConstraints={
            "resourceRules": [
                {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
            ],
            "objectSelector": {"matchLabels": {"x": "1"}},
        },
    )
    decision = decide(first, by_label)
    assert decision.object is not None
    assert (decision.object["metadata"]["labels"], decision.object["data"]) == ({"x": "1"}, {"a": "1"})


def test_a_condition_sees_what_policies_before_it_made() -> None:
    first = mutating("a", "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]")
    second = mutating(
        "b",
        "[JSONPatch{op: 'add', path: '/data/c', value: '1'}]",
        matchConditions=[{"name": "c", "expression": "'b' in object.data"}],
    )
    decision = decide(first, second)
    assert decision.object is not None
    assert decision.object["data"] == {"a": "1", "b": "1", "c": "1"}


ONCE_MORE = "[JSONPatch{op: 'add', path: '/data/n', value: string(size(object.data))}]"
"""Counts the object's data: a second round leaves a higher number than the first."""


@pytest.mark.parametrize(("reinvocation", "counted"), [("Never", "1"), ("IfNeeded", "3")])
def test_a_policy_that_asks_for_it_runs_once_more_over_what_all_left(reinvocation: str, counted: str) -> None:
    first = mutating("a", ONCE_MORE, reinvocationPolicy=reinvocation)
    second = mutating("b", "[JSONPatch{op: 'add', path: '/data/b', value: '1'}]")
    decision = decide(first, second)
    assert decision.object is not None
    assert decision.object["data"]["n"] == counted


def test_denials_name_unusable_policies_first_then_failed_mutations() -> None:
    failing = mutating("a", "[JSONPatch{op: 'remove', path: '/data/gone'}]")
    unusable = mutating(
        "b", ONCE_MORE, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}, failurePolicy="Fail"
    )
    missing = bound(unusable, "b", paramRef={"name": "gone", "parameterNotFoundAction": "Deny"})
    decision = decide(failing, unusable, missing)
    assert [(finding.policy, finding.binding) for finding in decision.findings] == [("b", "b"), ("a", "a-b")]
