"""What of the platform's an object reaches in its namespace."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.projection import IDENTITY, union
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.tenancy.forms import Unreadable
from gatekeeper_py.tenancy.protection import Protection
from gatekeeper_py.tenancy.reach import (
    FINDERS,
    LONGEST_SELECTOR,
    MAY_REACH,
    MOST_SELECTORS,
    READ,
    reached,
    reaching,
)

Object = dict[str, Any]
POD_KIND = GroupVersionKind("", "v1", "Pod")
MARK = {"tenancy.gatekeeper-py.dev/protected": "true"}


def named(kind: str, name: str, labels: Object | None = None, **parts: Any) -> Object:
    api_version = parts.pop("apiVersion", "v1")
    metadata = {"name": name, "namespace": "foo", "labels": {**MARK, **(labels or {})}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}


def snapshot(name: str, claim: str) -> Object:
    """A VolumeSnapshot without a mark."""
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshot",
        "metadata": {"name": name, "namespace": "foo"},
        "spec": {"source": {"persistentVolumeClaimName": claim}},
    }


def followed(*objects: Object) -> Snapshot:
    """A cluster of which no more is kept than the live view keeps."""
    kept = union((IDENTITY, READ))
    return Snapshot([kept.keep(each) for each in objects])


CLUSTER = followed(
    *[
        named("Pod", "agent", {"app": "agent"}, spec={"volumes": [{"name": "tmp", "ephemeral": {}}]}),
        named("Service", "agent", {"app": "metrics"}),
        named("PersistentVolumeClaim", "data-audit-0"),
        named("ResourceClaim", "gpu", apiVersion="resource.k8s.io/v1"),
        named("VolumeSnapshot", "backup", apiVersion="snapshot.storage.k8s.io/v1"),
        snapshot("of-audit", "data-audit-0"),
        snapshot("nightly", "data-own-0"),
        named(
            "Deployment", "agent", apiVersion="apps/v1", spec={"selector": {"matchLabels": {"app": "agent"}}}
        ),
        named(
            "StatefulSet",
            "store",
            apiVersion="apps/v1",
            spec={
                "selector": {"matchLabels": {"app": "store"}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
            },
        ),
        named("ReplicationController", "old", spec={"selector": {"app": "old"}}),
        named("CronJob", "sweep", apiVersion="batch/v1"),
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": "foo", "labels": {"app": "web"}},
        },
    ]
)
PROTECTION = Protection(CLUSTER, "foo")


def reach(
    api_version: str, kind: str, spec: Any = None, name: str = "x", **rest: Any
) -> list[tuple[str, ...]]:
    metadata = {"name": name, "namespace": "foo", **rest.pop("metadata", {})}
    value = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec, **rest}
    return [tuple(found) for found in reached(value, PROTECTION)]


AGENT = {"matchLabels": {"app": "agent"}}
POD = ("Pod", "agent")


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "StatefulSet"),
        ("batch/v1", "Job"),
        ("policy/v1", "PodDisruptionBudget"),
    ],
)
def test_a_selector_of_pods(api_version: str, kind: str) -> None:
    assert reach(api_version, kind, {"selector": AGENT}) == [("spec.selector", *POD)]
    assert reach(api_version, kind, {"selector": {"matchLabels": {"app": "web"}}}) == []
    assert reach(api_version, kind, {}) == []


SELECTORS: dict[str, tuple[Object, bool]] = {
    "all of two": ({"matchLabels": {"app": "agent", "tier": "x"}}, False),
    "one of several": (
        {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "agent"]}]},
        True,
    ),
    "all but one": ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, True),
    "one that has a label": ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
    "one that lacks a label": ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, True),
    "what nobody can read": ({"matchExpressions": [{"key": "app", "operator": "Like"}]}, True),
    "everything": ({}, False),
}


@pytest.mark.parametrize(("selector", "reaches"), SELECTORS.values(), ids=SELECTORS)
def test_a_selector_as_kubernetes_reads_it(selector: Object, reaches: bool) -> None:
    found = reach("networking.k8s.io/v1", "NetworkPolicy", {"podSelector": selector})
    assert bool(found) is reaches


def test_a_selector_that_asks_for_the_mark_reaches_what_is_to_come() -> None:
    found = reach(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        {
            "podSelector": {
                "matchExpressions": [{"key": "projectcapsule.dev/managed-by", "operator": "Exists"}]
            }
        },
    )
    assert found == [("spec.podSelector", "", "projectcapsule.dev/managed-by")]


def test_selectors_that_are_maps() -> None:
    assert reach("v1", "Service", {"selector": {"app": "agent"}}) == [("spec.selector", *POD)]
    assert reach("v1", "ReplicationController", {"selector": {"app": "agent"}}) == [("spec.selector", *POD)]
    template = {"metadata": {"labels": {"app": "agent"}}}
    assert reach("v1", "ReplicationController", {"template": template}) == [("spec.selector", *POD)]
    assert reach("v1", "Service", {"selector": {}}) == []


def test_claims_of_the_names_to_come() -> None:
    templates = {"volumeClaimTemplates": [{"metadata": {"name": "log"}}, {"metadata": {"name": "data"}}]}
    path = "spec.volumeClaimTemplates[1].metadata.name"
    assert reach("apps/v1", "StatefulSet", templates, "audit") == [
        (path, "PersistentVolumeClaim", "data-audit-0")
    ]
    assert reach("apps.kruise.io/v1beta1", "StatefulSet", templates, "audit") == [
        (path, "PersistentVolumeClaim", "data-audit-0")
    ]
    joined = {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    assert reach("apps/v1", "StatefulSet", joined, "store") == []
    assert reach("apps/v1", "StatefulSet", joined, "db") == []


def test_names_that_a_controller_of_the_platform_will_give() -> None:
    assert reach("v1", "Pod", {}, "store-4") == [("metadata.name", "StatefulSet", "store")]
    assert reach("v1", "Pod", {}, "store-x") == []
    assert reach("batch/v1", "Job", {}, "sweep-29") == [("metadata.name", "CronJob", "sweep")]
    assert reach("v1", "PersistentVolumeClaim", {}, "agent-tmp") == [("metadata.name", "Pod", "agent")]
    assert reach("v1", "PersistentVolumeClaim", {}, "data-store-1")
    assert reach("v1", "PersistentVolumeClaim", {}, "agent-other") == []


def test_labels_by_which_a_controller_of_the_platform_adopts() -> None:
    assert reach("v1", "Pod", metadata={"labels": {"app": "store"}}) == [
        ("metadata.labels", "StatefulSet", "store")
    ]
    assert reach("v1", "Pod", metadata={"labels": {"app": "old"}}) == [
        ("metadata.labels", "ReplicationController", "old")
    ]
    assert reach("apps/v1", "ReplicaSet", {}, metadata={"labels": {"app": "agent"}}) == [
        ("metadata.labels", "Deployment", "agent")
    ]
    assert reach("apps/v1", "ControllerRevision", metadata={"labels": {"app": "store"}})
    assert reach("v1", "Pod", metadata={"labels": {"app": "store", **MARK}}) == []


def joined(labels: Object, *more: Object) -> list[tuple[str, str, str]]:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "foo", "labels": labels},
    }
    protection = Protection(followed(*CLUSTER.list(POD_KIND, "foo"), *more), "foo")
    return [(found.path, found.kind, found.name) for found in reached(pod, protection)]


def test_a_pod_that_gets_what_is_meant_for_the_platforms() -> None:
    service = named("Service", "metrics", spec={"selector": {"app": "agent"}})
    assert joined({"app": "agent", "tier": "x"}, service) == [("metadata.labels", "Service", "metrics")]
    assert joined({"app": "web"}, service) == []
    assert joined({"app": "agent", **MARK}, service) == []
    assert joined({}, service) == []


def test_a_service_of_the_platform_may_lead_to_the_tenants_own_pods() -> None:
    service = named("Service", "front", spec={"selector": {"app": "web"}})
    assert joined({"app": "web"}, service) == []
    assert joined({"app": "web"}, named("Service", "headless")) == []


def test_a_service_of_the_tenant_leads_where_it_did() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "own", "namespace": "foo"}}
    assert joined({"app": "agent"}, {**service, "spec": {"selector": {"app": "agent"}}}) == []


@pytest.mark.parametrize("selector", [{}, {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}])
def test_a_group_snapshot_of_everything(selector: Object) -> None:
    source = {"source": {"selector": selector}}
    found = ("spec.source.selector", "PersistentVolumeClaim", "data-audit-0")
    assert found in reach("groupsnapshot.storage.k8s.io/v1beta1", "VolumeGroupSnapshot", source)


def test_a_group_snapshot_of_the_tenants_own() -> None:
    source = {"source": {"selector": {"matchLabels": {"app": "web"}}}}
    assert reach("groupsnapshot.storage.k8s.io/v1beta1", "VolumeGroupSnapshot", source) == []
    assert reach("groupsnapshot.storage.k8s.io/v1beta1", "VolumeGroupSnapshot", {"source": {}}) == []


@pytest.mark.parametrize(
    ("kind", "outside"),
    [
        ("Pod", lambda spec: {"spec": spec}),
        ("PodTemplate", lambda spec: {"template": {"spec": spec}}),
        ("ReplicationController", lambda spec: {"spec": {"template": {"spec": spec}}}),
        ("apps/Deployment", lambda spec: {"spec": {"template": {"spec": spec}}}),
        ("apps/StatefulSet", lambda spec: {"spec": {"template": {"spec": spec}}}),
        ("apps/DaemonSet", lambda spec: {"spec": {"template": {"spec": spec}}}),
        ("apps/ReplicaSet", lambda spec: {"spec": {"template": {"spec": spec}}}),
        ("batch/Job", lambda spec: {"spec": {"template": {"spec": spec}}}),
        ("batch/CronJob", lambda spec: {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}),
    ],
)
def test_a_claim_that_pods_write_to(kind: str, outside: Any) -> None:
    group, _, kind = kind.rpartition("/")
    version = f"{group}/v1" if group else "v1"
    for claim, reaches in (
        ({"claimName": "data-audit-0"}, True),
        ({"claimName": "data-audit-0", "readOnly": True}, False),
        ({"claimName": "other"}, False),
    ):
        spec = {"volumes": [{"name": "v", "persistentVolumeClaim": claim}]}
        found = reach(version, kind, **outside(spec))
        assert [(each[1], each[2]) for each in found] == [("PersistentVolumeClaim", "data-audit-0")] * reaches


def test_a_device_that_pods_share() -> None:
    claims = [{"name": "a", "resourceClaimTemplateName": "gpu"}, {"name": "b", "resourceClaimName": "gpu"}]
    path = "resourceClaims[1].resourceClaimName"
    gpu = ("ResourceClaim", "gpu")
    assert reach("v1", "Pod", {"resourceClaims": claims}) == [(f"spec.{path}", *gpu)]
    template = {"template": {"spec": {"resourceClaims": claims}}}
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"):
        assert reach("apps/v1", kind, template) == [(f"spec.template.spec.{path}", *gpu)]
    assert reach("v1", "PodTemplate", template=template["template"]) == [(f"template.spec.{path}", *gpu)]
    jobs = {"jobTemplate": {"spec": template}}
    assert reach("batch/v1", "CronJob", jobs) == [(f"spec.jobTemplate.spec.template.spec.{path}", *gpu)]
    assert reach("v1", "Pod", {"resourceClaims": [{"name": "a", "resourceClaimName": "own"}]}) == []


def test_a_device_that_groups_of_pods_share() -> None:
    claims = [{"name": "a", "resourceClaimName": "gpu"}]
    gpu = ("ResourceClaim", "gpu")
    assert reach("scheduling.k8s.io/v1alpha2", "PodGroup", {"resourceClaims": claims}) == [
        ("spec.resourceClaims[0].resourceClaimName", *gpu)
    ]
    groups = [{"name": "a"}, {"name": "b", "resourceClaims": claims}]
    assert reach("scheduling.k8s.io/v1alpha2", "Workload", {"podGroupTemplates": groups}) == [
        ("spec.podGroupTemplates[1].resourceClaims[0].resourceClaimName", *gpu)
    ]


def test_what_belongs_to_a_service_by_its_name_or_label() -> None:
    service = ("Service", "agent")
    assert reach("v1", "Endpoints", name="agent") == [("metadata.name", *service)]
    assert reach("multicluster.x-k8s.io/v1alpha1", "ServiceExport", name="agent") == [
        ("metadata.name", *service)
    ]
    label = "kubernetes.io/service-name"
    assert reach("discovery.k8s.io/v1", "EndpointSlice", metadata={"labels": {label: "agent"}}) == [
        (f'metadata.labels["{label}"]', *service)
    ]
    assert reach("v1", "Endpoints", name="web") == []
    assert reach("discovery.k8s.io/v1", "EndpointSlice", metadata={"labels": {label: "web"}}) == []


def test_a_claim_of_an_ephemeral_volume() -> None:
    spec = {"volumes": [{"name": "0", "ephemeral": {}}]}
    assert reach("v1", "Pod", spec, "data-audit") == [
        ("spec.volumes[0].name", "PersistentVolumeClaim", "data-audit-0")
    ]


def test_targets() -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "agent"}
    assert reach("autoscaling/v2", "HorizontalPodAutoscaler", {"scaleTargetRef": target}) == [
        ("spec.scaleTargetRef.name", "Deployment", "agent")
    ]
    entry = {"targetRef": {"kind": "Pod", "name": "agent"}}
    assert reach("discovery.k8s.io/v1", "EndpointSlice", endpoints=[entry]) == [
        ("endpoints[0].targetRef.name", *POD)
    ]
    assert reach("v1", "Endpoints", subsets=[{"notReadyAddresses": [entry]}]) == [
        ("subsets[0].notReadyAddresses[0].targetRef.name", *POD)
    ]


CUSTOM: dict[str, tuple[Object, list[tuple[str, str]]]] = {
    "a selector": ({"podSelector": AGENT}, [POD]),
    "a selector in a list": ({"appliedTo": [{"podSelector": AGENT}]}, [POD]),
    "labels in a selector": ({"workloadSelector": {"labels": {"app": "agent"}}}, [POD]),
    "a map": ({"selector": {"app": "agent"}}, [POD]),
    "labels with their source": ({"endpointSelector": {"matchLabels": {"k8s:app": "agent"}}}, [POD]),
    "text": ({"selector": "app == 'agent'"}, [POD]),
    "text of kubectl": ({"labelSelector": "tier!=x,app=agent"}, [POD]),
    "text with a set": ({"selector": "app in {'agent', 'b'}"}, [POD]),
    "one of two in text": ({"selector": "app == 'none' || app == 'agent'"}, [POD]),
    "both of two in text": ({"selector": "app == 'agent' && tier == 'x'"}, []),
    "a label that is there": ({"selector": "has(app)"}, [POD, ("Service", "agent")]),
    "a selector of Services": ({"selector": {"matchLabels": {"app": "metrics"}}}, [("Service", "agent")]),
    "a target": ({"of": {"kind": "Deployment", "name": "agent"}}, [("Deployment", "agent")]),
    "a target without a kind": ({"scaleTargetRef": {"name": "agent"}}, [POD, ("Deployment", "agent")]),
    "a name by its field": ({"podName": "agent"}, [POD]),
    "a reference by its field": ({"deploymentRef": {"name": "agent"}}, [("Deployment", "agent")]),
    "a claim": ({"sourcePVC": "data-audit-0"}, [("PersistentVolumeClaim", "data-audit-0")]),
    "claims in a list": ({"pvcs": ["data-audit-0"]}, [("PersistentVolumeClaim", "data-audit-0")]),
    "workloads in a list": ({"workloads": ["agent"]}, [POD, ("Deployment", "agent")]),
    "names by namespaces": ({"pods": {"foo": ["agent"]}}, [POD]),
    "a kind and a name": ({"resource": "deployments/agent"}, [("Deployment", "agent")]),
    "a Service of a route": ({"backendRefs": [{"name": "agent"}]}, [("Service", "agent")]),
    "a Service by its field": ({"serviceName": "agent"}, [("Service", "agent")]),
    "a Service by its kind": ({"targetRefs": [{"kind": "Service", "name": "agent"}]}, [("Service", "agent")]),
    "labels of a selector": ({"selectorLabels": {"app": "agent"}}, [POD]),
    "bare labels that match": ({"matchLabels": {"app": "agent"}}, [POD]),
    "demands in a list": (
        {"expressionSelectors": [{"key": "app", "operator": "In", "values": ["agent"]}]},
        [POD],
    ),
    "kinds and names in a list": ({"restart": ["deployment/agent"]}, [("Deployment", "agent")]),
    "with a version before it": ({"of": "apps/v1/Deployment/agent"}, [("Deployment", "agent")]),
    "with colons": ({"of": "v1:Pod:agent"}, [POD]),
    "a resource and a name": (
        {"of": [{"resource": "deployments", "name": "agent"}]},
        [("Deployment", "agent")],
    ),
    "a resource with its group": (
        {"of": {"resource": "deployments.apps", "name": "agent"}},
        [("Deployment", "agent")],
    ),
    "another resource": ({"of": {"resource": "cpu", "name": "agent"}}, []),
    "a kind and a name apart": (
        {"workloadKind": "Deployment", "workloadName": "agent"},
        [("Deployment", "agent")],
    ),
    "a kind without a name": ({"workloadKind": "Deployment", "name": "agent"}, []),
    "an object": ({"of": [{"kind": "Deployment", "metadata": {"name": "agent"}}]}, [("Deployment", "agent")]),
    "an object of the own namespace": (
        {"of": {"kind": "Deployment", "metadata": {"name": "agent", "namespace": "foo"}}},
        [("Deployment", "agent")],
    ),
    "an object of another": (
        {"of": {"kind": "Deployment", "metadata": {"name": "agent", "namespace": "b"}}},
        [],
    ),
    "an object of one's own": ({"of": {"kind": "Deployment", "metadata": {"name": "web"}}}, []),
    "labels that match": ({"matchingLabels": {"app": "agent"}, "targetLabels": {"app": "x"}}, [POD]),
    "a Service in short": ({"svc": "agent"}, [("Service", "agent")]),
    "what is left alone": ({"excludeRef": [{"kind": "Deployment", "name": "agent"}]}, []),
    "an empty selector": ({"selector": {}}, []),
    "namespaces": ({"namespaceSelector": AGENT, "nodeSelector": {"app": "agent"}}, []),
    "with whom one's own talk": ({"ingress": [{"source": {"selector": "app == 'agent'"}}]}, []),
    "where pods go": ({"affinity": {"labelSelector": AGENT}}, []),
    "another kind of that name": ({"secretRef": {"kind": "Secret", "name": "agent"}}, []),
    "one's own": ({"selector": {"matchLabels": {"app": "web"}}, "podName": "web"}, []),
}


@pytest.mark.parametrize(("spec", "found"), CUSTOM.values(), ids=CUSTOM)
def test_custom_kinds(spec: Object, found: list[tuple[str, str]]) -> None:
    assert [(kind, name) for _, kind, name in reach("example.com/v1", "Thing", spec)] == found


def test_hosts_of_a_mesh() -> None:
    for spec in ({"host": "agent"}, {"hosts": ["web", "agent.foo.svc.cluster.local"]}):
        found = reach("networking.istio.io/v1", "VirtualService", spec)
        assert [(kind, name) for _, kind, name in found] == [("Service", "agent")]
    assert reach("networking.istio.io/v1", "VirtualService", {"hosts": ["agent.example.com", "web"]}) == []


def test_faults_of_a_whole_namespace() -> None:
    every = {"selector": {"namespaces": ["foo"], "labelSelectors": {}}}
    assert ("spec.selector", *POD) in reach("chaos-mesh.org/v1alpha1", "PodChaos", every)
    some = {"selector": {"namespaces": ["foo"], "labelSelectors": {"app": "web"}}}
    assert reach("chaos-mesh.org/v1alpha1", "PodChaos", some) == []


def test_services_that_an_ingress_leads_to() -> None:
    service = {"service": {"name": "agent"}}
    assert reach("networking.k8s.io/v1", "Ingress", {"defaultBackend": service}) == [
        ("spec.defaultBackend.service.name", "Service", "agent")
    ]
    rules = [{}, {"http": {"paths": [{"backend": {"service": {"name": "web"}}}, {"backend": service}]}}]
    assert reach("networking.k8s.io/v1", "Ingress", {"rules": rules}) == [
        ("spec.rules[1].http.paths[1].backend.service.name", "Service", "agent")
    ]


def test_copies_of_a_claim() -> None:
    copy = {"spec": {"dataSource": {"kind": "PersistentVolumeClaim", "name": "data-audit-0"}}}
    claim = ("PersistentVolumeClaim", "data-audit-0")
    assert reach("v1", "PersistentVolumeClaim", copy["spec"], "c") == [("spec.dataSource.name", *claim)]
    assert reach("apps/v1", "StatefulSet", {"volumeClaimTemplates": [copy]}) == [
        ("spec.volumeClaimTemplates[0].spec.dataSource.name", *claim)
    ]
    volume = {"name": "v", "ephemeral": {"volumeClaimTemplate": copy}}
    assert reach("v1", "Pod", {"volumes": [volume]}) == [
        ("spec.volumes[0].ephemeral.volumeClaimTemplate.spec.dataSource.name", *claim)
    ]
    unknown = {"dataSourceRef": {"kind": "VolumeSnapshot", "name": "data-audit-0"}}
    assert reach("v1", "PersistentVolumeClaim", unknown, "c") == []


@pytest.mark.parametrize(("name", "reaches"), [("backup", True), ("of-audit", True), ("nightly", False)])
def test_copies_of_a_snapshot(name: str, reaches: bool) -> None:
    source = {"dataSourceRef": {"kind": "VolumeSnapshot", "name": name}}
    found = [("spec.dataSourceRef.name", "VolumeSnapshot", name)] * reaches
    assert reach("v1", "PersistentVolumeClaim", source, "c") == found


STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    "",
    "x",
    [],
    {},
    [None],
    {"matchLabels": 1},
    {"matchExpressions": [1]},
)


@pytest.mark.parametrize("value", STRANGE, ids=str)
@pytest.mark.parametrize(
    "kind", ["networking.k8s.io/v1 NetworkPolicy", "v1 Pod", "apps/v1 StatefulSet", "x.y/v1 Z"]
)
def test_what_is_in_the_wrong_place_is_no_error(kind: str, value: Any) -> None:
    version, _, name = kind.partition(" ")
    fields = (
        "podSelector",
        "selector",
        "volumes",
        "volumeClaimTemplates",
        "template",
        "podName",
        "targetRef",
        "rules",
        "defaultBackend",
        "dataSource",
        "hosts",
        "pvcs",
        "resourceClaims",
        "podGroupTemplates",
    )
    reach(version, name, dict.fromkeys(fields, value))
    reach(version, name, value)


def policy(name: str, selector: Object, labels: Object | None = None) -> Object:
    metadata = {"name": name, "namespace": "foo", "labels": labels or {}}
    spec = {"podSelector": {"matchLabels": selector}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


THERE = Protection(
    followed(
        *[
            policy("closed", {"app": "new"}),
            policy("other", {"app": "other"}),
            policy("platforms", {"app": "new"}, MARK),
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": {"name": "mine", "namespace": "foo"},
                "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
            },
        ]
    ),
    "foo",
)


def test_what_is_there_and_reaches_what_comes() -> None:
    closed = [("spec.podSelector", "NetworkPolicy", "closed")]
    assert [tuple(each) for each in reaching(named("Pod", "x", {"app": "new"}), THERE)] == closed
    made = {"template": {"metadata": {"labels": {"app": "new"}}}}
    assert [tuple(each) for each in reaching(named("Deployment", "x", spec=made), THERE)] == closed
    assert [tuple(each) for each in reaching(named("PersistentVolumeClaim", "data-mine-0"), THERE)] == [
        ("spec.volumeClaimTemplates[0].metadata.name", "StatefulSet", "mine")
    ]
    assert reaching(named("Pod", "x", {"app": "unheard"}), THERE) == []


def test_the_kinds_that_are_looked_through_may_reach() -> None:
    assert {(kind.group, kind.kind) for kind in MAY_REACH} <= {*FINDERS}


@pytest.mark.parametrize(
    "spec",
    [
        {"a": [{"selector": {"x": "y"}}] * (MOST_SELECTORS + 1)},
        {"selector": "a" * (LONGEST_SELECTOR + 1)},
    ],
    ids=["too many selectors", "too long a selector"],
)
def test_what_cannot_be_told_within_reason_is_said_so(spec: Object) -> None:
    with pytest.raises(Unreadable):
        reach("example.com/v1", "Thing", spec)


MOUNT: Object = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "x"}}]}
CLAIMED = ("PersistentVolumeClaim", "v1")
WAITING = {
    "an autoscaler": (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}},
        ("Deployment", "apps/v1"),
        "spec.scaleTargetRef.name",
    ),
    "a pod": ("v1", "Pod", MOUNT, CLAIMED, "spec.volumes[0].persistentVolumeClaim.claimName"),
    "a Deployment": (
        "apps/v1",
        "Deployment",
        {"template": {"spec": MOUNT}},
        CLAIMED,
        "spec.template.spec.volumes[0].persistentVolumeClaim.claimName",
    ),
    "a CronJob": (
        "batch/v1",
        "CronJob",
        {"jobTemplate": {"spec": {"template": {"spec": MOUNT}}}},
        CLAIMED,
        "spec.jobTemplate.spec.template.spec.volumes[0].persistentVolumeClaim.claimName",
    ),
    "a ReplicationController without a selector": (
        "v1",
        "ReplicationController",
        {"template": {"metadata": {"labels": {"app": "new"}}}},
        ("Pod", "v1"),
        "spec.selector",
    ),
}


@pytest.mark.parametrize("name", WAITING)
def test_what_waits_for_something_of_the_platforms_to_come(name: str) -> None:
    api_version, kind, spec, (comes, version), path = WAITING[name]
    metadata = {"name": "mine", "namespace": "foo"}
    there = followed({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec})
    coming = named(comes, "x", {"app": "new"}, apiVersion=version)
    assert [tuple(each) for each in reaching(coming, Protection(there, "foo"))] == [(path, kind, "mine")]
