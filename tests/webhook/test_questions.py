"""What no policy has a say in is not asked about, and nothing else is kept out."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, Phase, load_with_tenancy
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.loading.load import PolicySet, read
from gatekeeper_py.policy.model import Rule
from gatekeeper_py.tenancy.tenant import Claim, Tenancy, Tenant
from gatekeeper_py.webhook.questions import MOST_CASES, Questions, everything, questions
from gatekeeper_py.webhook.registration import DOORS, Door, asked_by
from tests.policies import test_attack_matrix as first
from tests.policies import test_attack_matrix_2 as second
from tests.policies.stories import STORIES, Story
from tests.policy.support import Json, bound, engine, manifests, mutating, validating
from tests.shipped import SHIPPED
from tests.webhook.asked import is_asked

KUBE_SYSTEM = "system:serviceaccount:kube-system:"
OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")
NAMESPACES = [*first.MATRIX["cluster"], *second.MATRIX["cluster"]]


@cache
def shipped() -> tuple[PolicySet, Tenancy]:
    return load_with_tenancy(read([*SHIPPED, first.HERE / "tenants.yaml"]))


@cache
def asked() -> dict[Door, Questions]:
    return dict(asked_by(*shipped()))


@cache
def judge() -> Engine:
    return Engine(shipped()[0], Snapshot(NAMESPACES))


def is_needed(request: AdmissionRequest, door: Phase, by: Engine) -> bool:
    """Whether a policy has anything to say."""
    if door == "mutate" and request.operation not in ("CREATE", "UPDATE"):
        return False
    decision = by.review(request, frozenset({door}))
    said = (decision.patch, decision.warnings, decision.audit_annotations, decision.findings)
    return not decision.allowed or any(said)


def kept_out(request: AdmissionRequest) -> Iterator[Door]:
    for door in DOORS:
        if not is_asked(asked()[door].rules, asked()[door].conditions, request):
            yield door


def matrix() -> Iterator[tuple[str, AdmissionRequest, Engine]]:
    for side in ("hostile", "benign"):
        for case in first.cases(side):
            yield f"{side} {case.name}", first.submitted(case, first.engine().cluster), first.engine()
        for step in second.steps(side):
            yield f"{side} 2 {step.name}", second.submitted(step), second.judge(step)


def test_nothing_of_the_attack_matrices_that_a_policy_minds_is_kept_out() -> None:
    wrong = [
        (name, door)
        for name, request, by in matrix()
        for door in kept_out(request)
        if is_needed(request, door, by)
    ]
    assert not wrong


USERS = [
    UserInfo("alice", groups=("foo-developers", "system:authenticated")),
    UserInfo("bob", groups=("bar-developers", "system:authenticated")),
    UserInfo("mallory", groups=("system:authenticated",)),
    UserInfo("kubernetes-admin", groups=("system:masters", "system:authenticated")),
    UserInfo("system:kube-scheduler", groups=("system:authenticated",)),
    UserInfo("system:kube-controller-manager", groups=("system:authenticated",)),
    UserInfo("system:apiserver", groups=("system:masters",)),
    UserInfo("system:node:n1", groups=("system:nodes", "system:authenticated")),
    *(
        UserInfo(f"system:serviceaccount:{namespace}:{name}", groups=("system:serviceaccounts", *more))
        for namespace in ("foo", "bar", "kube-system", "gatekeeper-system", "kube-system-2")
        for name in ("default", "deployment-controller", "replicaset-controller", "namespace-controller")
        for more in ((f"system:serviceaccounts:{namespace}", "system:authenticated"),)
    ),
]
SERVED = sorted(Kinds.builtin().resources)
CUSTOM = [
    GroupVersionResource("example.com", "v1", "widgets"),
    GroupVersionResource("tenancy.gatekeeper-py.dev", "v1alpha1", "tenants"),
]
OFTEN = [each for each in SERVED if each.resource in ("pods", "deployments", "replicasets", "services")]
MARKED = [
    {},
    {"app": "web"},
    {"tenancy.gatekeeper-py.dev/tenant": "bar"},
    {"capsule.clastix.io/managed-by": "x"},
    {"io.kubernetes.cri.untrusted": "true", "grafana_dashboard": "1"},
]
METADATA = st.fixed_dictionaries(
    {"name": st.just("x")},
    optional={
        "labels": st.sampled_from(MARKED),
        "annotations": st.sampled_from(MARKED),
        "finalizers": st.sampled_from([[], ["example.com/x"]]),
        "deletionTimestamp": st.just("2026-01-01T00:00:00Z"),
        "ownerReferences": st.sampled_from(
            [[], [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1", "controller": True}]]
        ),
    },
)
BODIES: list[dict[str, Any]] = [
    {},
    {"spec": {"replicas": 100_000}},
    {"status": {"podIP": "10.0.0.1", "loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}}},
    {"spec": {"hostNetwork": True, "containers": [{"name": "c", "image": "evil/x"}]}},
    {"spec": {"template": {"metadata": {}, "spec": {"containers": [{"name": "c", "image": "evil/x"}]}}}},
    {"target": {"kind": "Node", "name": "n1"}},
    {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]},
]


@st.composite
def requests(draw: st.DrawFn) -> AdmissionRequest:
    """Anything that an API server may be asked, in a namespace that exists."""
    resource = draw(st.sampled_from(draw(st.sampled_from([[*SERVED, *CUSTOM], OFTEN]))))
    served = Kinds.builtin().resource(resource)
    kind = served.kind if served else GroupVersionKind(resource.group, resource.version, "Widget")
    operation = draw(st.sampled_from(OPERATIONS))
    below = [
        "",
        "status",
        "scale",
        "finalize",
        "binding",
        "token",
        "eviction",
        "resize",
        "ephemeralcontainers",
    ]
    subresource = draw(
        st.sampled_from(["exec", "attach", "portforward", "proxy"] if operation == "CONNECT" else below)
    )
    namespaced = served.namespaced if served else draw(st.booleans())
    namespace = (
        draw(st.sampled_from(["foo", "bar", "kube-system", "gatekeeper-system"])) if namespaced else ""
    )
    if resource.resource == "namespaces":
        namespace = "foo"

    def value() -> dict[str, Any]:
        made = copy.deepcopy(draw(st.sampled_from(BODIES)))
        metadata = {**draw(METADATA), **({"namespace": namespace} if namespaced else {})}
        return {"apiVersion": kind.api_version, "kind": kind.kind, **made, "metadata": metadata}

    old = value() if operation in ("UPDATE", "DELETE") else None
    new = value() if operation in ("CREATE", "UPDATE") else {"kind": "Options"} if old is None else None
    if old is not None and new is not None and draw(st.booleans()):
        new = {**new, "metadata": old["metadata"]}
    return AdmissionRequest(
        uid="u",
        kind=kind,
        resource=resource,
        subresource=subresource,
        operation=operation,  # type: ignore[arg-type]
        namespace=namespace,
        name="foo" if resource.resource == "namespaces" else "x",
        object=new,
        old_object=old,
        user=draw(st.sampled_from(USERS)),
    )


@settings(max_examples=400, deadline=None)
@given(requests())
def test_no_policy_minds_what_is_kept_out(request: AdmissionRequest) -> None:
    assert [door for door in kept_out(request) if is_needed(request, door, judge())] == []


def test_ordinary_work_that_is_kept_out_needs_no_answer() -> None:
    for path in STORIES:
        story = Story(path)
        for told in story.play():
            by = Engine(shipped()[0], story.cluster)
            assert [door for door in kept_out(told.request) if is_needed(told.request, door, by)] == []


# --- small policies


RULE: Json = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def of(*objects: Json, tenancy: Tenancy | None = None, operations: tuple[str, ...] = OPERATIONS) -> Questions:
    loaded = engine(*objects).policies
    return questions([*loaded.validating, *loaded.mutating], operations, tenancy or Tenancy())


def about(name: str, *rules: Json, **spec: Any) -> Json:
    return validating(
        name,
        matchConstraints={"resourceRules": [{**RULE, **rule} for rule in rules]},
        validations=[{"expression": "true"}],
        **spec,
    )


def named(rules: tuple[dict[str, Any], ...]) -> list[tuple[Any, ...]]:
    return [(r["apiGroups"], r["operations"], r["resources"], r["scope"]) for r in rules]


RULES: dict[str, tuple[list[Json], list[tuple[Any, ...]]]] = {
    "nothing": ([], []),
    "one": ([{}], [([""], ["CREATE"], ["pods"], "Namespaced")]),
    "the cluster's": ([{"resources": ["nodes"]}], [([""], ["CREATE"], ["nodes"], "Cluster")]),
    "an unknown kind in any scope": (
        [{"apiGroups": ["example.com"], "resources": ["widgets"]}],
        [(["example.com"], ["CREATE"], ["widgets"], "*")],
    ),
    "alike in two groups": (
        [{"apiGroups": ["a.com"], "resources": ["x"]}, {"apiGroups": ["b.com"], "resources": ["x"]}],
        [(["a.com", "b.com"], ["CREATE"], ["x"], "*")],
    ),
    "covered by another": (
        [{}, {"apiGroups": ["*"], "resources": ["*"]}],
        [(["*"], ["CREATE"], ["*"], "*")],
    ),
    "a star is about no subresource": (
        [{"resources": ["pods/exec"]}, {"apiGroups": ["*"], "resources": ["*"]}],
        [(["*"], ["CREATE"], ["*"], "*"), ([""], ["CREATE"], ["pods/exec"], "Namespaced")],
    ),
    "all of one resource": (
        [{"resources": ["pods/*"]}, {"resources": ["pods/status"]}, {"resources": ["pods"]}],
        [([""], ["CREATE"], ["pods/*"], "Namespaced")],
    ),
    "both scopes": (
        [{"apiGroups": ["*"], "resources": ["*/*"], "scope": each} for each in ("Namespaced", "Cluster")],
        [(["*"], ["CREATE"], ["*/*"], "*")],
    ),
    "any operation": ([{"operations": ["*"]}], [([""], [*OPERATIONS], ["pods"], "Namespaced")]),
    "events, of which there are two": (
        [{"apiGroups": ["events.k8s.io"], "resources": ["events"]}],
        [(["*"], ["CREATE"], ["events"], "*")],
    ),
}


@pytest.mark.parametrize(("rules", "expected"), RULES.values(), ids=RULES)
def test_rules_are_those_of_the_policies_put_together(
    rules: list[Json], expected: list[tuple[Any, ...]]
) -> None:
    assert named(of(*([about("p", *rules)] if rules else [])).rules) == expected


def test_an_operation_of_another_webhook_is_not_asked_about() -> None:
    policy = about("p", {"operations": ["DELETE", "CREATE"]})
    assert named(of(policy, operations=("CREATE", "UPDATE")).rules) == [
        ([""], ["CREATE"], ["pods"], "Namespaced")
    ]
    assert of(about("p", {"operations": ["DELETE"]}), operations=("CREATE", "UPDATE")).rules == ()


def test_a_policy_without_a_binding_asks_nothing() -> None:
    loaded = Engine.load(manifests(about("p", {})), Snapshot()).policies
    assert questions(loaded.validating, OPERATIONS, Tenancy()).rules == ()


def test_while_a_namespace_is_closed_everything_is_asked_about() -> None:
    doubtful = Tenancy(contested=frozenset({"foo"}))
    assert of(about("p", {}), tenancy=doubtful) == everything(OPERATIONS)


def test_what_is_judged_in_any_case_is_asked_about_without_a_policy() -> None:
    always = Rule(("CREATE",), ("example.com",), ("*",), ("*",))
    found = questions([], OPERATIONS, Tenancy(), [always])
    assert named(found.rules) == [(["example.com"], ["CREATE"], ["*"], "*")]


EVERY: Json = {"apiGroups": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*/*"]}
PLATFORM = Tenancy(tenants=(Tenant("platform", trusted=True, claim=Claim(names=("kube-system", "net"))),))
CONDITIONS = {
    "labels stay": (
        "object.?metadata.?labels != oldObject.?metadata.?labels",
        {"operations": ["UPDATE"]},
        False,
    ),
    "what may fail is not said": ("object.spec.x != oldObject.spec.x", {"operations": ["UPDATE"]}, True),
    "nor what lies deeper": ("object.?spec.?x.?y != oldObject.?spec.?x.?y", {"operations": ["UPDATE"]}, True),
    "nor what looks at what is not there yet": (
        "object.?metadata.?labels != oldObject.?metadata.?labels",
        EVERY,
        True,
    ),
    "unless it says so": (
        "oldObject == null || object.?metadata.?labels != oldObject.?metadata.?labels",
        EVERY,
        False,
    ),
    "with a default": ("object.?kind.orValue('') == 'Other'", {}, False),
    "a word of tenancy": ("tenant != null", {}, True),
    "a word beside others": ("tenant != null && request.operation == 'CREATE'", {}, False),
    "a word or others": ("tenant != null || request.operation == 'CREATE'", {}, True),
    "a list": ("request.resource.resource in ['x', 'y']", {}, False),
    "a function": ("request.name.matches('x')", {}, True),
}
"""A condition of a policy about everything, and whether the write of a status that changes nothing is asked about."""


@pytest.mark.parametrize(("text", "rule", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_are_said_as_far_as_kubernetes_words_go(text: str, rule: Json, expected: bool) -> None:
    condition = [{"name": "c", "expression": text}]
    found = of(about("p", {**EVERY, **rule}, matchConditions=condition))
    assert is_asked(found.rules, found.conditions, STATUS) is expected


POD = GroupVersionKind("", "v1", "Pod")
VALUE: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {"a": "b"}}}
STATUS = AdmissionRequest(
    uid="u",
    kind=POD,
    resource=GroupVersionResource("", "v1", "pods"),
    subresource="status",
    operation="UPDATE",
    namespace="foo",
    name="x",
    object={**VALUE, "status": {"phase": "Running"}},
    old_object=VALUE,
    user=UserInfo("alice", groups=("system:authenticated",)),
)


def test_a_policy_with_params_is_asked_about_whatever_its_conditions_say() -> None:
    policy = about(
        "p", EVERY, matchConditions=[{"name": "never", "expression": "request.operation == 'DELETE'"}]
    )
    assert not is_asked(of(policy).rules, of(policy).conditions, STATUS)
    policy["spec"]["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
    found = of(policy, bound(policy, paramRef={"name": "x", "parameterNotFoundAction": "Deny"}))
    assert is_asked(found.rules, found.conditions, STATUS)


KNOWN = [
    ("!requester.trusted", "alice", "foo", "status", True),
    ("!requester.trusted", f"{KUBE_SYSTEM}x", "foo", "status", False),
    ("!requester.trusted", "system:serviceaccount:kube-system-2:x", "foo", "status", True),
    ("!requester.trusted", "system:kube-scheduler", "foo", "", False),
    ("!requester.platform", f"{KUBE_SYSTEM}x", "foo", "status", False),
    ("!requester.platform", f"{KUBE_SYSTEM}x", "foo", "", True),
    ("!requester.platform", "system:kube-scheduler", "foo", "", False),
    ("!requester.platform", f"{KUBE_SYSTEM}deployment-controller", "foo", "status", False),
    ("!tenant.trusted", "alice", "net", "", False),
    ("!tenant.trusted", "alice", "foo", "", True),
    ("requester.platform", "alice", "foo", "", True),
    ("!(requester.platform && tenant.trusted)", f"{KUBE_SYSTEM}x", "net", "status", False),
    ("!(requester.platform || tenant.trusted)", "alice", "net", "", False),
]
"""A word of tenancy, who writes where, and whether it is asked about."""


@pytest.mark.parametrize(("text", "user", "namespace", "subresource", "expected"), KNOWN)
def test_words_of_tenancy_count_as_far_as_documents_tell(
    text: str, user: str, namespace: str, subresource: str, expected: bool
) -> None:
    found = of(about("p", EVERY, matchConditions=[{"name": "c", "expression": text}]), tenancy=PLATFORM)
    groups = ("system:authenticated",)
    request = replace(
        STATUS, user=UserInfo(user, groups=groups), namespace=namespace, subresource=subresource
    )
    assert is_asked(found.rules, found.conditions, request) is expected


def test_where_there_are_too_many_cases_less_is_told_apart() -> None:
    policies = [
        about(
            f"p{at}",
            {"apiGroups": [f"g{at}.com"], "resources": ["x"]},
            matchConditions=[{"name": "c", "expression": "!tenant.trusted"}],
        )
        for at in range(MOST_CASES + 1)
    ]
    few, many = (of(*some, tenancy=PLATFORM) for some in (policies[:-1], policies))
    texts = ["".join(each["expression"] for each in found.conditions) for found in (few, many)]
    assert "g0.com" in texts[0]
    assert "g0.com" not in texts[1]
    assert "!trustedNamespace" in texts[1]


def test_a_changing_policy_asks_as_a_judging_one() -> None:
    policy = mutating("p", "[JSONPatch{op: 'test', path: '/x'}]", matchConstraints={"resourceRules": [RULE]})
    assert named(of(policy).rules) == [([""], ["CREATE"], ["pods"], "Namespaced")]
