"""Every object of a spool is judged once, whoever judges it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper_py.audit.intake import Intake, take
from gatekeeper_py.audit.judgement import BATCH, Judged, Selection, Validation, judge_all
from gatekeeper_py.audit.scan import Auditor
from gatekeeper_py.audit.spool import Spool, SpooledCluster
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, read_text
from gatekeeper_py.manifests.pieces import Piece
from gatekeeper_py.policy.admission.submission import Submission
from gatekeeper_py.tenancy.documents import load_tenancy
from tests.audit.test_scan import POLICY, pod

EVERYTHING = Selection()
COUNT = 3 * BATCH + 5


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load(read_text(POLICY), Snapshot())


def named(name: str, **fields: Any) -> dict[str, Any]:
    value = pod(**fields)
    return {**value, "metadata": {**value["metadata"], "name": name}}


def judged(
    engine: Engine,
    *objects: dict[str, Any],
    workers: int = 1,
    validation: Validation = "ignore",
    selection: Selection = EVERYTHING,
) -> Iterator[Judged]:
    tenancy = load_tenancy(read_text(POLICY))
    text = "\n".join(map(json.dumps, objects)).encode()
    with Spool() as spool:
        take(Intake(), spool, [Piece("all.json", text)], 1)
        everything = Engine(engine.policies, SpooledCluster(Snapshot(), spool))
        auditor = Auditor(everything, tenancy, Submission("CREATE"))
        yield from judge_all(auditor, spool, Snapshot(), validation, selection, workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_all_are_judged_in_their_order(engine: Engine, workers: int) -> None:
    found = list(judged(engine, *(named(f"p{number}") for number in range(COUNT)), workers=workers))
    items = [item for batch in found for item in batch.items]
    assert [item.target.name for item in items] == [f"p{number}" for number in range(COUNT)]
    assert [item.target.line for item in items] == list(range(1, COUNT + 1))
    assert all(item.violates for item in items)
    assert sum(batch.objects for batch in found) == COUNT


def test_what_is_found_of_many_is_kept_once(engine: Engine) -> None:
    (batch,) = judged(engine, named("a"), named("b"))
    one, other = batch.items
    assert one.findings[0] is other.findings[0]
    assert one.changes[0] is other.changes[0]
    assert one.target.kind is other.target.kind


def test_every_object_is_in_one_shard(engine: Engine) -> None:
    pods = [named(f"p{number}") for number in range(60)]
    shards = [
        [
            item.target.name
            for batch in judged(engine, *pods, selection=Selection(shard, 3))
            for item in batch.items
        ]
        for shard in range(3)
    ]
    assert sorted(name for shard in shards for name in shard) == sorted(
        each["metadata"]["name"] for each in pods
    )
    assert all(10 < len(shard) < 30 for shard in shards)


SINCE = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("created", "kept"),
    [
        ("2026-11-30T12:00:00Z", True),
        ("2026-11-30T11:59:59Z", False),
        (None, True),
        ("yesterday", True),
        ("2026-11-30T11:00:00", True),
    ],
)
def test_what_is_older_is_left_out_and_what_has_no_time_is_not(created: str | None, kept: bool) -> None:
    metadata = {"name": "a", **({"creationTimestamp": created} if created else {})}
    manifest = Manifest({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
    assert Selection(since=SINCE).has(manifest) == kept


@pytest.mark.parametrize(
    ("validation", "items", "problems", "warnings"), [("strict", 1, 1, 0), ("warn", 2, 0, 1)]
)
def test_what_no_api_server_takes_is_told_with_its_place(
    engine: Engine, validation: Validation, items: int, problems: int, warnings: int
) -> None:
    (batch,) = judged(engine, named("a"), named("b", hostnetwork=True), validation=validation)
    assert (len(batch.items), len(batch.problems), len(batch.warnings)) == (items, problems, warnings)
    (told,) = (*batch.problems, *batch.warnings)
    assert str(told) == "all.json:2:138: spec.hostnetwork is unknown. Did you mean hostNetwork?"


def test_what_cannot_be_asked_about_is_told_with_its_place(engine: Engine) -> None:
    (batch,) = judged(engine, named("a"), named("b", containers=1))
    assert [item.target.name for item in batch.items] == ["a"]
    assert [str(problem) for problem in batch.problems] == [
        "all.json:2:107: spec.containers must be a list, not 1. Write it as the kind's reference says"
    ]
