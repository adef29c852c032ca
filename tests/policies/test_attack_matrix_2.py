"""Every hostile step of the second attack matrix is refused by the policy it names, every honest one admitted."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.authoring.suite import merge, missing
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from tests.shipped import SHIPPED

HERE = Path(__file__).parent
MATRIX: dict[str, Any] = yaml.load(
    (HERE / "attack_matrix_2.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader
)


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
        if "old" in self.given:
            return _built(self.given["old"], self.given.get("oldChange"))
        return _built(self.given["object"], None) if self.given.get("operation") == "UPDATE" else None

    @property
    def cluster(self) -> Snapshot:
        return Snapshot([*MATRIX["cluster"], *(_built(name, None) for name in self.given.get("cluster", ()))])


def _built(value: Any, change: Any) -> dict[str, Any]:
    base = MATRIX["objects"][value] if isinstance(value, str) else value
    merged: dict[str, Any] = merge(copy.deepcopy(base), change or {})
    return merged


def steps(side: str) -> list[Step]:
    return [
        Step(f"{row}-{index}", step)
        for row, sides in MATRIX["rows"].items()
        for index, step in enumerate(chain.from_iterable(map(each_object, sides[side])))
    ]


def each_object(step: dict[str, Any]) -> list[dict[str, Any]]:
    """A step with `objects` is one for each."""
    return [{**step, "object": value} for value in step.get("objects", [step.get("object")])]


@cache
def engine() -> Engine:
    return Engine.load(read([*SHIPPED, HERE / "tenants.yaml"]), Snapshot())


def judge(step: Step) -> Engine:
    return Engine(engine().policies, step.cluster)


def submitted(step: Step) -> AdmissionRequest:
    given = step.given
    submission = Submission(
        operation=given.get("operation") or ("UPDATE" if "old" in given else None),
        subresource=given.get("subresource", ""),
        user=user(given.get("user", "alice")),
    )
    request = make_request(Manifest(step.object, Source(step.name)), step.cluster, submission, step.old)
    return replace(request, name=given["requestName"]) if "requestName" in given else request


def review(step: Step) -> Decision:
    return judge(step).review(submitted(step))


def user(name: str) -> Any:
    groups = ("system:masters",) if name == "kubernetes-admin" else ()
    return make_user(name, groups)


@pytest.mark.parametrize("step", steps("hostile"), ids=lambda step: step.name)
def test_hostile_step_is_refused_by_its_policy(step: Step) -> None:
    decision = review(step)
    found = [finding for finding in decision.findings if "Deny" in finding.actions]
    assert not [finding.message for finding in found if finding.error]
    assert not decision.allowed
    assert step.given["policy"] in {finding.policy for finding in found}


@pytest.mark.parametrize("step", steps("benign"), ids=lambda step: step.name)
def test_honest_step_is_admitted(step: Step) -> None:
    decision = review(step)
    assert decision.allowed, decision.status
    if "patched" in step.given:
        assert not list(missing(decision.object, step.given["patched"]))
