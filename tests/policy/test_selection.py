"""Which bindings and params a policy is evaluated with, and what becomes of those that cannot be used."""

from __future__ import annotations

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from tests.policy.support import CONFIG_MAP, Json, bound, engine, manifests, mutating, request, validating

CASES: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cases"}}
PARAM_KIND = {"apiVersion": "v1", "kind": "ConfigMap"}


@pytest.mark.parametrize("kind", ["validating", "mutating"])
@pytest.mark.parametrize(("failure_policy", "allowed"), [("Fail", False), ("Ignore", True)])
def test_a_param_that_is_not_there_is_a_failure_of_the_binding(
    kind: str, failure_policy: str, allowed: bool
) -> None:
    spec: Json = {"paramKind": PARAM_KIND, "failurePolicy": failure_policy}
    policy = (
        validating("p", validations=[{"expression": "true"}], **spec)
        if kind == "validating"
        else mutating("p", "[JSONPatch{op: 'test', path: '/data/a', value: '1'}]", **spec)
    )
    reference = {"name": "gone", "parameterNotFoundAction": "Deny"}
    decision = engine(policy, bound(policy, "b", paramRef=reference), cluster=(CASES,)).review(
        request(CONFIG_MAP)
    )
    assert decision.allowed is allowed
    assert [(f.policy, f.binding, f.error) for f in decision.findings] == (
        [] if allowed else [("p", "b", True)]
    )


@pytest.mark.parametrize("kind", ["validating", "mutating"])
def test_a_policy_or_binding_that_does_not_match_needs_no_params(kind: str) -> None:
    nowhere = {"namespaceSelector": {"matchLabels": {"no": "where"}}}
    policy = (
        validating("p", validations=[{"expression": "false"}], paramKind=PARAM_KIND)
        if kind == "validating"
        else mutating("p", "[JSONPatch{op: 'remove', path: '/data/gone'}]", paramKind=PARAM_KIND)
    )
    reference = {"name": "gone", "parameterNotFoundAction": "Deny"}
    binding = bound(policy, "b", paramRef=reference, matchResources=nowhere)
    assert engine(policy, binding, cluster=(CASES,)).review(request(CONFIG_MAP)).allowed


@pytest.mark.parametrize(("action", "code"), [("Allow", None), ("Deny", 422)])
def test_a_namespace_that_is_not_there_counts_only_when_something_is_evaluated(
    action: str, code: int | None
) -> None:
    needs = validating("p", validations=[{"expression": "true"}], paramKind=PARAM_KIND)
    binding = bound(needs, "b", paramRef={"name": "gone", "parameterNotFoundAction": action})
    assert status_without_namespace(needs, binding) == code
    plain = validating("q", validations=[{"expression": "true"}])
    assert status_without_namespace(needs, binding, plain, bound(plain)) == 404


def status_without_namespace(*objects: Json) -> int | None:
    made = Engine.load(manifests(*objects), Snapshot(complete=True))
    status = made.review(request(CONFIG_MAP)).status
    return None if status is None else status.code
