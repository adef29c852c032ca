"""Objects on disk: in their order, found by name, and the same cluster as a snapshot of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gatekeeper_py.audit import spool as spooling
from gatekeeper_py.audit.intake import Intake, take
from gatekeeper_py.audit.spool import Spool, SpooledCluster
from gatekeeper_py.cel import AccessReview, Subject
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source, read_text
from gatekeeper_py.manifests.pieces import Piece
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource

MAP = GroupVersionKind("", "v1", "ConfigMap")
SCALER, OLD_SCALER = (
    GroupVersionKind("autoscaling", version, "HorizontalPodAutoscaler") for version in ("v2", "v1")
)
ROLE = GroupVersionKind("rbac.authorization.k8s.io", "v1", "ClusterRole")

TEXT = """\
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: foo}, data: {x: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: foo}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: foo}, data: {x: "2"}}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: s, namespace: foo}}
  - {apiVersion: v1, kind: Node, metadata: {name: n1}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: foo, labels: {a: b}}}
"""


@pytest.fixture
def filled() -> Iterator[tuple[Spool, Intake]]:
    with Spool() as spool:
        intake = Intake()
        take(intake, spool, [Piece("<stdin>", b"# above\n", 0), Piece("<stdin>", TEXT.encode(), 10)], 1)
        spool.flush()
        yield spool, intake


def test_objects_come_back_in_their_order_with_their_places(filled: tuple[Spool, Intake]) -> None:
    spool, intake = filled
    found = list(spool.read(range(len(spool))))
    assert [manifest.object for manifest in found] == [manifest.object for manifest in read_text(TEXT)]
    assert [manifest.source.line for manifest in found] == [11, 13, 15, 17, 22, 23, 25, 27]
    assert (intake.objects, len(spool)) == (8, 8)


def test_one_object_knows_the_places_of_its_parts(filled: tuple[Spool, Intake]) -> None:
    exact = filled[0].exactly(5)
    assert exact.object["metadata"]["name"] == "n1"
    assert exact.source.locate(("metadata", "name")) == (23, 51)


def test_an_object_of_a_cluster_has_no_place(filled: tuple[Spool, Intake]) -> None:
    spool = filled[0]
    spool.add([spooling.Record.of(Manifest({"apiVersion": "v1", "kind": "Node"}, Source("cluster", 0, 0)))])
    spool.flush()
    assert spool.exactly(8) == Manifest({"apiVersion": "v1", "kind": "Node"}, Source("cluster", 0, 0))


def test_a_large_object_comes_back_whole() -> None:
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "é" * 100_000}}
    with Spool() as spool:
        take(Intake(), spool, [Piece("x.json", json.dumps(value).encode())], 1)
        spool.flush()
        (found,) = spool.read([0])
    assert found.object == value


def views(filled: tuple[Spool, Intake]) -> tuple[SpooledCluster, Snapshot]:
    spool, intake = filled
    return SpooledCluster(Snapshot.of(intake.kept), spool), Snapshot.of(read_text(TEXT))


@pytest.mark.parametrize(
    ("kind", "namespace", "name"),
    [
        (MAP, "foo", "a"),
        (MAP, "foo", "b"),
        (MAP, "default", "a"),
        (MAP, "foo", "missing"),
        (SCALER, "foo", "s"),
        (OLD_SCALER, "foo", "s"),
        (GroupVersionKind("", "v1", "Node"), "", "n1"),
        (GroupVersionKind("", "v1", "Namespace"), "", "foo"),
        (GroupVersionKind("", "v1", "Namespace"), "", "assumed"),
        (ROLE, "", "r"),
        (GroupVersionKind("x.example", "v1", "Nothing"), "foo", "a"),
    ],
)
def test_it_is_the_cluster_that_a_snapshot_of_all_of_it_is(
    filled: tuple[Spool, Intake], kind: GroupVersionKind, namespace: str, name: str
) -> None:
    spooled, snapshot = views(filled)
    assert spooled.get(kind, namespace, name) == snapshot.get(kind, namespace, name)
    for where in (None, "foo", "default", "elsewhere"):
        assert list(spooled.list(kind, where)) == list(snapshot.list(kind, where))
    assert spooled.knows(kind) == snapshot.knows(kind)
    assert spooled.served(kind) == snapshot.served(kind)


def test_what_is_on_disk_holds_against_the_snapshot(filled: tuple[Spool, Intake]) -> None:
    spool, _ = filled
    texts = "\n---\n".join(
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}{where}}}, data: {{x: old}}}}"
        for name, where in (("a", ", namespace: foo"), ("c", ", namespace: foo"), ("a", ""))
    )
    spooled = SpooledCluster(Snapshot.of(read_text(texts)), spool)
    assert [value["metadata"]["name"] for value in spooled.list(MAP, "foo")] == ["c", "a", "b"]
    assert [value["metadata"]["name"] for value in spooled.list(MAP)] == ["c", "a", "a", "b"]
    assert (spooled.get(MAP, "foo", "a") or {}).get("data") is None
    assert (spooled.get(MAP, "foo", "c") or {}).get("data") == {"x": "old"}


def test_kinds_and_rights_are_those_of_the_snapshot(filled: tuple[Spool, Intake]) -> None:
    spooled, snapshot = views(filled)
    scalers = GroupVersionResource("autoscaling", "v2", "horizontalpodautoscalers")
    assert spooled.resource(scalers) == snapshot.resource(scalers)
    assert spooled.equivalents(scalers) == snapshot.equivalents(scalers)
    review = AccessReview(Subject("alice"), "get", resource="pods", namespace="foo")
    assert spooled.authorize(review) == snapshot.authorize(review)


def test_it_remembers_few(filled: tuple[Spool, Intake], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "REMEMBERED", 1)
    spooled, _ = views(filled)
    first: Any = spooled.get(MAP, "foo", "a")
    assert spooled.get(MAP, "foo", "a") is first
    spooled.get(MAP, "foo", "b")
    again = spooled.get(MAP, "foo", "a")
    assert again == first
    assert again is not first


def test_batches_end_by_number_or_by_size(filled: tuple[Spool, Intake]) -> None:
    spool, _ = filled
    numbers = list(range(len(spool)))
    assert [number for batch in spool.batches(3, 1 << 20) for number in batch] == numbers
    assert [len(batch) for batch in spool.batches(3, 1 << 20)] == [3, 3, 2]
    assert {len(batch) for batch in spool.batches(3, 1)} == {1}
    with Spool() as empty:
        assert list(empty.batches(3, 1)) == []
