"""How far a request is held: its tenant's own word, and no way from an observed tenant into an enforced one."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.admission.decision import Enforcement
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.tenancy.context import Context
from gatekeeper_py.tenancy.documents import load_tenancy
from gatekeeper_py.tenancy.enforcement import enforcement_of
from gatekeeper_py.tenancy.tenant import Tenancy
from tests.policy.support import CONFIG_MAP, Json, manifests, request

API_VERSION = "tenancy.gatekeeper-py.dev/v1alpha1"


def tenant(name: str, **spec: Any) -> Json:
    return {"apiVersion": API_VERSION, "kind": "Tenant", "metadata": {"name": name}, "spec": spec}


TENANTS = (
    tenant(
        "bar",
        enforcement="enforce",
        namespaces={"names": ["bar"], "patterns": ["bar-*"], "selector": {"matchLabels": {"team": "bar"}}},
        owners=[{"kind": "User", "name": "bob"}],
        hostnames=["bar.example.com", "*.bar.example.com"],
        sharing=[{"to": ["foo"], "kinds": ["Service"], "names": ["shared"]}],
    ),
    tenant("foo", namespaces={"names": ["foo"]}, hostnames=["foo.example.com"]),
    tenant("wary", enforcement="warn", namespaces={"names": ["wary"]}),
    tenant("platform", trusted=True, namespaces={"names": ["kube-system", "monitoring"]}),
)


def tenancy(enforcement: Enforcement, *tenants: Json) -> Tenancy:
    metadata = {"name": "settings"}
    spec = {"enforcement": enforcement}
    settings = {"apiVersion": API_VERSION, "kind": "TenancySettings", "metadata": metadata, "spec": spec}
    return load_tenancy(manifests(settings, *tenants))


def asked(value: Json, **fields: Any) -> AdmissionRequest:
    """About an object of any kind, known or not."""
    metadata = value["metadata"]
    where = metadata["name"] if value["kind"] == "Namespace" else metadata.get("namespace", "")
    kind = GroupVersionKind.parse(value["apiVersion"], value["kind"])
    about = {"object": value, "kind": kind, "name": metadata["name"], "namespace": where}
    return request(CONFIG_MAP, **{**about, **fields})


def held(value: Json, enforcement: Enforcement = "observe", **fields: Any) -> Enforcement:
    return enforcement_of(Context(tenancy(enforcement, *TENANTS), Snapshot(), asked(value, **fields)))


def of(api_version: str, kind: str, namespace: str = "foo", **fields: Any) -> Json:
    metadata = {
        "name": "web",
        **({"namespace": namespace} if namespace else {}),
        **fields.pop("metadata", {}),
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def ingress(host: str, **fields: Any) -> Json:
    return of("networking.k8s.io/v1", "Ingress", spec={"rules": [{"host": host}]}, **fields)


def pod(**fields: Any) -> Json:
    return of("v1", "Pod", spec={"containers": [{"name": "c", "image": "c:1", **fields}]})


SERVICE = "svc.cluster.local"


@pytest.mark.parametrize(
    ("namespace", "enforcement", "expected"),
    [
        ("foo", "observe", "observe"),
        ("foo", "enforce", "enforce"),
        ("bar", "observe", "enforce"),
        ("bar-test", "observe", "enforce"),
        ("wary", "observe", "warn"),
        ("wary", "enforce", "warn"),
        ("nobodys", "observe", "observe"),
        ("nobodys", "enforce", "enforce"),
        ("kube-system", "observe", "observe"),
    ],
)
def test_a_tenants_own_word_counts_and_the_settings_where_it_has_none(
    namespace: str, enforcement: Enforcement, expected: Enforcement
) -> None:
    assert held(of("v1", "ConfigMap", namespace), enforcement=enforcement) == expected


CLUSTER_WIDE = of("rbac.authorization.k8s.io/v1", "ClusterRole", "")


@pytest.mark.parametrize(("user", "expected"), [("alice", "observe"), ("bob", "enforce")])
def test_what_is_cluster_wide_is_held_as_the_tenant_of_who_asks(user: str, expected: str) -> None:
    assert held(CLUSTER_WIDE, user=UserInfo(user)) == expected


REACHES = {
    "a Service of another by name": of(
        "v1", "Service", spec={"type": "ExternalName", "externalName": f"db.bar.{SERVICE}"}
    ),
    "a claim copied from another": of(
        "v1",
        "PersistentVolumeClaim",
        spec={"dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "x", "namespace": "bar"}},
    ),
    "a volume with anybody's data": of("v1", "PersistentVolumeClaim", spec={"volumeName": "released"}),
    "a namespace that a pattern claims": of(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        spec={"rules": [{"backendRefs": [{"name": "db", "namespace": "bar-test"}]}]},
    ),
    "any namespace": of("example.com/v1", "Thing", spec={"namespaceSelector": {"any": True}}),
    "a volume reserved for another": of(
        "v1", "PersistentVolume", "", spec={"claimRef": {"name": "x", "namespace": "bar"}}
    ),
    "rights for another's account": of(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "",
        roleRef={"kind": "ClusterRole", "name": "view"},
        subjects=[{"kind": "ServiceAccount", "name": "x", "namespace": "bar"}],
    ),
    "the label of another": of(
        "v1", "ConfigMap", metadata={"labels": {"tenancy.gatekeeper-py.dev/tenant": "bar"}}
    ),
    "the label of another in a template": of(
        "apps/v1",
        "Deployment",
        spec={"template": {"metadata": {"labels": {"tenancy.gatekeeper-py.dev/tenant": "bar"}}}},
    ),
    "a namespace that joins another": of("v1", "Namespace", "", metadata={"labels": {"team": "bar"}}),
    "a hostname of another": ingress("bar.example.com"),
    "a hostname below another's": ingress("www.bar.example.com"),
    "a wildcard above another's": ingress("*.example.com"),
    "a hostname in an annotation, after one's own": ingress(
        "foo.example.com",
        metadata={
            "annotations": {"nginx.ingress.kubernetes.io/server-alias": "foo.example.com, bar.example.com"}
        },
    ),
    "a hostname in the rules of a proxy": of(
        "traefik.io/v1alpha1", "IngressRoute", spec={"routes": [{"match": "Host(`bar.example.com`)"}]}
    ),
    "a hostname in a pod's annotation": of(
        "v1",
        "Pod",
        metadata={"annotations": {"external-dns.alpha.kubernetes.io/hostname": "bar.example.com"}},
        spec={},
    ),
}


@pytest.mark.parametrize("value", REACHES.values(), ids=REACHES)
def test_who_is_observed_reaches_nobody_who_is_enforced(value: Json) -> None:
    assert held(value) == "enforce"


ORDINARY = {
    "nothing": pod(),
    "what is shared with it": of(
        "v1", "Service", spec={"type": "ExternalName", "externalName": f"shared.bar.{SERVICE}"}
    ),
    "its own": of("v1", "Service", spec={"type": "ExternalName", "externalName": f"db.foo.{SERVICE}"}),
    "the site of another, as a client": pod(env=[{"name": "API", "value": "https://bar.example.com/"}]),
    "its own hostname": ingress("foo.example.com"),
    "its own label": of("v1", "ConfigMap", metadata={"labels": {"tenancy.gatekeeper-py.dev/tenant": "foo"}}),
    "the name of another in a text": of("v1", "ConfigMap", data={"a": "bar"}),
    "the platform": of(
        "v1", "Service", spec={"type": "ExternalName", "externalName": f"kube-dns.kube-system.{SERVICE}"}
    ),
}


@pytest.mark.parametrize("value", ORDINARY.values(), ids=ORDINARY)
def test_what_reaches_nobody_is_held_as_its_own_tenant(value: Json) -> None:
    assert held(value) == "observe"


def test_one_tenants_warnings_are_no_way_round_anothers_observation() -> None:
    """The strictest of those that are reached, not of all there are."""
    value = of("v1", "Service", spec={"type": "ExternalName", "externalName": f"db.wary.{SERVICE}"})
    assert held(value) == "warn"


def test_what_an_update_does_not_bring_in_does_not_count() -> None:
    old = ingress("bar.example.com")
    new = ingress("bar.example.com", metadata={"labels": {"a": "b"}})
    assert held(new, operation="UPDATE", old_object=old) == "observe"
    new["spec"]["rules"].append({"host": "www.bar.example.com"})
    assert held(new, operation="UPDATE", old_object=old) == "enforce"


def test_a_reference_that_was_there_does_not_count_and_a_new_one_does() -> None:
    def service(name: str) -> Json:
        return of("v1", "Service", spec={"type": "ExternalName", "externalName": f"{name}.bar.{SERVICE}"})

    assert held(service("db"), operation="UPDATE", old_object=service("db")) == "observe"
    assert held(service("db"), operation="UPDATE", old_object=service("a")) == "enforce"


def test_the_platform_reaches_whom_it_will() -> None:
    value = of("example.com/v1", "Thing", "monitoring", spec={"namespaceSelector": {"any": True}})
    assert held(value) == "observe"


def test_a_deletion_reaches_nobody() -> None:
    old = ingress("bar.example.com")
    assert held(old, object=None, old_object=old, operation="DELETE") == "observe"


def test_a_namespace_of_two_tenants_is_held_as_strictly_as_any() -> None:
    twin = tenant("twin", namespaces={"selector": {"matchLabels": {"squad": "twin"}}})
    both = of("v1", "Namespace", "", metadata={"name": "both", "labels": {"team": "bar", "squad": "twin"}})
    made = tenancy("observe", *TENANTS, twin)
    context = Context(made, Snapshot((both,)), asked(of("v1", "ConfigMap", "both")))
    assert enforcement_of(context) == "enforce"


@pytest.mark.parametrize(
    ("settings", "own", "everywhere"),
    [("observe", "observe", "observe"), ("enforce", "enforce", "enforce"), ("enforce", "observe", None)],
)
def test_where_all_are_held_alike_nobody_asks_whose_a_request_is(
    settings: Enforcement, own: Enforcement, everywhere: Enforcement | None
) -> None:
    made = tenancy(settings, tenant("foo", enforcement=own, namespaces={"names": ["foo"]}), TENANTS[3])
    assert made.everywhere == everywhere


def test_a_deep_object_is_read_to_its_end() -> None:
    deep: Json = {"tenancy.gatekeeper-py.dev/tenant": "bar"}
    for _ in range(5000):
        deep = {"a": deep}
    assert held({**of("v1", "ConfigMap"), "data": deep}) == "enforce"
