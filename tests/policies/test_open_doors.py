"""SECURITY.md names the doors that are open, and only those."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.policy.admission.decision import Decision
from tests.policies.test_attack_matrix import HERE, MATRIX, Case, engine, reasons, submitted

DOORS: list[dict[str, Any]] = yaml.load(
    (HERE / "open_doors.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader
)
SECURITY = (HERE.parents[1] / "SECURITY.md").read_text(encoding="utf-8")


def cases() -> list[Case]:
    return [
        Case(f"{door['door']} {index}", case) for door in DOORS for index, case in enumerate(door["cases"])
    ]


def review(case: Case) -> Decision:
    cluster = Snapshot([*MATRIX["cluster"], *case.given.get("cluster", ())])
    return Engine(engine().policies, cluster).review(submitted(case, cluster))


@pytest.mark.parametrize("door", [door["door"] for door in DOORS])
def test_an_open_door_is_named(door: str) -> None:
    assert door in SECURITY.partition("## Doors known and open")[2]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_door_that_is_named_is_open(case: Case) -> None:
    decision = review(case)
    assert decision.allowed, f"closed: take it out of SECURITY.md and open_doors.yaml\n{reasons(decision)}"
