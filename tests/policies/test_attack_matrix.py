"""Every row of the attack matrix that admission can stop is stopped by the policies it names; its honest twin is not."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.authoring.suite import merge, missing
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import BOTH, Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Action, Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.documents import is_tenancy_document
from tests.shared import SHARED
from tests.shipped import SHIPPED

HERE = Path(__file__).parent
MATRIX: dict[str, Any] = yaml.load(
    (HERE / "attack_matrix.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader
)
REACHED = 140
"""How many of the matrix' 147 rows must at least be stopped."""


@dataclass(frozen=True)
class Case:
    """One manifest of a row."""

    name: str
    given: dict[str, Any]

    @property
    def policies(self) -> list[str]:
        """Those that must refuse it; first the one whose business it is."""
        named = self.given["policy"]
        return [named] if isinstance(named, str) else list(named)

    @property
    def object(self) -> dict[str, Any]:
        return _built(self.given["object"], self.given.get("change"))

    @property
    def old(self) -> dict[str, Any] | None:
        return _built(self.given["old"], self.given.get("oldChange")) if "old" in self.given else None


def _built(value: Any, change: Any) -> dict[str, Any]:
    base = MATRIX["objects"][value] if isinstance(value, str) else value
    merged: dict[str, Any] = merge(copy.deepcopy(base), change or {})
    return merged


def cases(side: str) -> list[Case]:
    return [
        Case(f"{row}-{index}", case)
        for row, sides in MATRIX["rows"].items()
        for index, case in enumerate(sides[side])
    ]


@cache
def engine(alone: str = "") -> Engine:
    """All shipped policies, or one alone, over the shipped tenants and some more."""
    manifests = read([*SHIPPED, HERE / "tenants.yaml"])
    loaded = [each for each in manifests if not alone or is_tenancy_document(each) or alone == each.name]
    return Engine.load(loaded, Snapshot(MATRIX["cluster"]))


def submitted(case: Case, cluster: ClusterView) -> AdmissionRequest:
    """The request of a case."""
    given = case.given
    submission = Submission(
        operation=given.get("operation") or ("UPDATE" if case.old is not None else None),
        subresource=given.get("subresource", ""),
        user=make_user(given.get("user", "alice"), tuple(given.get("groups", ()))),
    )
    request = make_request(Manifest(case.object, Source(case.name)), cluster, submission, case.old)
    return replace(request, name=given["requestName"]) if "requestName" in given else request


def review(case: Case, alone: str = "") -> Decision:
    phases = frozenset(case.given["phases"]) if "phases" in case.given else BOTH
    return engine(alone).review(submitted(case, engine().cluster), phases)


def reasons(decision: Decision) -> str:
    return "\n".join(c.message for c in decision.status.causes) if decision.status else ""


def blaming(decision: Decision, action: Action = "Deny") -> set[str]:
    """The policies that found something and acted so, not because they could not tell."""
    return {found.policy for found in decision.findings if action in found.actions and not found.error}


def hostile(*, harmless: bool) -> list[Case]:
    """Those that are to be made harmless, or those to be refused or warned of."""
    return [case for case in cases("hostile") if harmless == ("patched" in case.given)]


@pytest.mark.parametrize("case", hostile(harmless=False), ids=lambda case: case.name)
def test_hostile_manifest_is_refused_by_the_policies_it_names(case: Case) -> None:
    decision = review(case)
    only_warned = case.given.get("expect") == "warn"
    assert decision.allowed == only_warned
    assert "resulted in error" not in reasons(decision)
    assert case.given.get("message", "") in reasons(decision)
    assert set(case.policies) <= blaming(decision, "Warn" if only_warned else "Deny")


@pytest.mark.parametrize("case", hostile(harmless=True), ids=lambda case: case.name)
def test_hostile_manifest_is_made_harmless_by_the_policy_it_names(case: Case) -> None:
    for alone in ("", *case.policies):
        decision = review(case, alone)
        assert decision.allowed, reasons(decision)
        assert not list(missing(decision.object, case.given["patched"]))


@pytest.mark.parametrize("case", cases("benign"), ids=lambda case: case.name)
def test_honest_twin_is_admitted(case: Case) -> None:
    decision = review(case)
    assert decision.allowed, reasons(decision)


@pytest.mark.shared
def test_every_row_is_stopped_or_out_of_reach_for_a_reason() -> None:
    path = SHARED / "research" / "attack-matrix.yaml"
    if not path.is_file():
        pytest.skip(f"no attack matrix at {path}")
    rows = {row["id"] for row in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)}
    covered, unreachable = set(MATRIX["rows"]), set(MATRIX["unreachable"])
    assert covered | unreachable == rows
    assert not covered & unreachable
    assert len(covered) >= REACHED
    assert all(MATRIX["unreachable"].values())
