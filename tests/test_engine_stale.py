"""Decisions on a view that is stale in part: fail closed for tenants, in words, and go on for all else."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.staleness import Guarded, Stale
from gatekeeper_py.engine import Engine, load_policies
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.webhook.origin import TENANCY_KINDS
from tests.policy.support import CONFIG_MAP, bound, manifests, mutating, request, validating

Json = dict[str, Any]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
SERVICE = GroupVersionKind("", "v1", "Service")
RUNTIME_CLASS = GroupVersionKind("node.k8s.io", "v1", "RuntimeClass")
ROLE = GroupVersionKind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding")
TENANT = TENANCY_KINDS[0]
DEFINITION = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")

LOOK_UP = "cluster.get('v1', 'Service', request.namespace, 's').hasValue()"
ALLOW = [{"expression": "true"}]


def tenant(name: str, *namespaces: str, **spec: Any) -> Json:
    return {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {"namespaces": {"names": list(namespaces)}, **spec},
    }


TENANTS = (tenant("cases", "cases"), tenant("platform", "kube-system", trusted=True))
NAMESPACES = tuple(
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"a": "b"}}}
    for name in ("cases", "kube-system")
)


def decide(
    policy: Json, *stale: GroupVersionKind, asked: AdmissionRequest | None = None, **binding: Any
) -> Decision:
    policies = load_policies(manifests(*TENANTS, policy, bound(policy, **binding)))
    cluster = Guarded(Snapshot(NAMESPACES, complete=True), {kind: Stale(kind, 47.0, "403") for kind in stale})
    return Engine(policies, cluster, TENANCY_KINDS).review(asked or request(CONFIG_MAP))


def looks(expression: str) -> Json:
    return validating(validations=[{"expression": expression}], failurePolicy="Ignore")


NEEDS: dict[str, tuple[Json, GroupVersionKind]] = {
    "a look-up": (looks(LOOK_UP), SERVICE),
    "one that is not needed in the end": (looks(f"[{LOOK_UP}].size() == 1"), SERVICE),
    "a list": (looks("cluster.list('v1', 'Service', 'cases').size() == 0"), SERVICE),
    "a runtime class": (looks("!runtimeClass('kata').hasValue()"), RUNTIME_CLASS),
    "who may do what": (looks("!authorizer.group('').resource('pods').check('get').allowed()"), ROLE),
    "the namespace": (looks("namespaceObject != null"), NAMESPACE),
    "whose namespace": (looks("!tenants.ofNamespace('nowhere').hasValue() || true"), TENANT),
    "a match condition": (
        validating(matchConditions=[{"name": "c", "expression": LOOK_UP}], validations=ALLOW),
        SERVICE,
    ),
    "a variable": (
        validating(
            variables=[{"name": "v", "expression": LOOK_UP}], validations=[{"expression": "variables.v"}]
        ),
        SERVICE,
    ),
    "a message": (
        validating(
            validations=[{"expression": "false", "messageExpression": f"{LOOK_UP} ? 'there' : 'not there'"}]
        ),
        SERVICE,
    ),
    "an annotation": (
        validating(auditAnnotations=[{"key": "k", "valueExpression": f"{LOOK_UP} ? 'a' : 'b'"}]),
        SERVICE,
    ),
    "a mutation": (
        mutating(
            "m",
            f"{LOOK_UP} ? [] : [JSONPatch{{op: 'add', path: '/data/b', value: '1'}}]",
            failurePolicy="Ignore",
        ),
        SERVICE,
    ),
    "a selector of namespaces": (
        validating(
            matchConstraints={
                "namespaceSelector": {"matchLabels": {"a": "b"}},
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
                ],
            },
            validations=ALLOW,
        ),
        NAMESPACE,
    ),
    "the tenants": (looks("true"), TENANT),
}


@pytest.mark.parametrize(("policy", "kind"), NEEDS.values(), ids=NEEDS)
def test_what_needs_a_stale_kind_is_refused_whatever_the_failure_policy(
    policy: Json, kind: GroupVersionKind
) -> None:
    decision = decide(policy, kind)
    assert not decision.allowed
    assert decision.status is not None
    assert (decision.status.code, decision.status.reason) == (503, "ServiceUnavailable")
    assert decision.status.message == (
        f"the policy engine cannot tell: {kind.kind} ({kind.api_version}) was last known 47 s ago: 403. "
        "Nothing that depends on it is admitted; try again later. If that is no help, the engine's log and "
        "`GET /readyz?verbose` show the operator what is missing"
    )


@pytest.mark.parametrize(("policy", "kind"), NEEDS.values(), ids=NEEDS)
def test_the_platform_goes_on_by_what_was_known_last(policy: Json, kind: GroupVersionKind) -> None:
    admin = UserInfo("admin", groups=("system:masters",))
    home = {**CONFIG_MAP, "metadata": {"name": "x", "namespace": "kube-system"}}
    for asked in (request(CONFIG_MAP, user=admin), request(home)):
        decision = decide(policy, kind, asked=asked)
        assert decision.status is None or decision.status.code != 503


def test_by_what_was_known_last_it_is_judged_nevertheless() -> None:
    admin = UserInfo("admin", groups=("system:masters",))
    decision = decide(looks(LOOK_UP), SERVICE, asked=request(CONFIG_MAP, user=admin))
    assert decision.status is not None
    assert decision.status.code == 422


@pytest.mark.parametrize("kind", [SERVICE, RUNTIME_CLASS, ROLE, DEFINITION], ids=lambda kind: kind.kind)
def test_what_needs_nothing_of_it_is_decided(kind: GroupVersionKind) -> None:
    assert decide(looks("object.data.a == '1'"), kind).allowed
    refused = decide(looks("false"), kind)
    assert refused.status is not None
    assert refused.status.code == 422


def test_what_no_policy_is_about_needs_nothing() -> None:
    rules = [{"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": ["pods"]}]
    policy = validating(matchConstraints={"resourceRules": rules}, validations=[{"expression": "false"}])
    assert decide(policy, TENANT, NAMESPACE).allowed


def test_whom_nobody_can_place_is_not_trusted() -> None:
    by_label = {**tenant("by-label"), "spec": {"namespaces": {"selector": {"matchLabels": {"c": "d"}}}}}
    account = UserInfo("system:serviceaccount:elsewhere:default")
    policy = looks("requester.platform")
    policies = load_policies(manifests(*TENANTS, by_label, policy, bound(policy)))
    stale = {NAMESPACE: Stale(NAMESPACE, 47.0, "403")}
    engine = Engine(policies, Guarded(Snapshot(NAMESPACES, complete=True), stale))
    decision = engine.review(request(CONFIG_MAP, user=account))
    assert decision.status is not None
    assert decision.status.code == 503
