"""The one way in: phases, order, tenancy, and what a review never does."""

from __future__ import annotations

import copy
import gc
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, Phase, load_policies, prepare
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource, Object
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.evaluation.activation import Facts, Names
from gatekeeper_py.policy.evaluation.variables import Variables
from gatekeeper_py.policy.loading.load import LoadError
from gatekeeper_py.tenancy.catalogue import catalogue
from gatekeeper_py.tenancy.custom import known_kinds
from tests.policy.support import (
    CONFIG_MAP,
    POD,
    bound,
    engine,
    manifests,
    mutating,
    request,
    validating,
)

ROOT = Path(__file__).parents[1]
LABEL = "Object{metadata: Object.metadata{labels: {'team': 'red'}}}"
NOT_RED = {"expression": "object.metadata.?labels.?team.orValue('') != 'red'", "message": "is red"}
SIDE = "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'side', image: 's:1'}]}}"


@pytest.mark.parametrize("policy", [validating("v", validations=[NOT_RED]), {**CONFIG_MAP, "kind": "Odd"}])
def test_a_load_leaves_the_garbage_collector_as_it_was(policy: Object) -> None:
    with suppress(LoadError):
        load_policies(manifests(policy))
    assert gc.isenabled()


REFUSED = {"expression": "variables.ours", "messageExpression": "'not ours: ' + variables.name"}
ASKED = {"expression": "authorizer.group('').resource('pods').check('get').allowed()", "message": "may not"}
OURS = [
    {"name": "name", "expression": "object.metadata.name"},
    {"name": "ours", "expression": "variables.name.startsWith('our-')"},
]


@pytest.mark.parametrize(
    "policy",
    [
        validating("v", validations=[NOT_RED]),
        validating("v", variables=OURS, validations=[REFUSED]),
        validating("v", validations=[ASKED]),
        validating("v", variables=OURS, validations=[NOT_RED], auditAnnotations=[{"key": "k", "valueExpression": "string(variables.name)"}]),
        mutating("m", LABEL, kind="ApplyConfiguration", variables=OURS, matchConditions=[{"name": "m", "expression": "object.kind == 'Pod'"}]),
    ],
    ids=["admitted", "refused", "authorizer", "annotated", "mutated"],
)  # fmt: skip
def test_a_review_leaves_nothing_to_the_garbage_collector(policy: Object) -> None:
    """A circle keeps the whole request in memory until a collection, which then takes everybody's time."""
    reviewed = engine(policy)
    reviewed.review(request(POD))
    gc.collect()
    gc.disable()
    try:
        before = left()
        reviewed.review(request(POD))
        assert left() == before
    finally:
        gc.enable()


def left() -> int:
    """What there is of reviews in memory."""
    return sum(isinstance(each, Facts | Names | Variables | AdmissionRequest) for each in gc.get_objects())


UNREAD = """
import sys
from pathlib import Path
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.policy.admission.admission_review import parse_review

def refuse(event, arguments):
    if event == "open":
        raise AssertionError(f"opens {arguments[0]}")

def names(kind, resource, **fields):
    metadata = {"name": "web", "namespace": "foo"}
    value = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}
    asked = {"uid": "u", "operation": "CREATE", "name": "web", "namespace": "foo", "object": value}
    named = {"kind": {"version": "v1", "kind": kind}, "resource": {"version": "v1", "resource": resource}}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {**asked, **named}}

engine = Engine.load(loading.read([Path("policies")]), Snapshot())
sys.addaudithook(refuse)
pod = {"containers": [{"name": "web", "image": "nginx"}], "nodeName": "node-1"}
for review in (names("Pod", "pods", spec=pod), names("ConfigMap", "configmaps", data={"a": "b"})):
    for phase in ("mutate", "validate"):
        print(engine.review(parse_review(review), frozenset({phase})).allowed)
"""


def test_a_decision_reads_no_file() -> None:
    """In a process of its own, where nothing has been read before."""
    done = subprocess.run(
        [sys.executable, "-c", UNREAD], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert (done.stdout.split(), done.stderr) == (["True", "False", "True", "False"], "")


def test_without_policies_everything_is_allowed() -> None:
    decision = engine().review(request(CONFIG_MAP))
    assert decision.allowed
    assert decision.object is not None
    assert decision.patch == ()


def test_validation_sees_what_mutation_made() -> None:
    made = engine(mutating("m", LABEL, kind="ApplyConfiguration"), validating("v", validations=[NOT_RED]))
    decision = made.review(request(CONFIG_MAP))
    assert not decision.allowed
    assert decision.patch != ()
    assert made.review(request(CONFIG_MAP), frozenset({"validate"})).allowed
    assert made.review(request(CONFIG_MAP), frozenset({"mutate"})).allowed


def test_validation_sees_defaults_that_the_patch_does_not_have() -> None:
    has_default = {"expression": "object.spec.containers.all(c, has(c.terminationMessagePolicy))"}
    made = engine(mutating("m", SIDE, kind="ApplyConfiguration"), validating("v", validations=[has_default]))
    decision = made.review(request(POD))
    assert decision.allowed
    assert decision.patch == (
        {"op": "add", "path": "/spec/containers/1", "value": {"name": "side", "image": "s:1"}},
    )


def test_policies_deny_in_the_order_of_their_names_and_the_first_gives_the_reason() -> None:
    made = engine(
        validating("b", validations=[{"expression": "false", "message": "second"}]),
        validating("a", validations=[{"expression": "false", "message": "first", "reason": "Forbidden"}]),
    )
    status = made.review(request(CONFIG_MAP)).status
    assert status is not None
    assert (status.code, status.reason) == (403, "Forbidden")
    assert [cause.message.rpartition(": ")[2] for cause in status.causes] == ["first", "second"]


def test_a_policy_without_a_binding_is_not_in_force() -> None:
    made = engine(validating(validations=[{"expression": "false"}]), bind=False)
    assert made.review(request(CONFIG_MAP)).allowed


def test_an_object_without_a_name_is_told_by_what_it_has() -> None:
    made = engine(validating(validations=[{"expression": "false"}]))
    for metadata, name in (({"generateName": "gen-"}, "gen-"), ({}, "Unknown")):
        value = {**CONFIG_MAP, "metadata": {**metadata, "namespace": "cases"}}
        status = made.review(request(value)).status
        assert status is not None
        assert status.name == name
        assert status.message.startswith(f'configmaps "{name}" is forbidden: ')


def test_denials_name_what_the_client_asked_for() -> None:
    made = engine(validating(validations=[{"expression": "false"}]))
    sent = GroupVersionResource("apps", "v1beta1", "things")
    status = made.review(request(CONFIG_MAP, request_resource=sent)).status
    assert status is not None
    assert (status.group, status.kind) == ("apps", "things")


def test_a_namespace_that_does_not_exist_is_not_found() -> None:
    policies = engine(validating(validations=[{"expression": "true"}])).policies
    decision = Engine(policies, Snapshot(complete=True)).review(request(CONFIG_MAP))
    assert decision.status is not None
    assert (decision.status.code, decision.status.reason) == (404, "NotFound")
    assert decision.status.message == 'namespaces "cases" not found'


WORDS = [
    "!has(request.subResource) && !has(request.userInfo.uid) && request.options == null",
    "request.requestKind.kind == 'ConfigMap' && request.requestResource.resource == 'configmaps'",
    "request.userInfo.username == 'alice' && 'devs' in request.userInfo.groups && request.dryRun == false",
    "namespaceObject.metadata.name == 'cases' && namespaceObject.status.phase == 'Active'",
    "oldObject == null && object.data.a == '1'",
    "!authorizer.group('').resource('pods').namespace('x').check('get').allowed()",
    "!authorizer.path('/secret').check('get').allowed()",
    "!authorizer.requestResource.check('create').allowed()",
]


@pytest.mark.parametrize("text", WORDS)
def test_words_have_the_requests_values(text: str) -> None:
    status = engine(validating(validations=[{"expression": text}])).review(request(CONFIG_MAP)).status
    assert status is None


def test_the_authorizer_answers_by_rbac() -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
    }
    text = "authorizer.requestResource.check('create').allowed()"
    made = engine(validating(validations=[{"expression": text}]), cluster=(role, binding))
    assert made.review(request(CONFIG_MAP)).allowed
    assert not made.review(request(CONFIG_MAP, user=UserInfo("bob"))).allowed


def test_a_namespace_belongs_to_no_namespace() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    made = engine(validating(validations=[{"expression": "namespaceObject == null"}]))
    assert made.review(request(namespace, namespace="n")).allowed


TOO_LATE = (
    {"validations": [{"expression": "object.data.all(a, object.data.all(b, a + b != ''))"}]},
    {
        "auditAnnotations": [
            {"key": "k", "valueExpression": "string(object.data.all(a, object.data.all(b, a + b != '')))"}
        ]
    },
)


@pytest.mark.parametrize("spec", TOO_LATE)
def test_time_that_is_over_gives_no_decision(spec: dict[str, list[dict[str, str]]]) -> None:
    wide = {**CONFIG_MAP, "data": {str(index): "1" for index in range(300)}}
    made = engine(validating("p", **spec, failurePolicy="Ignore"))
    with pytest.raises(DeadlineExceeded):
        made.review(request(wide), deadline=time.monotonic() - 1)


def test_a_review_changes_neither_the_request_nor_the_cluster() -> None:
    value = copy.deepcopy(POD)
    made = engine(mutating("m", SIDE, LABEL, kind="ApplyConfiguration"))
    before = copy.deepcopy(value)
    assert made.review(request(value)).object != before
    assert value == before


def test_threads_may_share_an_engine() -> None:
    made = engine(mutating("m", SIDE, kind="ApplyConfiguration"), validating("v", validations=[NOT_RED]))
    with ThreadPoolExecutor(4) as pool:
        decisions = list(pool.map(lambda _: made.review(request(POD)), range(40)))
    assert all(decision == decisions[0] for decision in decisions)


def test_policies_see_no_policies_and_no_access_reviews() -> None:
    made = engine(validating(validations=[{"expression": "false"}]))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}}
    asked = request(CONFIG_MAP)
    assert made.review(
        request(
            review,
            kind=GroupVersionKind("authentication.k8s.io", "v1", "TokenReview"),
            resource=GroupVersionResource("authentication.k8s.io", "v1", "tokenreviews"),
        )
    ).allowed
    assert not made.review(asked).allowed


def test_everything_wrong_with_policies_and_tenants_is_told_at_once() -> None:
    broken = validating(validations=[{"expression": "nope"}])
    tenant = {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "Nonsense",
        "metadata": {"name": "x"},
    }
    with pytest.raises(LoadError) as caught:
        Engine.load(manifests(broken, tenant, bound(broken)), Snapshot())
    assert len(caught.value.problems) >= 2
    assert "undeclared reference to 'nope'" in str(caught.value)
    assert "Nonsense" in str(caught.value)


def silencing(kind: str, *names: str) -> Object:
    usage = {"silencedWarnings": list(names)}
    spec = {"namespaces": {"names": ["cases"]}, **usage} if kind == "Tenant" else {"defaults": usage}
    name = {"Tenant": "foo", "TenancySettings": "settings"}[kind]
    return {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


@pytest.mark.parametrize("kind", ["Tenant", "TenancySettings"])
@pytest.mark.parametrize(
    ("actions", "left"), [(["Warn"], ("Audit",)), (["Warn", "Audit"], ("Audit",)), (["Deny"], ("Deny",))]
)
def test_a_silenced_warning_is_left_to_audits_and_a_denial_stays(
    kind: str, actions: list[str], left: tuple[str, ...]
) -> None:
    policy = validating(validations=[{"expression": "false"}])
    made = engine(policy, bound(policy, validationActions=actions), silencing(kind, "p"))
    decision = made.review(request(CONFIG_MAP))
    assert decision.warnings == ()
    assert [finding.actions for finding in decision.findings] == [left]
    assert decision.allowed is ("Deny" not in left)


def test_the_warnings_of_other_tenants_stay() -> None:
    policy = validating(validations=[{"expression": "false"}])
    tenant = {**silencing("Tenant", "p"), "spec": {"namespaces": {"names": ["x"]}, "silencedWarnings": ["p"]}}
    made = engine(policy, bound(policy, validationActions=["Warn"]), tenant)
    assert made.review(request(CONFIG_MAP)).warnings


@pytest.mark.parametrize(("kind", "path"), [("Tenant", "spec"), ("TenancySettings", "spec.defaults")])
def test_a_silenced_policy_that_does_not_exist_is_an_error(kind: str, path: str) -> None:
    policy = validating(validations=[NOT_RED])
    documents = manifests(policy, bound(policy), silencing(kind, "p", "typo"))
    with pytest.raises(LoadError, match=rf"{path}.silencedWarnings\[1\] is 'typo', which is no policy"):
        Engine.load(documents, Snapshot())
    Engine.load(documents, Snapshot(), whole=False)


# --- policies that are not enforced


def tenancy(enforcement: str, **tenants: str) -> tuple[Object, ...]:
    """Settings, and tenants with an enforcement of their own; each has the namespace of its name."""
    head = {"apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1"}
    settings = {**head, "kind": "TenancySettings", "metadata": {"name": "settings"}}
    return (
        {**settings, "spec": {"enforcement": enforcement}},
        *(
            {
                **head,
                "kind": "Tenant",
                "metadata": {"name": name},
                "spec": {"namespaces": {"names": [name]}, "enforcement": own},
            }
            for name, own in tenants.items()
        ),
    )


STAMP = mutating("stamp", LABEL, kind="ApplyConfiguration")
RED_ONLY = validating(
    "red", validations=[{"expression": "object.metadata.?labels.?team.orValue('') == 'red'"}]
)
NONE = validating("none", validations=[{"expression": "false", "message": "no", "reason": "Forbidden"}])


@pytest.mark.parametrize("phase", ["mutate", "validate"])
def test_what_is_observed_is_neither_changed_nor_refused(phase: Phase) -> None:
    made = engine(*tenancy("observe"), STAMP, NONE)
    decision = made.review(request(CONFIG_MAP), frozenset({phase}))
    assert (decision.allowed, decision.patch, decision.object) == (True, (), CONFIG_MAP)
    assert decision.withheld is not None
    assert bool(decision.withheld.patch) == (phase == "mutate")
    assert decision.withheld.allowed == (phase == "mutate")


def test_what_validation_would_say_is_of_the_object_as_mutation_would_leave_it() -> None:
    """The mutating webhook has left the object alone: what it would have put right is no violation."""
    enforced, observed = (engine(*tenancy(each), STAMP, RED_ONLY) for each in ("enforce", "observe"))
    assert not enforced.review(request(CONFIG_MAP), frozenset({"validate"})).allowed
    decision = observed.review(request(CONFIG_MAP), frozenset({"validate"}))
    assert (decision.withheld, decision.findings) == (None, ())


def test_a_mutation_that_cannot_be_made_is_told_once() -> None:
    made = engine(*tenancy("observe"), mutating("m", "[JSONPatch{op: 'remove', path: '/nope'}]"), NONE)
    mutated = made.review(request(CONFIG_MAP), frozenset({"mutate"}))
    validated = made.review(request(CONFIG_MAP), frozenset({"validate"}))
    assert [finding.policy for finding in mutated.findings] == ["m"]
    assert (validated.allowed, validated.findings) == (True, ())


@pytest.mark.parametrize(
    ("settings", "own", "allowed"), [("enforce", "observe", True), ("warn", "enforce", False)]
)
def test_a_tenants_own_enforcement_wins(settings: str, own: str, allowed: bool) -> None:
    made = engine(*tenancy(settings, cases=own), NONE)
    assert made.review(request(CONFIG_MAP)).allowed is allowed


def test_a_namespace_that_does_not_exist_is_observed_too() -> None:
    policies = engine(*tenancy("observe"), NONE).policies
    decision = Engine(policies, Snapshot(complete=True)).review(request(CONFIG_MAP))
    assert decision.allowed
    assert decision.withheld is not None
    assert decision.withheld.status is not None
    assert decision.withheld.status.code == 404


def test_what_takes_too_long_passes_where_it_is_observed() -> None:
    wide = {**CONFIG_MAP, "data": {str(index): "1" for index in range(300)}}
    made = engine(*tenancy("observe"), validating("p", **TOO_LATE[0]))
    decision = made.review(request(wide), deadline=time.monotonic() - 1)
    assert decision.withheld is not None
    assert decision.withheld.status is not None
    assert (decision.allowed, decision.withheld.status.code) == (True, 504)


def test_a_fault_of_ours_stops_nothing_where_it_is_observed() -> None:
    class Broken(Snapshot):
        def get(self, *_: object) -> Object | None:
            raise ZeroDivisionError("the object's own text")

    made = Engine(engine(*tenancy("observe"), NONE).policies, Broken())
    decision = made.review(request(CONFIG_MAP))
    assert decision.withheld is not None
    assert decision.withheld.status is not None
    assert decision.withheld.status.message.startswith("internal error: ZeroDivisionError at ")
    with pytest.raises(ZeroDivisionError):
        Engine(engine(*tenancy("enforce"), NONE).policies, Broken()).review(request(CONFIG_MAP))


def test_settings_that_cannot_be_read_are_not_observed_on_trust() -> None:
    with pytest.raises(LoadError, match="enforcement"):
        engine(*tenancy("audit"), NONE)


def test_code_is_generated_when_it_is_first_needed_or_beforehand() -> None:
    made = engine(validating("p", validations=[{"expression": "object.kind != 'Pod' + 'x'"}]))
    (policy,) = made.policies.validating
    program = policy.validations[0].expression.program
    assert program._code is None
    prepare(made.policies)
    assert program._code is program.evaluate


@pytest.mark.parametrize(
    ("expression", "documents", "read"),
    [
        ("object.kind != ''", [], False),
        ("references(object).size() == 0", [], True),
        ("tenant == null || tenant.owns('foo')", [], True),
        ("object.kind != ''", [*tenancy("observe")], False),
        ("object.kind != ''", [*tenancy("observe", foo="enforce")], True),
    ],
)
def test_what_references_are_found_by_is_read_where_a_decision_may_need_it(
    expression: str, documents: list[Object], read: bool
) -> None:
    catalogue.cache_clear()
    known_kinds.cache_clear()
    engine(*documents, validating("p", validations=[{"expression": expression}]))
    assert (catalogue.cache_info().currsize, known_kinds.cache_info().currsize) == (read, read)
