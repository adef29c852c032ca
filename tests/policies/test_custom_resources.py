"""Custom resources that cross a boundary are refused by the policies they name; the ordinary use of their kinds is not."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.loading.load import read
from tests.policies.test_attack_matrix import HERE, Case, blaming, reasons, submitted
from tests.shipped import SHIPPED

ROWS: dict[str, Any] = yaml.load(
    (HERE / "custom_resources.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader
)
MATRIX_2_ROWS = (
    "X224",
    "X225",
    "X228",
    "X230",
    "X232",
    "X233",
    "X234",
    "X236",
    "X237",
    "X238",
    "X240",
    "X241",
    "X243",
)
"""Those of the second attack matrix that are about custom resources."""


@cache
def engine() -> Engine:
    return Engine.load(read(SHIPPED), Snapshot(ROWS["cluster"]))


def cases(side: str) -> list[Case]:
    rows = ROWS["rows"].items()
    return [Case(f"{row} {at}", given) for row, sides in rows for at, given in enumerate(sides[side])]


def review(case: Case) -> Decision:
    return engine().review(submitted(case, engine().cluster))


@pytest.mark.parametrize("case", cases("hostile"), ids=lambda case: case.name)
def test_hostile_resource_is_refused_by_the_policies_it_names(case: Case) -> None:
    decision = review(case)
    assert not decision.allowed
    assert "resulted in error" not in reasons(decision)
    assert set(case.policies) <= blaming(decision)


@pytest.mark.parametrize("case", cases("benign"), ids=lambda case: case.name)
def test_ordinary_resource_is_admitted(case: Case) -> None:
    decision = review(case)
    assert decision.allowed, reasons(decision)


def test_every_row_of_the_matrix_is_there() -> None:
    assert {row.partition(" ")[0] for row in ROWS["rows"]} >= set(MATRIX_2_ROWS)
