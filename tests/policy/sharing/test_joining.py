"""Policies as one function decide as each does alone, whatever is asked."""

from __future__ import annotations

import time
from functools import cache
from random import Random
from typing import Any

import pytest

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading.load import PolicySet, read
from gatekeeper_py.policy.model import ValidatingPolicy
from gatekeeper_py.policy.sharing import index, joining
from gatekeeper_py.policy.sharing.index import Candidates
from gatekeeper_py.policy.sharing.joining import Joined, join_policies
from gatekeeper_py.policy.sharing.premises import Premises
from gatekeeper_py.policy.sharing.shared import Shared
from tests.benchmarks.engine.requests import requests_to
from tests.policy.support import CONFIG_MAP, Json, engine, request, validating
from tests.shipped import SHIPPED

NAMESPACE: Json = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "cases", "labels": {"a": "1"}},
}
CONDITIONS = [
    "true",
    "oldObject == null",
    "oldObject == null || object.data != oldObject.data",
    "request.operation in ['CREATE', 'UPDATE']",
    "request.operation != 'DELETE' && object.kind == 'ConfigMap'",
    "request.kind.kind == 'Pod' || object.data.a == '1'",
    "has(request.subResource) ? request.subResource == 'status' : true",
    "!has(request.subResource)",
    "!(request.resource.resource.startsWith('config') && has(object.data.gone))",
    "object.data.gone == 'x'",
    "object.?data.?a.orValue('') != ''",
    "namespaceObject == null",
    "request.name == 'x'",
    "authorizer.group('').resource('pods').check('get').allowed() || true",
]
VARIABLES = {
    "data": ["object.data", "object.?data.orValue({})", "request.operation == 'DELETE' ? {} : object.data"],
    "kind": ["request.kind.kind", "object.kind"],
    "made": ["request.operation == 'CREATE'", "oldObject == null"],
    "gone": ["object.data.gone", "variables.data.gone", "variables.data.?gone.orValue('')"],
    "keys": ["variables.data.map(key, key)", "object.?data.orValue({}).map(key, key + variables.kind)"],
    "odd": ["variables.keys.filter(key, key.startsWith('g'))", "variables.keys.exists(key, key == 'gone')"],
}
"""What each may be; it reads only those before it."""
CHECKS = {
    "": [
        "true",
        "object.data.a == '1'",
        "object.data.gone == 'x' || object.data.a == '1'",
        "oldObject == null",
    ],
    "data": ["variables.data.size() > 0", "has(variables.data) || object.kind == 'Pod'"],
    "kind": [
        "variables.kind == 'ConfigMap'",
        "variables.kind == 'Pod' ? has(object.spec) : has(object.data)",
    ],
    "made": ["variables.made || object.data == oldObject.data", "!variables.made"],
    "gone": ["variables.gone == ''", "object.data.a == '1' || variables.gone == 'x'", "!has(variables.gone)"],
    "keys": [
        "variables.keys.size() == 1",
        "variables.keys.all(key, key != 'gone' || variables.kind == 'Pod')",
        "object.kind == 'ConfigMap' ? variables.keys.size() > 0 : true",
    ],
    "odd": ["dyn(variables.odd) == []", "dyn(variables.odd) != true || object.data.a == '2'"],
}
MESSAGES = ["", "'because ' + object.data.a", "string(object.data.gone)"]
MESSAGES_OF = {"gone": "'gone ' + variables.gone", "kind": "variables.kind + ' is bad'"}

CONFIG_MAPS: list[Json] = [
    CONFIG_MAP,
    {**CONFIG_MAP, "data": {}},
    {**CONFIG_MAP, "data": {"a": "2", "gone": "x"}},
    {**CONFIG_MAP, "data": ["a"]},
    {**CONFIG_MAP, "kind": "Other"},
    {key: value for key, value in CONFIG_MAP.items() if key != "kind"},
]


def any_policy(random: Random, name: str) -> Json:
    declared = {each: random.choice(pool) for each, pool in VARIABLES.items()}
    texts = [text for pool in CHECKS.values() for text in pool]
    said = ["", *MESSAGES, *MESSAGES_OF.values()]
    checks: list[Json] = []
    for text in random.choices(texts, k=random.randint(1, 3)):
        message = random.choice(said)
        checks.append({"expression": text, **({"messageExpression": message} if message else {})})
    conditions = random.choices(CONDITIONS, k=random.choice([0, 1, 1, 2, 2, 3, 4]))
    annotations = [{"key": "k", "valueExpression": "string(object.data.a)"}] if random.random() < 0.1 else []
    return validating(
        name,
        failurePolicy=random.choice(["Fail", "Ignore"]),
        matchConditions=[{"name": str(at), "expression": text} for at, text in enumerate(conditions)],
        variables=[{"name": each, "expression": text} for each, text in declared.items()],
        validations=checks,
        auditAnnotations=annotations,
    )


def any_request(random: Random) -> AdmissionRequest:
    operation = random.choice(["CREATE", "UPDATE", "DELETE"])
    value, old = random.choice(CONFIG_MAPS), random.choice(CONFIG_MAPS)
    fields: dict[str, Any] = {
        "operation": operation,
        "object": None if operation == "DELETE" else value,
        "old_object": None if operation == "CREATE" and random.random() < 0.9 else old,
        "subresource": random.choice(["", "", "status"]),
    }
    return request(CONFIG_MAP, **fields)


def alone(monkeypatch: pytest.MonkeyPatch, made: Engine, asked: AdmissionRequest) -> object:
    """The decision when nothing is shared."""

    def undecided(shared: Shared[Any]) -> list[tuple[Any, None]]:
        return [(candidate, None) for candidate in shared._candidates]

    with monkeypatch.context() as patch:
        patch.setattr(Shared, "undecided", undecided)
        return made.review(asked)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No function is written aside."""
    monkeypatch.setattr(index, "aside", lambda task: task())


@pytest.mark.parametrize("seed", range(40))
def test_one_function_decides_as_each_policy_does_alone(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(index, "FREQUENT", 1)
    random = Random(seed)
    made = engine(*(any_policy(random, f"p{at}") for at in range(10)), cluster=(NAMESPACE,))
    for _ in range(12):
        asked = any_request(random)
        assert made.review(asked) == alone(monkeypatch, made, asked)


def joined(*policies: Json) -> Joined:
    """The policies as one function, for the CREATE of a ConfigMap."""
    asked = request(CONFIG_MAP)
    candidates = engine(*policies).policies.validating.concerning(asked)
    made = join_policies(candidates, Premises.of(asked).known)
    assert made is not None
    return made


def names(candidates: tuple[Any, ...]) -> list[str]:
    return [candidate.policy.name for candidate in candidates]


def test_what_a_function_cannot_hold_is_left_to_others() -> None:
    params = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
    namespace = {"matchConditions": [{"name": "c", "expression": "namespaceObject == null"}]}
    made = joined(
        validating("a", validations=[{"expression": "true"}]),
        validating("b", validations=[{"expression": "params == null"}], **params),
        validating("c", validations=[{"expression": "true"}], **namespace),
        validating("d", validations=[{"expression": "[2, 1].sort() == [1, 2]"}]),
        validating("e", validations=[{"expression": "namespaceObject == null"}]),
    )
    assert names(made.members) == ["a", "e"]
    assert names(made.others) == ["b", "c", "d"]


def test_a_function_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MOST_EXPRESSIONS", 3)
    policies = [validating(f"p{at}", validations=[{"expression": f"{at} == {at}"}]) for at in range(9)]
    assert names(joined(*policies).members) == ["p0", "p1", "p2", "p3"]


def test_a_function_is_written_once_for_the_same_expressions() -> None:
    policies = [validating(name, validations=[{"expression": "object.data.a == '1'"}]) for name in ("a", "b")]
    assert joined(*policies).function is joined(*policies).function
    assert joined(*policies).function is not joined(*policies[:1]).function


def test_the_deadline_is_kept_within_a_function() -> None:
    walks = {"expression": "object.data.all(key, key.size() >= 0)"}
    data = {str(at): "" for at in range(3_000)}
    with pytest.raises(DeadlineExceeded):
        joined(validating("p", validations=[walks])).undecided(
            {"object": {"data": data}}, time.monotonic() - 1
        )


def test_no_policies_make_no_function() -> None:
    assert join_policies((), {}) is None


def test_the_function_is_written_for_what_is_asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FREQUENT", 3)
    asked, unusual = request(CONFIG_MAP), request(CONFIG_MAP, object={**CONFIG_MAP, "kind": "Other"})
    made = engine(validating("p", validations=[{"expression": "true"}]))
    candidates: Candidates[ValidatingPolicy] = made.policies.validating.concerning(asked)
    assert [candidates.joined(asked, asked.object) is None for _ in range(4)] == [True, True, False, False]
    assert candidates.joined(unusual, unusual.object) is None


def test_the_function_may_be_written_before_anybody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    aside: list[object] = []
    monkeypatch.setattr(index, "FREQUENT", 1)
    monkeypatch.setattr(index, "aside", aside.append)
    asked = request(CONFIG_MAP)
    candidates = engine(validating("p", validations=[{"expression": "true"}])).policies.validating
    candidates.concerning(asked).join()
    written = candidates.concerning(asked).joined(asked, asked.object)
    candidates.concerning(asked).join()
    assert written is not None
    assert candidates.concerning(asked).joined(asked, asked.object) is written
    assert not aside


def test_nothing_is_written_for_requests_that_are_never_ordinary() -> None:
    candidates: Candidates[ValidatingPolicy] = Candidates(())
    candidates.join()
    asked = request(CONFIG_MAP)
    assert candidates.joined(asked, asked.object) is None


def test_what_costs_more_than_any_ordinary_object_is_decided_step_by_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index, "FREQUENT", 1)
    walks = {"expression": "object.data.all(key, object.data.all(other, key != '' || other != ''))"}
    made = engine(validating("p", validations=[walks]), cluster=(NAMESPACE,))
    large = request({**CONFIG_MAP, "data": {str(at): "" for at in range(300)}})
    found = made.policies.validating.concerning(large).joined(large, large.object)
    assert found is not None
    assert found[0].undecided({"object": large.object}, None) is None
    assert made.review(large) == alone(monkeypatch, made, large)


def test_the_joined_policies_are_found_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FREQUENT", 1)
    guarded = {"matchConditions": [{"name": "c", "expression": "object.data.a == '1'"}]}
    denies = [{"expression": "false"}]
    made = engine(
        validating("a", validations=denies, **guarded),
        validating("b", validations=denies),
        validating("c", validations=[{"expression": "[2, 1].sort() == [1]"}]),
        validating("d", validations=denies, **guarded),
        cluster=(NAMESPACE,),
    )
    assert [finding.policy for finding in made.review(request(CONFIG_MAP)).findings] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("kind", ["CREATE Pod", "UPDATE Pod"])
def test_what_ships_is_decided_by_functions_alone(kind: str) -> None:
    asked = requests_to(Snapshot.of(()))[kind]
    candidates = shipped().validating.concerning(asked)
    made = join_policies(candidates, Premises.of(asked).known)
    assert made is not None
    assert made.others == ()


@cache
def shipped() -> PolicySet:
    return load_policies(read(SHIPPED))
