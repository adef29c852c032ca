"""What ordinary tenants deploy is admitted untouched, but for class and tags; what is refused is listed with the reason."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
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
MOST_REFUSED = 33
"""Two more than wanted: subnets of a balancer (row X210) and a CA of another namespace. Only to be lowered."""
MEDIAN_WARNED = 300
"""Characters of all warnings of one workload: what a person reads through."""
WORKLOADS = frozenset(
    (
        *("Pod", "PodTemplate", "ReplicationController", "Deployment", "StatefulSet", "DaemonSet"),
        *("ReplicaSet", "Job", "CronJob"),
    )
)
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
def decisions() -> list[tuple[str, str, Decision]]:
    """Of every object: its item, its kind, and what becomes of it."""
    return [
        (item["id"], body["kind"], review(item["id"], body)) for item in ITEMS for body in item["objects"]
    ]


def review(item: str, body: dict[str, Any]) -> Decision:
    namespace = "" if body["metadata"].get("namespace") else "foo"
    submission = Submission(user=make_user("alice", ()), namespace=namespace)
    return engine().review(make_request(Manifest(body, Source(item)), engine().cluster, submission))


def warnings() -> list[tuple[str, ...]]:
    """Of every workload: its warnings."""
    return [decision.warnings for _, kind, decision in decisions() if kind in WORKLOADS]


def _expected(path: str) -> bool:
    return path.endswith(("/runtimeClassName", "/metadata")) or "/metadata/labels" in path


def test_refusals_are_exactly_those_listed() -> None:
    refused: dict[str, set[str]] = {}
    for item, _, decision in decisions():
        if not decision.allowed:
            found = {finding.policy for finding in decision.findings if "Deny" in finding.actions}
            refused[item] = refused.get(item, set()) | found
    listed = {item: policy for items in REFUSED.values() for item, policy in items.items()}
    assert {item: ", ".join(sorted(policies)) for item, policies in refused.items()} == listed


def test_hardly_any_are_refused() -> None:
    assert sum(map(len, REFUSED.values())) <= MOST_REFUSED


def test_nothing_is_changed_but_class_and_tags() -> None:
    changed = {
        item: [path for path in (operation["path"] for operation in decision.patch) if not _expected(path)]
        for item, _, decision in decisions()
    }
    assert {item: paths for item, paths in changed.items() if paths} == CHANGED


def test_warnings_of_a_workload_are_few_and_short() -> None:
    assert median(sum(map(len, said)) for said in warnings()) < MEDIAN_WARNED
    assert max(sum("restricted level" in line for line in said) for said in warnings()) == 1


def test_each_warning_names_policy_and_object_and_no_policy_speaks_twice() -> None:
    for _, kind, decision in decisions():
        said = [WARNING.match(line) for line in decision.warnings]
        policies = [found["policy"] for found in said if found and found["kind"] == kind]
        assert len(set(policies)) == len(decision.warnings), decision.warnings


WARNING = re.compile(r'(?P<policy>[a-z-]+): (?P<kind>[A-Za-z]+) "[^"]+": ')
CHANGED: dict[str, list[str]] = {}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_reason_is_a_sentence(reason: str) -> None:
    assert reason.endswith(".")
