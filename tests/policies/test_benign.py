"""What ordinary tenants deploy is admitted untouched, but for class and tags; what is refused is listed with the reason."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read
from tests.shared import corpus, needs_shared
from tests.shipped import SHIPPED

pytestmark = needs_shared

HERE = Path(__file__).parent
ITEMS = corpus("benign")
REFUSED: dict[str, dict[str, str]] = yaml.safe_load(
    (HERE / "refused_benign.yaml").read_text(encoding="utf-8")
)
"""By reason: items refused all the same, each with the policies that refuse it."""
CLUSTER = [
    {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "kata"},
        "handler": "kata-qemu",
    }
]


@cache
def engine() -> Engine:
    return Engine.load(read(SHIPPED), Snapshot(CLUSTER))


@cache
def judged() -> dict[str, tuple[set[str], list[str]]]:
    """By item: the policies that refuse it, and what was changed besides class and tags."""
    return {item["id"]: judge(item) for item in ITEMS}


def judge(item: dict[str, Any]) -> tuple[set[str], list[str]]:
    refusals: set[str] = set()
    changes: list[str] = []
    for body in item["objects"]:
        namespace = "" if body["metadata"].get("namespace") else "foo"
        submission = Submission(user=make_user("alice", ()), namespace=namespace)
        request = make_request(Manifest(body, Source(item["id"])), engine().cluster, submission)
        decision = engine().review(request)
        if not decision.allowed:
            refusals |= {finding.policy for finding in decision.findings if "Deny" in finding.actions}
        changes += [operation["path"] for operation in decision.patch if not _expected(operation["path"])]
    return refusals, changes


def _expected(path: str) -> bool:
    return path.endswith(("/runtimeClassName", "/metadata")) or "/metadata/labels" in path


def test_refusals_are_exactly_those_listed() -> None:
    listed = {item: policy for items in REFUSED.values() for item, policy in items.items()}
    refused = {item: ", ".join(sorted(refusals)) for item, (refusals, _) in judged().items() if refusals}
    assert refused == listed


def test_nothing_is_changed_but_class_and_tags() -> None:
    changed = {item: changes for item, (_, changes) in judged().items() if changes}
    assert changed == CHANGED


CHANGED: dict[str, list[str]] = {}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_reason_is_a_sentence(reason: str) -> None:
    assert reason.endswith(".")
