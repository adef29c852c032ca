"""What policies share changes no decision: each decides as it would alone."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from gatekeeper_py.cel.library import authorizer
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.sharing import index
from gatekeeper_py.policy.sharing.shared import Shared
from tests.policy.support import CONFIG_MAP, Json, bound, engine, manifests, mutating, request, validating

NAMESPACE: Json = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "cases", "labels": {"a": "1"}},
}
LARGE: Json = {**CONFIG_MAP, "data": {"a": "1", "half": "x" * 7_000, "whole": "x" * 11_000}}
HEAVY = "object.data.half.contains(object.data.half)"
"""Of a large object: about a half of what one expression may spend, at once."""
RUINOUS = "object.data.whole.contains(object.data.whole)"
"""Of a large object: more than one expression may spend."""

CONDITIONS = [
    "true",
    "false",
    "oldObject == null",
    "object.data.a == '1'",
    "object.data.gone == 'x'",
    "namespaceObject == null",
    "request.name == 'x'",
]
VARIABLES: list[dict[str, str]] = [
    {},
    {"v": "object.data"},
    {"v": "object.data.gone"},
    {"v": "'1'", "w": "variables.v + object.data.a"},
    {"v": "'2'", "w": "variables.v + object.data.a"},
    {"u": "object.data.gone", "v": "object.data", "w": "has(variables.u) ? 1 : variables.v.size()"},
]
VALIDATIONS = {
    "": [
        "true",
        "false",
        "object.data.a == '1'",
        "object.data.gone == 'x'",
        "object.data.gone == 'x' || object.data.a == '1'",
        "namespaceObject.metadata.labels.a == '1'",
    ],
    "v": [
        "variables.v == variables.v",
        "variables.v.size() > 0",
        "has(variables.v)",
        "variables.v == '1' || true",
        "object.data.a == '1' || has(variables.v)",
        "object.data.a == '1' ? true : variables.v.size() > 0",
    ],
    "w": [
        "string(variables.w) != '21'",
        "variables.w == variables.w",
        "object.data.a != '1' || string(variables.w) != '11'",
        "object.data.all(key, key != 'gone' || string(variables.w) != '1')",
    ],
}
MESSAGES = ["", "'because ' + object.data.a", "string(object.data.gone)"]
MESSAGES_OF = {"v": ["string(variables.v == variables.v)"], "w": ["string(variables.w)"]}


@pytest.fixture(autouse=True, params=[1, index.FREQUENT], ids=["as one function", "step by step"])
def frequent(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Every test at both stages of what is shared."""
    monkeypatch.setattr(index, "FREQUENT", request.param)
    monkeypatch.setattr(index, "aside", lambda task: task())


def alone(monkeypatch: pytest.MonkeyPatch, engine: Engine, asked: AdmissionRequest) -> Decision:
    """The decision when nothing is shared."""

    def undecided(shared: Shared[Any]) -> list[tuple[Any, None]]:
        return [(candidate, None) for candidate in shared._candidates]

    with monkeypatch.context() as patch:
        patch.setattr(Shared, "undecided", undecided)
        patch.setattr(Shared, "applies", lambda *_: None)
        patch.setattr(Shared, "prospect", lambda *_: None)
        return engine.review(asked)


def some(random: Random, pool: list[str], most: int) -> list[str]:
    return random.choices(pool, k=random.randint(0, most))


def any_policy(random: Random, name: str) -> Json:
    variables = random.choice(VARIABLES)
    texts = [text for word, pool in VALIDATIONS.items() if not word or word in variables for text in pool]
    messages = [*MESSAGES, *(text for word in MESSAGES_OF if word in variables for text in MESSAGES_OF[word])]
    checks = []
    for text in some(random, texts, 3) or ["true"]:
        said = random.choice(messages)
        checks.append({"expression": text, **({"messageExpression": said} if said else {})})
    annotations = [{"key": "k", "valueExpression": "string(object.data.a)"}] if random.random() < 0.2 else []
    return validating(
        name,
        failurePolicy=random.choice(["Fail", "Ignore"]),
        matchConditions=[
            {"name": str(at), "expression": text} for at, text in enumerate(some(random, CONDITIONS, 4))
        ],
        variables=[{"name": variable, "expression": text} for variable, text in variables.items()],
        validations=checks,
        auditAnnotations=annotations,
    )


@pytest.mark.parametrize("seed", range(60))
def test_policies_decide_together_as_each_does_alone(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    random = Random(seed)
    made = engine(*(any_policy(random, f"p{at}") for at in range(12)), cluster=(NAMESPACE,))
    for value in (CONFIG_MAP, {**CONFIG_MAP, "data": {}}, {**CONFIG_MAP, "data": {"a": "2", "gone": "x"}}):
        asked = request(value)
        assert made.review(asked) == alone(monkeypatch, made, asked)


@pytest.mark.parametrize("where", ["cases", "nowhere"])
def test_selectors_count_as_they_do_alone(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    selected = {"namespaceSelector": {"matchLabels": {"a": "1"}}}
    other = {"namespaceSelector": {"matchLabels": {"a": "2"}}}
    excluded = {"excludeResourceRules": [{**EVERY, "resources": ["configmaps"]}]}
    policies = [
        validating(f"{name}-{text}", validations=[{"expression": text}], matchConstraints={**MATCH, **more})
        for name, more in (("in", selected), ("out", other), ("not", excluded))
        for text in ("true", "false")
    ]
    bindings = [bound(policy, matchResources=more) for policy in policies for more in (selected,)]
    made = engine(*policies, *bindings, cluster=(NAMESPACE,))
    asked = request({**CONFIG_MAP, "metadata": {"name": "x", "namespace": where}})
    assert made.review(asked) == alone(monkeypatch, made, asked)


EVERY = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
MATCH = {"resourceRules": [EVERY]}

SPENDING = {
    "one too dear": [[RUINOUS], [RUINOUS, "true"]],
    "one that could have been": [[HEAVY], [HEAVY, "true"]],
    "many in one policy": [["true"], [f"{HEAVY} && {at} == {at}" for at in range(24)]],
    "many in many policies": [[f"{HEAVY} && {at} == {at}"] for at in range(8)],
    "the same many times in one policy": [[HEAVY], [HEAVY] * 24],
}
"""The validations of each policy."""


@pytest.mark.parametrize("spent", SPENDING.values(), ids=SPENDING)
def test_no_policy_pays_for_another_and_none_gets_by_without_paying(
    monkeypatch: pytest.MonkeyPatch, spent: list[list[str]]
) -> None:
    policies = [
        validating(f"p{at}", validations=[{"expression": text} for text in texts])
        for at, texts in enumerate(spent)
    ]
    made = engine(*policies)
    asked = request(LARGE, namespace="")
    assert made.review(asked) == alone(monkeypatch, made, asked)


def test_conditions_that_are_evaluated_once_are_paid_for_by_each_that_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    conditions = [{"name": str(at), "expression": HEAVY} for at in range(6)]
    patch = "[JSONPatch{op: 'add', path: '/data/b', value: 'x'}]"
    for policy in (
        validating("p", matchConditions=conditions, validations=[{"expression": "true"}]),
        mutating("p", patch, matchConditions=conditions),
    ):
        made = engine(policy)
        asked = request(LARGE, namespace="")
        decision = made.review(asked)
        assert not decision.allowed
        assert decision == alone(monkeypatch, made, asked)


def test_conditions_on_params_are_asked_of_each_of_them() -> None:
    params = {**CONFIG_MAP, "metadata": {"name": "word", "namespace": "cases"}, "data": {"word": "red"}}
    policy = mutating(
        "p",
        "[JSONPatch{op: 'add', path: '/data/b', value: params.data.word}]",
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        matchConditions=[{"name": "c", "expression": "params.data.word == 'red'"}],
    )
    binding = bound(policy, paramRef={"name": "word", "parameterNotFoundAction": "Deny"})
    decision = engine(policy, binding, cluster=(NAMESPACE, params)).review(request(CONFIG_MAP))
    assert decision.object is not None
    assert decision.object["data"] == {"a": "1", "b": "red"}


def test_mutations_see_what_the_ones_before_left(monkeypatch: pytest.MonkeyPatch) -> None:
    add = "[JSONPatch{{op: 'add', path: '/data/{}', value: 'x'}}]"
    once: Json = {"matchConditions": [{"name": "once", "expression": "!('b' in object.data)"}]}
    twice: Json = {"matchConditions": [{"name": "then", "expression": "'b' in object.data"}]}
    made = engine(
        mutating("p1", add.format("b"), **once),
        mutating("p2", add.format("c"), **once),
        mutating("p3", add.format("d"), **twice),
        cluster=(NAMESPACE,),
    )
    asked = request(CONFIG_MAP)
    decision = made.review(asked)
    assert decision.object is not None
    assert decision.object["data"] == {"a": "1", "b": "x", "d": "x"}
    assert decision == alone(monkeypatch, made, asked)


class _Counting(Snapshot):
    """Counts who asks it."""

    asked = 0

    def authorize(self, review: authorizer.AccessReview) -> authorizer.AccessDecision:
        self.asked += 1
        return super().authorize(review)


def test_what_policies_repeat_is_evaluated_once() -> None:
    text = "authorizer.group('').resource('pods').check('get').allowed() || true"
    policies = [
        validating(
            name,
            matchConditions=[{"name": "c", "expression": text}],
            variables=[{"name": "v", "expression": text}],
            validations=[{"expression": "variables.v"}],
        )
        for name in ("p1", "p2", "p3")
    ]
    cluster = _Counting((NAMESPACE,))
    made = Engine.load(manifests(*policies, *map(bound, policies)), cluster)
    assert made.review(request(CONFIG_MAP)).allowed
    assert cluster.asked == 2


def test_a_message_does_not_learn_from_a_variable_what_it_may_not_ask_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Messages have no authorizer: a variable that asks one has no value there (validating/validator.go)."""
    asks = "authorizer.group('').resource('pods').check('get').reason()"
    variables = [{"name": "why", "expression": asks}, {"name": "said", "expression": "variables.why + '.'"}]
    check = {"expression": "variables.said == 'x'", "messageExpression": "'no: ' + variables.said"}
    made = engine(validating("p", variables=variables, validations=[check]), cluster=(NAMESPACE,))
    asked = request(CONFIG_MAP)
    decision = made.review(asked)
    assert decision.status is not None
    assert "failed expression" in decision.status.message
    assert decision == alone(monkeypatch, made, asked)
