"""A tenant's frame is the same for the same tenant, and holds what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.golang import quantities
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.frame import LEVEL_LABEL, QUOTA, frame, homes
from gatekeeper_py.tenancy.tenant import Claim, Limits, Owner, Tenancy, Tenant

FOO = Tenant(
    "foo",
    claim=Claim(names=("foo", "foo-b")),
    owners=(Owner("User", "alice"), Owner("Group", "devs"), Owner("ServiceAccount", "ci", "foo")),
    limits=Limits(load_balancers=5, node_ports=40, cpu="4", memory="8Gi"),
)
DENY, DNS, INSIDE = "tenant-default-deny", "tenant-dns", "tenant-inside"


def record(name: str = "foo", **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def made(tenant: Tenant = FOO, namespace: Object | None = None) -> dict[tuple[str, str], Object]:
    """The frame of a namespace, by kind and name."""
    documents = list(frame(tenant, namespace or record(), ["foo-b", "foo"]))
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


def test_a_frame_holds_what_belongs_into_a_namespace_itself_first() -> None:
    assert list(made()) == [
        ("Namespace", "foo"),
        ("RoleBinding", "tenant-owners"),
        ("NetworkPolicy", DENY),
        ("NetworkPolicy", DNS),
        ("NetworkPolicy", INSIDE),
        ("ResourceQuota", "tenant-quota"),
        ("LimitRange", "tenant-limits"),
    ]


def test_all_but_the_namespace_is_in_it_and_bears_the_platforms_mark() -> None:
    namespace, *others = made().values()
    assert namespace["metadata"] == {"name": "foo", "labels": {LEVEL_LABEL: "baseline"}}
    for each in others:
        assert each["metadata"]["namespace"] == "foo"
        assert each["metadata"]["labels"]["tenancy.gatekeeper-py.dev/protected"] == "true"


def test_the_same_in_is_the_same_out() -> None:
    assert made() == made()
    swapped = list(frame(FOO, record(), ["foo", "foo-b"]))
    assert swapped == list(made().values())


LEVELS = [
    ("baseline", {}, "baseline"),
    ("restricted", {}, "restricted"),
    ("baseline", {LEVEL_LABEL: "restricted"}, "restricted"),
    ("restricted", {LEVEL_LABEL: "baseline"}, "restricted"),
    ("baseline", {LEVEL_LABEL: "privileged"}, "baseline"),
    ("baseline", {LEVEL_LABEL: "odd"}, "baseline"),
]


@pytest.mark.parametrize(("own", "there", "level"), LEVELS)
def test_of_two_levels_of_pod_security_the_stricter_stays(
    own: Any, there: dict[str, str], level: str
) -> None:
    namespace = made(replace(FOO, pod_security=own), record(**there))["Namespace", "foo"]
    assert namespace["metadata"]["labels"] == {LEVEL_LABEL: level}


@pytest.mark.parametrize(("enforcement", "mode"), [("warn", "warn"), ("observe", "audit")])
def test_who_is_not_enforced_gets_nothing_that_changes_or_refuses(enforcement: Any, mode: str) -> None:
    found = made(replace(FOO, enforcement=enforcement))
    assert list(found) == [("Namespace", "foo"), ("RoleBinding", "tenant-owners")]
    labels = found["Namespace", "foo"]["metadata"]["labels"]
    assert labels == {f"pod-security.kubernetes.io/{mode}": "baseline"}


def test_owners_administer_it() -> None:
    binding = made()["RoleBinding", "tenant-owners"]
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "admin",
    }
    assert binding["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "devs"},
        {"kind": "ServiceAccount", "name": "ci", "namespace": "foo"},
    ]
    assert ("RoleBinding", "tenant-owners") not in made(replace(FOO, owners=()))


def test_nothing_passes_but_dns_and_the_tenants_own() -> None:
    found = made()
    assert found["NetworkPolicy", DENY]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    dns = found["NetworkPolicy", DNS]["spec"]
    assert dns["policyTypes"] == ["Egress"]
    assert dns["egress"][0]["ports"] == [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    own = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["foo", "foo-b"]}
    peer = {"namespaceSelector": {"matchExpressions": [own]}}
    inside = found["NetworkPolicy", INSIDE]["spec"]
    assert (inside["ingress"], inside["egress"]) == ([{"from": [peer]}], [{"to": [peer]}])


def test_a_quota_is_what_every_frame_has_with_the_tenants_own() -> None:
    tenant = replace(FOO, quota={"requests.cpu": "40", "pods": "20"})
    assert made(tenant)["ResourceQuota", "tenant-quota"]["spec"]["hard"] == {
        **QUOTA,
        "services.loadbalancers": "5",
        "services.nodeports": "40",
        "requests.cpu": "40",
        "pods": "20",
    }


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, {"defaultRequest": ("100m", "128Mi"), "default": ("1", "2Gi")}),
        (
            {"cpu": "4", "memory": "8Gi"},
            {"defaultRequest": ("100m", "128Mi"), "default": ("1", "2Gi"), "max": ("4", "8Gi")},
        ),
        (
            {"cpu": "50m", "memory": "1Gi"},
            {"defaultRequest": ("50m", "128Mi"), "default": ("50m", "1Gi"), "max": ("50m", "1Gi")},
        ),
    ],
)
def test_no_default_is_above_the_most_there_may_be(limits: dict[str, Any], expected: Any) -> None:
    (item,) = made(replace(FOO, limits=Limits(**limits)))["LimitRange", "tenant-limits"]["spec"]["limits"]
    assert item.pop("type") == "Container"
    assert {key: (each["cpu"], each["memory"]) for key, each in item.items()} == expected


def test_what_every_frame_has_is_amounts() -> None:
    assert all(quantities.parse(amount) for amount in QUOTA.values())


DOCUMENTS = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo, new], patterns: ["foo-*"], selector: {matchLabels: {team: foo}}}, quota: {pods: "7"}}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: other}
spec: {namespaces: {selector: {matchLabels: {team: other}}}}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: tools}
spec: {trusted: true, namespaces: {names: [tools]}}
---
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: TenancySettings
metadata: {name: settings}
spec: {defaults: {quota: {pods: "5", services: "3"}}}
"""


def tenancy() -> Tenancy:
    return load_tenancy(read_text(DOCUMENTS))


def test_namespaces_are_those_named_and_those_that_exist() -> None:
    records = [
        record("foo"),
        record("foo-x"),
        record("z", team="foo"),
        record("stray"),
        record("tools"),
        record("kube-system"),
        {**record("both"), "metadata": {"name": "both", "labels": {"team": "foo"}}},
    ]
    found = homes(tenancy(), records)
    names = {tenant: [each["metadata"]["name"] for each in records] for tenant, records in found.items()}
    assert names == {"foo": ["both", "foo", "foo-x", "new", "z"], "other": []}
    assert found["foo"][3] == {"metadata": {"name": "new"}}


def test_a_quota_is_inherited_by_resource() -> None:
    by_name = tenancy().by_name
    assert (by_name["foo"].quota, by_name["other"].quota) == (
        {"pods": "7", "services": "3"},
        {"pods": "5", "services": "3"},
    )
