"""What is refused whatever the policies say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.policy.evaluation.extension import Extension
from gatekeeper_py.tenancy.refusals import living
from tests.policy.support import CONFIG_MAP, POD, bound, request, validating
from tests.tenancy.test_standing import API, FILES, Json, guest, named

ADMIN = UserInfo("admin", groups=("system:masters",))
CONTROLLER = UserInfo("system:serviceaccount:kube-system:replicaset-controller")
KUBELET = UserInfo("system:node:n1", groups=("system:nodes",))
ALICE = UserInfo("alice", groups=("devs",))
IN_FOO = UserInfo("system:serviceaccount:foo:default")
TENANTS = GroupVersionResource("tenancy.gatekeeper-py.dev", "v1alpha1", "tenants")


def engine(*objects: Json, files: str = FILES) -> Engine:
    """No policies but tenants of files, over a cluster with these objects."""
    cluster = Snapshot(objects)
    return Engine(load_policies(read_text(files, "t.yaml"), living(cluster)), cluster)


def tenant(name: str, spec: object, **metadata: Any) -> Json:
    return {**guest(name, spec).object, "metadata": {"name": name, **metadata}}


def writing(value: Json, old: Json | None = None, **fields: Any) -> AdmissionRequest:
    made = AdmissionRequest(
        uid="u",
        kind=GroupVersionKind.parse(API, value["kind"]),
        resource=TENANTS,
        operation="CREATE" if old is None else "UPDATE",
        name=value["metadata"]["name"],
        namespace="",
        user=ADMIN,
        object=value,
        old_object=old,
    )
    return replace(made, **fields)


def said(made: Engine, asked: AdmissionRequest) -> str:
    decision = made.review(asked)
    assert decision.allowed is (decision.status is None)
    return decision.status.message if decision.status else ""


HEAD = 'tenants.tenancy.gatekeeper-py.dev "%s" is forbidden: '


def test_a_tenant_that_claims_what_another_claims_is_refused_with_both_names() -> None:
    made = engine(tenant("bar", named("bar")))
    assert said(made, writing(tenant("evil", named("bar", "mine")))) == (
        HEAD
        % "evil"
        + "Tenant 'evil': the tenants 'bar' (cluster/Tenant/bar) and 'evil' both claim the namespace 'bar'; "
        "leave it to one of them"
    )
    assert said(made, writing(tenant("foo", named("other")))) == (
        HEAD % "foo" + "Tenant 'foo': Tenant 'foo' is declared at t.yaml:1, which holds; keep one of them"
    )
    assert said(made, writing(tenant("good", named("mine")))) == ""


def test_what_was_admitted_a_moment_ago_counts_though_it_is_not_in_force_yet() -> None:
    made = engine()
    later = Engine(made.policies, Snapshot([tenant("bar", named("bar"))]))
    assert "both claim the namespace 'bar'" in said(later, writing(tenant("evil", named("bar"))))


@pytest.mark.parametrize(("generation", "told"), [(1, True), (2, False)], ids=["in force", "newer"])
def test_of_what_is_in_force_and_newer_in_the_cluster_the_newer_counts(generation: int, told: bool) -> None:
    made = engine(tenant("bar", named("bar"), generation=1))
    moved = Snapshot([tenant("bar", named("moved" if generation == 2 else "bar"), generation=generation)])
    said_now = said(Engine(made.policies, moved), writing(tenant("evil", named("bar"))))
    assert ("both claim the namespace 'bar'" in said_now) is told


def test_every_fault_of_an_invalid_tenant_is_told() -> None:
    told = said(engine(), writing(tenant("bad", named("bad", isolation="vm", externalIPs=["x"]))))
    assert told.startswith(HEAD % "bad" + "Tenant 'bad': spec.isolation is unknown; ")
    settings = {**guest("settings", {"protectedCIDRs": ["x"]}, "TenancySettings").object}
    assert "TenancySettings 'settings': spec.protectedCIDRs[0] is 'x'" in said(engine(), writing(settings))


CONTESTED = (tenant("one", named("a", "b", "c")), tenant("two", named("a", "b")))

MENDS: dict[str, tuple[Json, bool]] = {
    "leaving one of two": (tenant("two", named("a")), True),
    "leaving both": (tenant("two", named("d")), True),
    "saying the same of something else": (tenant("two", named("a", "b"), labels={"a": "b"}), True),
    "saying something else of the same": (tenant("two", named("a", "b", requireLimits=True)), True),
    "taking one more": (tenant("two", named("a", "b", "c")), False),
    "breaking it": (tenant("two", named("a", isolation="vm")), False),
}


@pytest.mark.parametrize("case", MENDS)
def test_what_is_contested_may_be_mended_step_by_step_and_not_be_made_worse(case: str) -> None:
    changed, allowed = MENDS[case]
    assert (said(engine(*CONTESTED), writing(changed, CONTESTED[1])) == "") is allowed


def test_a_contested_or_invalid_tenant_may_be_deleted_and_its_status_written() -> None:
    bad = tenant("bad", named("bad", isolation="vm"))
    made = engine(*CONTESTED, bad)
    for value in (*CONTESTED, bad):
        assert said(made, writing(value, value, operation="DELETE", object=None)) == ""
        assert said(made, writing({**value, "status": {}}, value, subresource="status")) == ""
        ending = {**value, "metadata": {**value["metadata"], "finalizers": []}}
        assert said(made, writing(ending, value)) == ""


EVIL = tenant("evil", named("foo"))
CLOSED = (
    "namespace 'foo' is closed: the tenants 'evil' (cluster/Tenant/evil) and 'foo' (t.yaml:1) both claim it; "
    "leave it to one of them"
)
NAMESPACE: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foo"}}
POD_OF_FOO: Json = {**POD, "metadata": {"name": "x", "namespace": "foo"}}
ENDING: Json = {**POD, "metadata": {**POD_OF_FOO["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}


@pytest.mark.parametrize("user", [ALICE, ADMIN, CONTROLLER, KUBELET, IN_FOO], ids=lambda user: user.username)
def test_nothing_new_comes_into_a_namespace_that_two_claim(user: UserInfo) -> None:
    made = engine(EVIL)
    asked = request(POD_OF_FOO, user=user)
    assert said(made, asked) == f'pods "x" is forbidden: {CLOSED}'
    assert said(made, replace(asked, operation="UPDATE", old_object=POD_OF_FOO)) != ""
    assert said(made, replace(asked, namespace="foo-1")) == ""
    assert said(made, replace(asked, namespace="bar")) == ""


GOES_ON: dict[str, tuple[AdmissionRequest, tuple[UserInfo, ...]]] = {
    "deleting": (
        request(None, old_object=POD_OF_FOO, operation="DELETE", namespace="foo", name="x"),
        (ADMIN, CONTROLLER, KUBELET),
    ),
    "telling how it is": (
        request(POD_OF_FOO, old_object=POD_OF_FOO, operation="UPDATE", subresource="status"),
        (ADMIN, CONTROLLER, KUBELET),
    ),
    "draining": (request(POD_OF_FOO, subresource="eviction"), (ADMIN, CONTROLLER, KUBELET)),
    "ending": (
        request(POD_OF_FOO, old_object=ENDING, operation="UPDATE"),
        (ADMIN, CONTROLLER, KUBELET),
    ),
    "mending the namespace": (
        request(NAMESPACE, old_object=NAMESPACE, operation="UPDATE", namespace="foo"),
        (ADMIN, CONTROLLER, KUBELET),
    ),
}


@pytest.mark.parametrize("case", GOES_ON)
def test_the_platform_and_nodes_go_on_with_what_is_there(case: str) -> None:
    asked, users = GOES_ON[case]
    made = engine(EVIL)
    for user in users:
        assert said(made, replace(asked, user=user)) == ""
    for user in (ALICE, IN_FOO):
        assert CLOSED in said(made, replace(asked, user=user))


def test_policies_take_a_namespace_that_is_mended_for_nobodys() -> None:
    policy = validating("p", validations=[{"expression": "tenant == null && requester.platform"}])
    cluster = Snapshot([EVIL])
    manifests = (
        *read_text(FILES, "t.yaml"),
        *(replace(guest("x", {}), object=v) for v in (policy, bound(policy))),
    )
    made = Engine(load_policies(manifests, living(cluster)), cluster)
    mending = request(NAMESPACE, old_object=NAMESPACE, operation="UPDATE", namespace="foo", user=ADMIN)
    assert said(made, mending) == ""


def test_without_doubt_nobody_is_asked_whose_a_namespace_is() -> None:
    made = engine(tenant("bar", named("bar")))
    assert said(made, request(CONFIG_MAP)) == ""
    without = Extension()
    assert without.refusal(request(CONFIG_MAP), made.cluster) == ""
    assert without.objection(request(CONFIG_MAP), made.cluster) == ""


def test_what_a_policy_refuses_it_refuses_in_its_own_words() -> None:
    """Whoever may not write Tenants at all learns nothing of other tenants."""
    policy = validating("p", validations=[{"expression": "false", "message": "not yours"}])
    cluster = Snapshot([tenant("bar", named("bar"))])
    manifests = (
        *read_text(FILES, "t.yaml"),
        *(replace(guest("x", {}), object=v) for v in (policy, bound(policy))),
    )
    made = Engine(load_policies(manifests, living(cluster)), cluster)
    assert said(made, writing(tenant("evil", named("bar")))).endswith("denied request: not yours")


def test_the_door_for_mutation_leaves_documents_to_that_for_validation() -> None:
    evil = writing(tenant("foo", named("other")))
    assert engine().review(evil, frozenset({"mutate"})).allowed
    assert not engine().review(evil, frozenset({"validate"})).allowed
