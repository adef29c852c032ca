"""What is foreseen of mutating policies changes nothing: each makes what it would make alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from gatekeeper_py.authoring.runner import request_of, tenancy_documents
from gatekeeper_py.authoring.suite import find_suites, read_suite
from gatekeeper_py.cel import DeadlineExceeded, Message
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, Phase, foresee
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.policy.model import MutatingPolicy
from gatekeeper_py.policy.mutation import mutation
from gatekeeper_py.policy.sharing import index, shared
from gatekeeper_py.policy.sharing.foresight import Prospect, foresee_mutations
from gatekeeper_py.policy.sharing.index import Candidates
from gatekeeper_py.policy.sharing.premises import Premises
from gatekeeper_py.policy.sharing.shared import Shared
from tests.benchmarks.engine.requests import requests_to
from tests.policy.support import CONFIG_MAP, Json, bound, engine, mutating, request
from tests.shipped import POLICIES, SHIPPED

MUTATE: frozenset[Phase] = frozenset({"mutate"})
NAMESPACE: Json = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "cases", "labels": {"a": "1"}},
}
PARAMS: Json = {**CONFIG_MAP, "metadata": {"name": "word", "namespace": "cases"}, "data": {"word": "red"}}

CONDITIONS = [
    "true",
    "oldObject == null",
    "request.operation == 'CREATE'",
    "object.data.a == '1'",
    "!('b' in object.data)",
    "'b' in object.data",
    "object.data.gone == 'x'",
    "object.?data.?a.orValue('') != ''",
    "namespaceObject == null",
    "request.kind.kind == 'Pod' || has(object.data)",
]
VARIABLES = {
    "data": ["object.data", "object.?data.orValue({})"],
    "path": ["object.kind == 'ConfigMap' ? '/data' : '/spec'", "'/' + object.data.a", "'/metadata/labels'"],
    "size": ["string(object.data.size())", "string(variables.data.size())"],
}
EMPTY = "true ? [] : [JSONPatch{}]"
PATCHES = [
    EMPTY,
    "[JSONPatch{op: 'add', path: '/data/b', value: 'x'}]",
    "'b' in object.data ? [] : [JSONPatch{op: 'add', path: '/data/b', value: 'y'}]",
    "[JSONPatch{op: 'add', path: '/data/n', value: string(object.data.size())}]",
    "[JSONPatch{op: 'add', path: variables.path + '/c', value: variables.size}]",
    "variables.data.size() > 2 ? [] : [JSONPatch{op: 'add', path: '/data/d', value: variables.size}]",
    "object.data.gone == 'x' ? [] : [JSONPatch{op: 'remove', path: '/data/a'}]",
    "has(object.metadata.labels) ? [JSONPatch{op: 'add', path: '/metadata/labels/a', value: 'b'}] : "
    "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'c': 'd'}}]",
    "[JSONPatch{op: 'test', path: '/data/a', value: '1'}, JSONPatch{op: 'replace', path: '/data/a', value: '2'}]",
    "[JSONPatch{op: 'add', path: '/data/a', value: 1}]",
    "[JSONPatch{op: 'add', path: '/data/e', value: ''}]",
    "[JSONPatch{op: 'add', path: '/metadata/annotations', value: object.data}]",
    "[JSONPatch{op: 'add', path: '/kind', value: 'Other'}]",
    "[JSONPatch{op: 'add', path: '/unknown/x', value: 'x'}]",
    "[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('x/y~z'), value: 'x'}]",
    "variables.data.transformList(key, value, value == '1', JSONPatch{op: 'add', path: '/data/' + key + key, value: value})",
    "namespaceObject.metadata.labels.a == '1' ? [] : [JSONPatch{op: 'remove', path: '/data'}]",
]
MERGES = ["Object{data: {'m': 'x'}}", "Object{metadata: Object.metadata{labels: {'m': 'x'}}}"]

VALUES: list[Json] = [
    CONFIG_MAP,
    {**CONFIG_MAP, "data": {}},
    {**CONFIG_MAP, "data": {"a": "2", "gone": "x", "b": "x"}},
    {**CONFIG_MAP, "data": {"a": "1", "odd": 1}},
    {**CONFIG_MAP, "unknown": {}},
    {**CONFIG_MAP, "kind": "Other"},
    {key: value for key, value in CONFIG_MAP.items() if key != "data"},
]


def any_policies(random: Random, name: str) -> Iterator[Json]:
    """A policy with its bindings."""
    patches, kind = random.choices(PATCHES, k=random.choice([1, 1, 1, 2, 3])), "JSONPatch"
    if random.random() < 0.1:
        patches, kind = random.choices(MERGES, k=1), "ApplyConfiguration"
    conditions = random.choices(CONDITIONS, k=random.choice([0, 1, 1, 2, 2, 3, 4]))
    more: dict[str, Any] = {}
    if random.random() < 0.1:
        more["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
    if random.random() < 0.1:
        labels = {"matchLabels": {"a": random.choice("b1")}}
        rules = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]
        more["matchConstraints"] = {"resourceRules": rules, "objectSelector": labels}
    policy = mutating(
        name,
        *patches,
        kind=kind,
        failurePolicy=random.choice(["Fail", "Ignore"]),
        reinvocationPolicy=random.choice(["Never", "IfNeeded", "IfNeeded"]),
        matchConditions=[{"name": str(at), "expression": text} for at, text in enumerate(conditions)],
        variables=[{"name": each, "expression": random.choice(pool)} for each, pool in VARIABLES.items()],
        **more,
    )
    yield policy
    given = {"paramRef": {"name": "word", "parameterNotFoundAction": "Deny"}} if "paramKind" in more else {}
    for at in range(random.choice([1, 1, 1, 2])):
        yield bound(policy, f"{name}-{at}", **given)


@contextmanager
def nothing_foreseen() -> Iterator[None]:
    """Every policy by itself, and every patch by way of what applies and reads it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shared, "prospect", lambda *_: None)
        patch.setattr(Shared, "applies", lambda *_: None)
        patch.setattr(mutation, "with_texts", lambda *_: None)
        yield


def both_ways(made: Engine, asked: AdmissionRequest) -> tuple[str, str]:
    """What becomes of an object as it is foreseen, and step by step: to the order of its fields."""
    foreseen = repr(made.review(asked, MUTATE))
    with nothing_foreseen():
        return foreseen, repr(made.review(asked, MUTATE))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function is written when first asked for."""
    monkeypatch.setattr(index, "FREQUENT", 1)
    monkeypatch.setattr(index, "aside", lambda task: task())


@pytest.mark.parametrize("seed", range(80))
def test_policies_change_what_they_would_change_one_by_one(seed: int) -> None:
    random = Random(seed)
    policies = [each for at in range(random.choice([1, 3, 5])) for each in any_policies(random, f"p{at}")]
    made = engine(*policies, cluster=(NAMESPACE, PARAMS))
    for value in VALUES:
        old = None if random.random() < 0.7 else random.choice(VALUES)
        operation = "CREATE" if old is None else "UPDATE"
        asked = request(CONFIG_MAP, object=value, operation=operation, old_object=old)
        foreseen, alone = both_ways(made, asked)
        assert foreseen == alone


@pytest.mark.parametrize("where", ["cases", "nowhere"])
def test_a_namespace_that_is_missing_is_missed(where: str) -> None:
    cluster = Snapshot((NAMESPACE,), complete=True)
    made = Engine(engine(mutating("p", PATCHES[1])).policies, cluster)
    foreseen, alone = both_ways(made, request(CONFIG_MAP, namespace=where))
    assert foreseen == alone


def test_what_shipped_policies_make_of_every_case_of_every_suite() -> None:
    policies = [each for each in read(SHIPPED) if each.object["kind"].startswith("MutatingAdmission")]
    tenancy = tenancy_documents(SHIPPED)
    differing: list[str] = []
    for path in find_suites([POLICIES]):
        suite = read_suite(path)
        given = suite.tenants or tenancy
        made = Engine.load((*policies, *given), Snapshot(suite.cluster))
        for case in suite.cases:
            foreseen, alone = both_ways(made, request_of(case, made.cluster))
            if foreseen != alone:
                differing.append(f"{path.relative_to(POLICIES)}: {case.name}")
    assert differing == []


ADDING = Message("JSONPatch", {"op": "add", "path": "/data/b", "value": "x"})


def test_what_is_certain_of_each_policy() -> None:
    made = engine(
        mutating("a", EMPTY, PATCHES[1]),
        mutating("b", EMPTY),
        mutating("c", PATCHES[1], matchConditions=[{"name": "c", "expression": "false"}]),
        mutating("d", PATCHES[1], matchConditions=[{"name": "c", "expression": "object.gone == true"}]),
        mutating("e", "object.gone == 1 ? [] : [JSONPatch{}]"),
        mutating("f", "[2, 1].sort() == [1, 2] ? [] : [JSONPatch{}]"),
        mutating("g", MERGES[0], kind="ApplyConfiguration"),
    )
    asked = request(CONFIG_MAP)
    candidates = made.policies.mutating.concerning(asked)
    foresight = foresee_mutations(candidates, Premises.of(asked).known)
    assert foresight is not None
    foreseen = foresight.over({"object": CONFIG_MAP, "oldObject": None}, None)
    assert foreseen is not None
    found = {each.policy.name: foreseen.of(each) for each in candidates}
    assert found == {
        "a": Prospect(True, ([], [ADDING]), idle=False),
        "b": Prospect(True),
        "c": Prospect(False),
        "d": None,
        "e": Prospect(True, (), idle=False),
        "f": None,
        "g": None,
    }


def test_an_object_that_changes_often_is_not_foreseen_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_of: list[object] = []
    over = shared.Shared._foresee

    def counting(each: Shared[Any]) -> object:
        asked_of.append(each._value)
        return over(each)

    monkeypatch.setattr(Shared, "_foresee", counting)
    patch = "[JSONPatch{{op: 'add', path: '/data/k{}', value: 'x'}}]"
    made = engine(*(mutating(f"p{at}", patch.format(at)) for at in range(9)), cluster=(NAMESPACE,))
    decision = made.review(request(CONFIG_MAP), MUTATE)
    assert len(decision.patch) == 9
    assert len(asked_of) == shared.MOST_VALUES


def test_a_review_out_of_time_has_no_decision() -> None:
    made = engine(mutating("p", EMPTY), cluster=(NAMESPACE,))
    with pytest.raises(DeadlineExceeded):
        made.review(request(CONFIG_MAP), MUTATE, deadline=0.0)


def test_what_costs_too_much_is_decided_one_by_one() -> None:
    walks = "object.data.all(key, object.data.all(other, key != '' || other != '')) ? [] : [JSONPatch{}]"
    made = engine(mutating("p", walks), cluster=(NAMESPACE,))
    foreseen, alone = both_ways(made, request({**CONFIG_MAP, "data": {str(at): "" for at in range(300)}}))
    assert foreseen == alone


@pytest.mark.parametrize("kind", ["CREATE Pod", "UPDATE Pod", "CREATE Deployment", "CREATE ConfigMap"])
def test_of_what_ships_everything_is_foreseen(kind: str) -> None:
    made = Engine.load(read(SHIPPED), Snapshot.of(()))
    asked = requests_to(made.cluster)[kind]
    candidates = made.policies.mutating.concerning(asked)
    foresight = foresee_mutations(candidates, Premises.of(asked).known)
    assert foresight is not None
    assert [*foresight.members] == [*candidates]


def test_a_policy_that_is_run_once_more_sees_what_all_left() -> None:
    again = {"reinvocationPolicy": "IfNeeded"}
    made = engine(
        mutating(
            "a", "'b' in object.data ? [JSONPatch{op: 'add', path: '/data/c', value: 'x'}] : []", **again
        ),
        mutating("b", PATCHES[1]),
        cluster=(NAMESPACE,),
    )
    decision = made.review(request(CONFIG_MAP), MUTATE)
    assert decision.object is not None
    assert decision.object["data"] == {"a": "1", "b": "x", "c": "x"}


def test_the_second_mutation_sees_what_the_first_left() -> None:
    made = engine(mutating("p", PATCHES[1], PATCHES[3]), cluster=(NAMESPACE,))
    decision = made.review(request(CONFIG_MAP), MUTATE)
    assert decision.object is not None
    assert decision.object["data"] == {"a": "1", "b": "x", "n": "2"}


def test_what_fails_beside_what_changes_nothing_is_tried_once_more() -> None:
    again = {"reinvocationPolicy": "IfNeeded", "failurePolicy": "Ignore"}
    made = engine(
        mutating("a", EMPTY),
        mutating("b", "object.gone == 1 ? [] : [JSONPatch{}]", **again),
        cluster=(NAMESPACE,),
    )
    foreseen, alone = both_ways(made, request(CONFIG_MAP))
    assert foreseen == alone


def test_nothing_is_written_where_nothing_can_be_foreseen() -> None:
    assert foresee_mutations((), {}) is None


def concerned(made: Engine, asked: AdmissionRequest) -> Candidates[MutatingPolicy]:
    return made.policies.mutating.concerning(asked)


def test_the_function_is_written_for_what_is_asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FREQUENT", 3)
    asked, unusual = request(CONFIG_MAP), request(CONFIG_MAP, object={**CONFIG_MAP, "kind": "Other"})
    candidates = concerned(engine(mutating("p", EMPTY)), asked)
    found = [candidates.foresight(asked, asked.object) is None for _ in range(4)]
    assert found == [True, True, False, False]
    assert candidates.foresight(unusual, unusual.object) is None


def test_the_function_may_be_written_before_anybody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    aside: list[object] = []
    monkeypatch.setattr(index, "aside", aside.append)
    asked, made = request(CONFIG_MAP), engine(mutating("p", EMPTY))
    foresee(made.policies, asked)
    written = concerned(made, asked).foresight(asked, asked.object)
    foresee(made.policies, asked)
    assert written is not None
    assert concerned(made, asked).foresight(asked, asked.object) is written
    assert not aside


def test_nothing_is_written_for_requests_that_are_never_ordinary() -> None:
    candidates: Candidates[MutatingPolicy] = Candidates(())
    candidates.foresee()
    asked = request(CONFIG_MAP)
    assert candidates.foresight(asked, asked.object) is None
