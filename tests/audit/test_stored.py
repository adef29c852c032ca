"""What the cluster wrote into an object since its author sent it is no fault of the author's."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.audit.stored import as_sent
from gatekeeper_py.cluster.snapshot import Snapshot

Json = dict[str, Any]

PLACED = {"conditions": [{"type": "PodScheduled", "status": "True"}]}
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "a"}},
}


def pod(status: Json, zone: str = "a") -> Json:
    metadata = {"name": "p", "labels": {"app": "web", "topology.kubernetes.io/zone": zone}}
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": "n1", "x": 1}, "status": status}


@pytest.mark.parametrize(
    ("zone", "known", "labels"),
    [
        ("a", [NODE], {"app": "web"}),
        ("b", [NODE], {"app": "web", "topology.kubernetes.io/zone": "b"}),
        ("b", [], {"app": "web"}),
    ],
)
def test_a_scheduled_pod_has_its_node_and_that_nodes_labels_from_the_scheduler(
    zone: str, known: list[Json], labels: Json
) -> None:
    sent = as_sent(pod(PLACED, zone), Snapshot(known))
    assert (sent["spec"], sent["metadata"]["labels"]) == ({"x": 1}, labels)


@pytest.mark.parametrize(
    "status", [{}, {"conditions": [{"type": "PodScheduled", "status": "False"}]}, {"conditions": ["x"]}]
)
def test_a_pod_that_was_not_scheduled_stays_as_it_is(status: Json) -> None:
    assert as_sent(pod(status), Snapshot([NODE])) == pod(status)


@pytest.mark.parametrize(
    ("spec", "sent"),
    [
        ({"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "ports": []}, {"ports": []}),
        ({"clusterIP": "None", "clusterIPs": ["None"]}, {"clusterIP": "None", "clusterIPs": ["None"]}),
        ({"type": "ExternalName"}, {"type": "ExternalName"}),
    ],
)
def test_an_address_was_given_to_a_service(spec: Json, sent: Json) -> None:
    assert as_sent({"kind": "Service", "spec": spec}, Snapshot())["spec"] == sent


ITSELF = {"namespace": "foo", "name": "c", "uid": "u1"}


def volume(reserved: Json, annotations: Json) -> Json:
    metadata = {"name": "pv", "annotations": annotations}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": metadata,
        "spec": {"claimRef": reserved},
    }


MADE = {"pv.kubernetes.io/provisioned-by": "csi.example.com"}


@pytest.mark.parametrize(
    ("known", "made"),
    [
        ([volume(ITSELF, MADE)], True),
        ([volume(ITSELF, {})], False),
        ([volume({**ITSELF, "uid": "u2"}, MADE)], False),
        ([], False),
    ],
)
def test_a_claim_has_the_volume_that_was_made_for_it(known: list[Json], made: bool) -> None:
    annotations = {"volume.kubernetes.io/selected-node": "n1", "mine": "x"}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {**ITSELF, "annotations": annotations},
        "spec": {"volumeName": "pv", "storageClassName": "fast"},
    }
    sent = as_sent(claim, Snapshot(known))
    if made:
        assert sent["spec"] == {"storageClassName": "fast"}
        assert sent["metadata"]["annotations"] == {"mine": "x"}
    else:
        assert sent == claim


@pytest.mark.parametrize(
    "value", [{"kind": "ConfigMap"}, {"kind": "Pod"}, {"kind": "Pod", "spec": [], "status": 1}]
)
def test_everything_else_stays_as_it_is(value: Json) -> None:
    assert as_sent(value, Snapshot()) is value
