"""What one tenant may name of another's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.objects.selector import Selector
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.tenant import Claim, Grant, Tenancy, Tenant

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
