"""Attack rows of our own: every hostile step is refused by the policy it names, every honest one admitted.

Made as the attack matrices were, after reading what operators and meshes do with their custom kinds and annotations; a row is a
kind of way, and its honest steps the ordinary use of the same kinds. `attack_doors.yaml` goes through Kubernetes' own kinds, door
by door.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
import yaml

from gatekeeper_py.authoring.suite import merge
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.policy.loading.load import read
from tests.policies.test_attack_matrix import HERE, blaming, reasons
from tests.policies.test_attack_matrix_2 import MATRIX, user
from tests.shipped import SHIPPED

ROWS: dict[str, Any] = yaml.load((HERE / "attack_rows.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
DOORS: dict[str, Any] = yaml.load((HERE / "attack_doors.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
OBJECTS: dict[str, Any] = {**MATRIX["objects"], **ROWS["objects"]}


@dataclass(frozen=True)
class Step:
    """One request of a row."""

    name: str
    given: dict[str, Any]

    @property
    def object(self) -> dict[str, Any]:
        return _built(self.given["object"], self.given.get("change"))

    @property
    def old(self) -> dict[str, Any] | None:
        return _built(self.given["object"], None) if self.given.get("operation") == "UPDATE" else None

    @property
    def cluster(self) -> Snapshot:
        more = (_built(name, None) for name in self.given.get("cluster", ()))
        return Snapshot([*MATRIX["cluster"], *ROWS["cluster"], *more])


def _built(value: Any, change: Any) -> dict[str, Any]:
    base = OBJECTS[value] if isinstance(value, str) else value
    merged: dict[str, Any] = merge(copy.deepcopy(base), change or {})
    return merged


def steps(side: str, *files: dict[str, Any]) -> list[Step]:
    return [
        Step(f"{row} {index}", step)
        for file in files or (ROWS,)
        for row, sides in file["rows"].items()
        for index, step in enumerate(sides[side])
    ]


@cache
def engine() -> Engine:
    return Engine.load(read([*SHIPPED, HERE / "tenants.yaml"]), Snapshot())


def review(step: Step) -> Decision:
    given, cluster = step.given, step.cluster
    submission = Submission(
        operation=given.get("operation"),
        subresource=given.get("subresource", ""),
        user=user(given.get("user", "alice")),
    )
    request = make_request(Manifest(step.object, Source(step.name)), cluster, submission, step.old)
    if "requestName" in given:
        request = replace(request, name=given["requestName"])
    return Engine(engine().policies, cluster).review(request)


@pytest.mark.parametrize("step", steps("hostile", ROWS, DOORS), ids=lambda step: step.name)
def test_hostile_step_is_refused_by_its_policy(step: Step) -> None:
    decision = review(step)
    assert not decision.allowed
    assert "resulted in error" not in reasons(decision)
    assert step.given["policy"] in blaming(decision)


@pytest.mark.parametrize("step", steps("benign", ROWS, DOORS), ids=lambda step: step.name)
def test_honest_step_is_admitted(step: Step) -> None:
    decision = review(step)
    assert decision.allowed, reasons(decision)
