"""What plugins and strategies of the API server do to an object, beyond what test_defaults has recorded."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.creation import PLACEHOLDER_IP, PLACEHOLDER_UID, TEMPLATE_GENERATION
from gatekeeper_py.objects.decoding import UnreadableObject
from gatekeeper_py.objects.defaults import apply_defaults
from gatekeeper_py.objects.resource import GroupVersionKind

Json = dict[str, Any]


def made(value: Json, *cluster: Json, **how: Any) -> Json:
    view = Snapshot(cluster)
    kind = GroupVersionKind.parse(value["apiVersion"], value["kind"])
    return apply_defaults(value, view.served(kind), view, **how)


def named(api_version: str, kind: str, name: str = "a", **parts: Any) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **parts}


def pod(labels: Json | None = None, **spec: Any) -> Json:
    value = named("v1", "Pod", spec={"containers": [{"name": "a", "image": "a:1"}], **spec})
    value["metadata"] |= {"labels": labels} if labels else {}
    return value


def sized(**resources: Json) -> Json:
    return {"name": "a", "image": "a:1", "resources": resources}


# --- pods


@pytest.mark.parametrize(
    ("containers", "quality"),
    [
        ([sized()], "BestEffort"),
        ([sized(requests={"nvidia.com/gpu": "1"}, limits={"nvidia.com/gpu": "1"})], "BestEffort"),
        ([sized(requests={"cpu": "0"})], "BestEffort"),
        ([sized(requests={"cpu": "1"})], "Burstable"),
        ([sized(limits={"cpu": "1"})], "Burstable"),
        ([sized(limits={"cpu": "1", "memory": "1Gi"})], "Guaranteed"),
        ([sized(limits={"cpu": "1", "memory": "1Gi"}, requests={"cpu": "500m"})], "Burstable"),
        ([sized(limits={"cpu": "1000m", "memory": "1024Mi"}, requests={"cpu": "1", "memory": "1Gi"})], "Guaranteed"),
        ([sized(limits={"cpu": "1", "memory": "1Gi"}), sized()], "Burstable"),
    ],
)  # fmt: skip
def test_the_quality_of_service_follows_requests_and_limits(containers: list[Json], quality: str) -> None:
    assert made(pod(containers=containers))["status"] == {"phase": "Pending", "qosClass": quality}


NOT_READY = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
             "tolerationSeconds": 300}  # fmt: skip
UNREACHABLE = {**NOT_READY, "key": "node.kubernetes.io/unreachable"}


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], [NOT_READY, UNREACHABLE]),
        ([{"operator": "Exists"}], []),
        ([{"operator": "Exists", "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE]),
        ([{"key": NOT_READY["key"], "operator": "Exists"}], [UNREACHABLE]),
    ],
)
def test_a_pod_leaves_a_lost_node_after_five_minutes_unless_it_says(
    given: list[Json], added: list[Json]
) -> None:
    assert made(pod(tolerations=given))["spec"]["tolerations"] == [*given, *added]


@pytest.mark.parametrize(
    ("keys", "added"),
    [
        (["app"], [{"key": "app", "operator": "In", "values": ["web"]}]),
        (["gone"], None),
        (["app", "gone"], [{"key": "app", "operator": "In", "values": ["web"]}]),
    ],
)
def test_label_keys_become_requirements(keys: list[str], added: list[Json] | None) -> None:
    spread = {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}
    constraint = {**spread, "labelSelector": {}, "matchLabelKeys": keys}
    spec = made(pod({"app": "web"}, topologySpreadConstraints=[constraint]))["spec"]
    assert spec["topologySpreadConstraints"][0]["labelSelector"].get("matchExpressions") == added


@pytest.mark.parametrize(
    ("annotation", "profile"),
    [
        ("unconfined", {"type": "Unconfined"}),
        ("runtime/default", {"type": "RuntimeDefault"}),
        ("localhost/mine", {"type": "Localhost", "localhostProfile": "mine"}),
        ("localhost/", None),
        ("localhost/ mine", None),
        ("elsewhere/mine", None),
        ("", None),
    ],
)
def test_old_app_armor_annotations_become_fields(annotation: str, profile: Json | None) -> None:
    value = pod()
    value["metadata"]["annotations"] = {"container.apparmor.security.beta.kubernetes.io/a": annotation}
    context = made(value)["spec"]["containers"][0].get("securityContext", {})
    assert context.get("appArmorProfile") == profile


def test_a_field_beats_the_old_annotation() -> None:
    field = {"type": "RuntimeDefault"}
    value = pod(containers=[{"name": "a", "image": "a:1", "securityContext": {"appArmorProfile": field}}])
    value["metadata"]["annotations"] = {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}
    assert made(value)["spec"]["containers"][0]["securityContext"] == {"appArmorProfile": field}


# --- what others wrote


ODD: dict[str, Json] = {
    "a runtime class": named("node.k8s.io/v1", "RuntimeClass", "k", overhead=[1], scheduling="x"),
    "parts of a runtime class": named(
        "node.k8s.io/v1", "RuntimeClass", "k",
        overhead={"podFixed": "x"}, scheduling={"nodeSelector": [1], "tolerations": {"a": 1}},
    ),
    "a priority class": named("scheduling.k8s.io/v1", "PriorityClass", "k", value="x", globalDefault=True),
    "no metadata": {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": None},
    "annotations": {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
                    "metadata": {"name": "k", "annotations": ["x"]}},
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_object_of_the_cluster_takes_no_request_down(odd: Json) -> None:
    spec = made(pod(runtimeClassName="k"), odd)["spec"]
    assert ("overhead" in spec, "nodeSelector" in spec) == (False, False)
    claim = made(named("v1", "PersistentVolumeClaim", spec={}), odd)
    assert "storageClassName" not in claim["spec"]


# --- workloads, storage, services


@pytest.mark.parametrize(
    ("given", "kept"), [(None, "1"), ("7", "7"), ("0", "1"), ("-3", "1"), ("+5", "5"), ("007", "7")]
)
def test_a_daemon_set_counts_its_templates_from_one(given: str | None, kept: str) -> None:
    value = named("apps/v1", "DaemonSet", spec={"selector": {}, "template": {"spec": {"containers": []}}})
    value["metadata"]["annotations"] = {} if given is None else {TEMPLATE_GENERATION: given}
    assert made(value)["metadata"]["annotations"][TEMPLATE_GENERATION] == kept


@pytest.mark.parametrize("given", ["", "x", "1.0", "٣", "9" * 19, "9" * 5000, "1\n"])
def test_a_daemon_set_that_counts_in_no_numbers_is_unreadable(given: str) -> None:
    value = named("apps/v1", "DaemonSet", spec={"selector": {}, "template": {"spec": {"containers": []}}})
    value["metadata"]["annotations"] = {TEMPLATE_GENERATION: given}
    with pytest.raises(UnreadableObject, match="must be a whole number"):
        made(value)


def test_a_job_holds_a_placeholder_for_the_uid_it_will_have() -> None:
    spec = made(named("batch/v1", "Job", spec={"template": {"spec": {"containers": []}}}))["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": PLACEHOLDER_UID}}
    assert (labels["controller-uid"], labels["job-name"]) == (PLACEHOLDER_UID, "a")


OLD = {"kind": "PersistentVolumeClaim", "name": "x"}
NEW = {"apiGroup": "a.example", "kind": "Bucket", "name": "x"}


@pytest.mark.parametrize(
    ("given", "source", "reference"),
    [
        ({}, None, None),
        ({"dataSource": OLD}, OLD, OLD),
        ({"dataSourceRef": NEW}, NEW, NEW),
        ({"dataSource": NEW}, None, None),  # only the new field takes any kind
        ({"dataSourceRef": {**NEW, "namespace": "bar"}}, None, None),  # another namespace is not served
    ],
)
def test_a_claims_two_sources_show_each_other(
    given: Json, source: Json | None, reference: Json | None
) -> None:
    spec = made(named("v1", "PersistentVolumeClaim", spec=given))["spec"]
    shown = [
        spec.get(name) and {k: v for k, v in spec[name].items() if v}
        for name in ("dataSource", "dataSourceRef")
    ]
    assert shown == [source, reference]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {"clusterIP": PLACEHOLDER_IP, "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}),
        ({"clusterIP": "fd00::1"}, {"clusterIPs": ["fd00::1"], "ipFamilies": ["IPv6"]}),
        ({"clusterIPs": ["10.0.0.7"]}, {"clusterIP": "10.0.0.7"}),
        ({"clusterIP": "None"}, {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"}),
        (
            {"clusterIP": "None", "selector": {"a": "b"}},
            {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"},
        ),
        ({"type": "ExternalName", "externalName": "x"}, {"clusterIP": None, "ipFamilies": None}),
    ],
)
def test_a_service_gets_addresses_and_families(spec: Json, expected: Json) -> None:
    found = made(named("v1", "Service", spec=spec))["spec"]
    assert {name: found.get(name) for name in expected} == expected


def test_ports_of_one_number_share_a_port_of_the_nodes() -> None:
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53}, {"port": 80}, {"port": 81, "nodePort": 31000}]
    spec = made(named("v1", "Service", spec={"type": "NodePort", "ports": ports}))["spec"]
    first, second, third, fourth = (port["nodePort"] for port in spec["ports"])
    assert first == second != third
    assert fourth == 31000


def test_of_two_ports_chosen_for_one_number_the_first_holds() -> None:
    chosen = [{"port": 53, "nodePort": 31000}, {"port": 53, "nodePort": 31001}, {"port": 53}]
    spec = made(named("v1", "Service", spec={"type": "NodePort", "ports": chosen}))["spec"]
    assert [port["nodePort"] for port in spec["ports"]] == [31000, 31001, 31000]


# --- updates


def test_an_update_of_status_keeps_the_spec_and_the_quality_of_service() -> None:
    old = made(pod())
    value = {**pod(nodeName="other"), "status": {"phase": "Running"}}
    new = made(value, operation="UPDATE", subresource="status", old=old)
    assert (new["spec"], new["status"]["qosClass"]) == (old["spec"], "BestEffort")
    assert new["status"]["phase"] == "Running"


def test_an_update_of_the_object_keeps_the_status() -> None:
    old = made(pod())
    new = made({**pod(), "status": {"phase": "Succeeded"}}, operation="UPDATE", old=old)
    assert new["status"] == old["status"]


@pytest.mark.parametrize("part", [None, [], "x"])
@pytest.mark.parametrize("subresource", ["", "status"])
def test_an_odd_stored_object_takes_no_update_down(part: object, subresource: str) -> None:
    old = {"apiVersion": "v1", "kind": "Pod", "metadata": part, "spec": part, "status": part}
    made(pod(), operation="UPDATE", subresource=subresource, old=old)


def test_a_custom_status_may_hold_anything() -> None:
    old = named("a.example/v1", "A", status={"qosClass": "x"})
    new = made(named("a.example/v1", "A"), operation="UPDATE", subresource="status", old=old)
    assert "status" not in new
