"""Texts and objects on their way to the disk."""

from __future__ import annotations

import pytest

from gatekeeper_py.audit.intake import Intake, take, take_objects
from gatekeeper_py.audit.spool import Spool
from gatekeeper_py.manifests.pieces import Piece

MAPS = "".join(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m{n}}}}}\n---\n" for n in range(5))
PIECES = [Piece("a.yaml", f"{MAPS}a: {{\n".encode(), 100 * number) for number in range(6)]
OTHER = Piece("b.yaml", b"{apiVersion: v1, kind: Namespace, metadata: {name: foo}, data: {null: a}}")
KEYED = Piece("c.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: foo}, data: {1: a}}")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_wrong_with_a_piece_costs_only_itself(workers: int) -> None:
    intake, told = Intake(), list[int]()
    with Spool() as spool:
        take(intake, spool, [*PIECES, OTHER, KEYED], workers, told.append)
        assert (intake.objects, len(spool)) == (31, 31)
    assert told == [5] * 6 + [0, 1]
    assert [problem.line for problem in intake.problems] == [
        11 + 1,
        111 + 1,
        211 + 1,
        311 + 1,
        411 + 1,
        511 + 1,
        1,
    ]


def test_few_kinds_stay_in_memory_and_know_their_place_only() -> None:
    intake = Intake()
    namespace = Piece("b.yaml", b"\n{apiVersion: v1, kind: Namespace, metadata: {name: foo}}", 3)
    with Spool() as spool:
        take(intake, spool, [namespace, KEYED], 1)
    (kept,) = intake.kept
    assert (kept.name, kept.source.line, kept.source.text) == ("foo", 5, "")
    assert [str(warning) for warning in intake.warnings] == [
        'c.yaml:1:65: key 1 is a number, which kubectl reads as "1". Put the key in quotes'
    ]


def test_objects_of_a_cluster_have_no_place() -> None:
    intake = Intake()
    with Spool() as spool:
        take_objects(intake, spool, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "foo"}}])
        spool.flush()
        (found,) = spool.read([0])
    assert (found.source.path, found.source.line, found.source.column) == ("cluster", 0, 0)
    assert [manifest.name for manifest in intake.kept] == ["foo"]


def test_what_another_server_serves_in_a_cluster_is_not_taken_in() -> None:
    service = {"group": "route.openshift.io", "version": "v1", "service": {"name": "api", "namespace": "a"}}
    intake = Intake()
    with Spool() as spool:
        take_objects(
            intake,
            spool,
            [
                {
                    "apiVersion": "apiregistration.k8s.io/v1",
                    "kind": "APIService",
                    "metadata": {"name": group},
                    "spec": {**service, "group": group},
                }
                for group in ("route.openshift.io", "metrics.k8s.io")
            ],
        )
    said = "an aggregated API server serves it, and which kinds it has is not known here"
    assert [str(problem) for problem in intake.problems] == [f"route.openshift.io/v1: {said}"]
