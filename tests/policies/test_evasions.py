"""Tricks beyond the attack matrix: each is refused by the policies it names, and its honest twins are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from tests.policies.test_attack_matrix import HERE, MATRIX, Case, blaming, reasons
from tests.shipped import SHIPPED

EVASIONS: dict[str, Any] = yaml.load((HERE / "evasions.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)


def cases(side: str) -> list[Case]:
    return [
        Case(f"{row}-{index}", case)
        for row, sides in EVASIONS["rows"].items()
        for index, case in enumerate(sides[side])
    ]


@cache
def engine() -> Engine:
    """All shipped policies, over the matrix' tenants and cluster and what the evasions need besides."""
    manifests = read([*SHIPPED, HERE / "tenants.yaml"])
    return Engine.load(manifests, Snapshot(MATRIX["cluster"] + EVASIONS["cluster"]))


def review(case: Case) -> Decision:
    given = case.given
    submission = Submission(
        operation=given.get("operation") or ("UPDATE" if case.old is not None else None),
        subresource=given.get("subresource", ""),
        user=make_user(given.get("user", "alice"), tuple(given.get("groups", ()))),
    )
    manifest = Manifest(case.object, Source(case.name))
    request = make_request(manifest, engine().cluster, submission, case.old)
    return engine().review(
        replace(
            request,
            name=given.get("requestName", request.name),
            namespace=given.get("requestNamespace", request.namespace),
        )
    )


@pytest.mark.parametrize("case", cases("hostile"), ids=lambda case: case.name)
def test_trick_is_refused_by_the_policies_it_names(case: Case) -> None:
    decision = review(case)
    assert not decision.allowed
    assert "resulted in error" not in reasons(decision)
    assert set(case.policies) <= blaming(decision)


@pytest.mark.parametrize("case", cases("benign"), ids=lambda case: case.name)
def test_honest_twin_is_admitted(case: Case) -> None:
    decision = review(case)
    assert decision.allowed, reasons(decision)
