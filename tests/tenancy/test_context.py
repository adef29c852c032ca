"""What one tenant may name of another's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.tenant import Claim, ContestedNamespace, Grant, Owner, Tenancy, Tenant

TENANCY = Tenancy(
    (
        Tenant(
            "shop",
            claim=Claim(names=("shop",)),
            sharing=(
                Grant(to=("foo", "gone"), kinds=("Service",), names=("shared-*",)),
                Grant(to=("*",), kinds=("Namespace.networking.k8s.io",)),
            ),
        ),
        Tenant("foo", claim=Claim(names=("foo",))),
    )
)


def context(kind: str = "Pod", namespace: str = "foo", name: str = "web") -> Context:
    request = AdmissionRequest(
        uid="",
        kind=GroupVersionKind("", "v1", kind),
        resource=GroupVersionResource("", "v1", f"{kind.lower()}s"),
        operation="CREATE",
        name=name,
        namespace=namespace,
        user=UserInfo("alice"),
    )
    return Context(TENANCY, Snapshot([]), request)


@pytest.mark.parametrize(
    ("namespace", "kind", "name", "permitted"),
    [
        ("foo", "Service", "shared-db", True),
        ("foo", "Service", "db", False),
        ("foo", "Secret", "shared-db", False),
        ("gone", "Service", "shared-db", False),
        ("foo", "Namespace.networking.k8s.io", "shop", True),
        ("foo", "Namespace", "shop", False),
    ],
    ids=lambda value: str(value),
)
def test_what_is_shared_may_be_named_by_those_it_is_shared_with(
    namespace: str, kind: str, name: str, permitted: bool
) -> None:
    """The namespace `gone` is nobody's: that it is called like a tenant of a grant gives it nothing."""
    asked = context(namespace=namespace)
    tenant = asked.tenant()
    assert tenant is not None
    reference = {"kind": kind.partition(".")[0], "group": kind.partition(".")[2], "namespace": "shop"}
    assert asked.permits(tenant, reference | {"name": name}) is permitted


@pytest.mark.parametrize(
    ("kind", "name", "permitted"),
    [
        ("User", "fay", True),
        ("User", "jane", True),
        ("User", "sam", False),
        ("Group", "sam", True),
        ("Group", "shop-crew", False),
        ("Group", "shop-guests", True),
        ("Group", "system:masters", False),
        ("User", "system:kube-scheduler", False),
        ("User", "late", False),
    ],
)
def test_rights_may_be_given_to_ones_own_people_and_to_those_of_no_tenant(
    kind: str, name: str, permitted: bool
) -> None:
    """`late` runs a tenant that is not in force: whose people they are holds nevertheless."""
    shop = Tenant(
        "shop",
        owners=(Owner("User", "sam"), Owner("Group", "shop-crew"), Owner("Group", "shop-guests")),
        sharing=(Grant(to=("foo",), kinds=("Group.rbac.authorization.k8s.io",), names=("shop-guests",)),),
    )
    foo = Tenant("foo", claim=Claim(names=("foo",)), owners=(Owner("User", "fay"),))
    late = Tenant("late", owners=(Owner("User", "late"),))
    asked = replace(context(), tenancy=Tenancy((shop, foo), rejected=(late,)))
    reference = {"kind": kind, "group": "rbac.authorization.k8s.io", "namespace": "", "name": name}
    assert asked.permits(foo, reference) is permitted


@pytest.mark.parametrize(("secret", "namespace"), [("shop/x", "shop"), ("nowhere/x", "")])
def test_what_stands_before_a_name_is_its_namespace_where_there_is_one(secret: str, namespace: str) -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"tokenSecret": secret}}
    assert [each["namespace"] for each in context().references(body)] == [namespace]


CLAIM = {"matchLabels": {"team": "foo"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}
INSIDE = [
    ({"matchLabels": {"tenancy.gatekeeper-py.dev/tenant": "foo"}}, True),
    ({"matchLabels": {"tenancy.gatekeeper-py.dev/tenant": "foo", "a": "b"}}, True),
    ({"matchLabels": {"tenancy.gatekeeper-py.dev/tenant": "shop"}}, False),
    (CLAIM, True),
    ({**CLAIM, "matchLabels": {"team": "foo", "a": "b"}}, True),
    ({"matchLabels": {"team": "foo"}}, False),
    ({**CLAIM, "matchLabels": {"team": "shop"}}, False),
    ({**CLAIM, "matchLabels": {}}, False),
    ({"matchLabels": {"team": "foo", "tier": "web"}}, False),
    ({}, False),
    ({"matchLabels": "team"}, False),
    ({"matchExpressions": [{"key": "team", "operator": "Odd"}]}, False),
    (None, False),
]


@pytest.mark.parametrize(("selector", "permitted"), INSIDE, ids=lambda value: str(value))
def test_a_selector_of_namespaces_may_ask_for_no_less_than_the_tenants_own_claim(
    selector: object, permitted: bool
) -> None:
    """By requirements of the claim itself: labels that a tenant may set say nothing of whose a namespace is."""
    tenant = Tenant("foo", claim=Claim(selectors=(Selector.of(CLAIM),)))
    reference = {"kind": "Namespace", "group": "", "namespace": "*", "name": "", "selector": selector}
    assert context().permits(tenant, reference) is permitted


def test_a_namespace_with_a_generated_name_is_its_own() -> None:
    assert context("Namespace", namespace="", name="shop").namespace == "shop"
    assert context("Node", namespace="", name="shop").namespace == ""


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("http://db.shop:8080", [("Service", "shop", "db")]),
        ("http://db.there", [("Service", "there", "db")]),
        ("https://example.com", [("Destination", "", "example.com")]),
        ("http://db.shop.", [("Address", "", "http://db.shop.")]),
    ],
    ids=lambda value: str(value),
)
def test_a_host_of_two_labels_is_a_service_where_there_is_such_a_namespace(
    url: str, names: list[tuple[str, str, str]]
) -> None:
    """Claimed by a tenant, or of the cluster; a dot at the end keeps the search path out."""
    there = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "there"}}
    asked = replace(context(), cluster=Snapshot([there]))
    body = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "spec": {"url": url}}
    found = asked.references(body)
    assert [(each["kind"], each["namespace"], each["name"]) for each in found] == names


TRUSTED = Tenancy(
    (
        Tenant("platform", trusted=True, writes_as_platform=True, claim=Claim(names=("kube-system",))),
        Tenant("gitops", trusted=True, claim=Claim(names=("argocd",))),
        Tenant("foo", claim=Claim(names=("foo",))),
    )
)
DEPLOYER = "system:serviceaccount:argocd:controller"
COPYIST = "system:serviceaccount:kube-system:replicaset-controller"
AGENT = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {"name": "agent", "namespace": "foo", "labels": {"tenancy.gatekeeper-py.dev/protected": ""}},
}
OF_AGENT = {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "agent", "uid": ""}]}


def acts_for_the_platform(user: str, kind: str = "Pod", **request: Any) -> bool:
    groups = ("system:masters",) if user == "admin" else ()
    body = {"metadata": request.pop("metadata", {})}
    asked = replace(
        context(kind).request,
        user=UserInfo(user, groups=groups),
        object=body,
        **{"namespace": "foo"} | request,
    )
    return Context(TRUSTED, Snapshot([AGENT]), asked).is_platform(asked.user)


@pytest.mark.parametrize(
    ("user", "request_", "platform"),
    [
        ("admin", {}, True),
        ("alice", {}, False),
        (DEPLOYER, {}, False),
        (DEPLOYER, {"operation": "DELETE"}, False),
        (DEPLOYER, {"operation": "UPDATE", "subresource": "scale"}, False),
        (DEPLOYER, {"operation": "UPDATE", "subresource": "status"}, True),
        (DEPLOYER, {"operation": "CONNECT", "subresource": "exec"}, True),
        (DEPLOYER, {"namespace": "argocd"}, True),
        (DEPLOYER, {"kind": "Namespace", "name": "foo"}, True),
        ("system:serviceaccount:kube-system:installer", {}, True),
        (COPYIST, {}, False),
        ("system:kube-controller-manager", {}, False),
        (COPYIST, {"metadata": OF_AGENT}, True),
        (COPYIST, {"operation": "UPDATE"}, True),
        (COPYIST, {"operation": "DELETE"}, True),
        (COPYIST, {"kind": "Endpoints"}, True),
        (COPYIST, {"namespace": "kube-system"}, True),
    ],
    ids=str,
)
def test_who_acts_for_the_platform(user: str, request_: dict[str, Any], platform: bool) -> None:
    assert acts_for_the_platform(user, **request_) is platform


@pytest.mark.parametrize(
    ("host", "called"),
    [
        ("web.foo.svc", True),
        ("web.foo", True),
        ("db.shop.svc.cluster.local", False),
        ("db.shop", False),
        ("db-0.db.shop", False),
        ("shared-db.shop.svc", True),
        ("shared-db.shop", True),
        ("example.org", True),
        ("8.8.8.8", True),
        ("169.254.169.254", False),
        ("localhost", False),
    ],
)
def test_what_a_controller_may_call_for_a_tenant(host: str, called: bool) -> None:
    asked = context()
    tenant = asked.tenant()
    assert tenant is not None
    assert asked.may_call(tenant, host) is called


@pytest.mark.parametrize(
    ("namespace", "permitted"),
    [
        ("foo", True),
        ("shop", False),
        ("nobodys", True),
        ("platform", True),
        ("contested", False),
        ("*", True),
    ],
)
def test_pods_may_call_what_is_of_no_other_tenant(namespace: str, permitted: bool) -> None:
    contested = [Tenant(name, claim=Claim(names=("contested",))) for name in ("one", "two")]
    platform = Tenant("platform", trusted=True, claim=Claim(names=("platform",)))
    asked = replace(context(), tenancy=Tenancy((*TENANCY.tenants, platform, *contested)))
    tenant = asked.tenant()
    assert tenant is not None
    reference = {"kind": "Service", "group": "", "namespace": namespace, "name": "db", "how": "pods"}
    assert asked.permits(tenant, reference) is permitted


@pytest.mark.parametrize(
    ("host", "called"),
    [
        ("10.96.0.1", False),
        ("[fd00::1]", False),
        ("[::ffff:10.96.0.1]:443", False),
        ("10-96-0-1.nip.io", False),
        ("10.96.0.2", True),
    ],
)
def test_no_controller_calls_the_api_server_by_its_address(host: str, called: bool) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00::1"]},
    }
    asked = replace(context(), cluster=Snapshot([service]))
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "spec": {"url": f"https://{host}/"}}
    found = [reference["kind"] for reference in asked.references(thing)]
    assert found == ([] if called else ["Inside"])


@pytest.mark.parametrize("spec", [None, {}, {"clusterIPs": None}, {"clusterIPs": ["None", 1]}])
def test_without_an_address_the_api_server_is_only_known_by_name(spec: Any) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "spec": spec,
    }
    asked = replace(context(), cluster=Snapshot([service]))
    assert asked.surroundings == asked.tenancy.surroundings


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("shop-invoices", "shop"),
        ("SHOP.orders.*", "shop"),
        ("shop/*", "shop"),
        ("shop", ""),
        ("foo-shop", ""),
        ("shop-foo", "shop"),
        ("nobodys-invoices", ""),
        ("orders.shop", ""),
    ],
)
def test_a_name_on_a_server_is_whose_it_begins_with(name: str, namespace: str) -> None:
    nobodys = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nobodys"}}
    asked = replace(context(), cluster=Snapshot([nobodys]))
    (reference,) = asked.references(
        {"apiVersion": "example.com/v1", "kind": "Grant", "spec": {"topic": name}}
    )
    assert reference["namespace"] == namespace


def test_a_pod_of_a_service_is_that_services_where_there_is_one() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "shop"}}
    repository = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "spec": {"url": "http://web-0.db.shop/x.git"},
    }
    asked = context()
    assert {found["kind"] for found in asked.references(repository)} == {"Destination"}
    there = Context(TENANCY, Snapshot([service]), asked.request)
    assert [(f["kind"], f["namespace"], f["name"]) for f in there.references(repository)] == [
        ("Service", "shop", "db")
    ]


@pytest.mark.parametrize(
    ("name", "namespace"),
    [("foo-auth", "foo"), ("foo-shop-auth", "foo"), ("foo-bar-auth", "foo-bar"), ("shop-auth", "shop")],
)
def test_a_joined_name_is_of_the_namespace_that_is_not_the_tenants(name: str, namespace: str) -> None:
    annotations = {"traefik.ingress.kubernetes.io/router.middlewares": f"{name}@kubernetescrd"}
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"annotations": annotations},
    }
    bar = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foo-bar"}}
    asked = Context(TENANCY, Snapshot([bar]), context().request)
    assert [(f["kind"], f["namespace"]) for f in asked.references(ingress)] == [("Middleware", namespace)]


def test_the_platform_acts_in_a_namespace_that_two_tenants_claim() -> None:
    claim = Claim(selectors=(Selector.of({"matchLabels": {"team": "foo"}}),))
    contested = Tenancy((Tenant("one", claim=claim), Tenant("other", claim=claim)))
    labelled = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "foo", "labels": {"team": "foo"}},
    }
    asked = Context(contested, Snapshot([labelled]), context().request)
    assert asked.is_platform(UserInfo("admin", groups=("system:masters",)))
    with pytest.raises(ContestedNamespace):
        asked.tenant()
