"""How long policies take to load, and how little a request costs that concerns none of them.

Run with `pytest tests/benchmarks/policy --override-ini addopts= -s`.
"""

from __future__ import annotations

import json
import time
import timeit
from dataclasses import replace
from typing import Any

import pytest
import yaml

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.objects.resource import GroupVersionResource
from gatekeeper_py.policy.loading.load import PolicySet, load
from gatekeeper_py.policy.matching.match import match
from tests.policy.matching.test_match import POD
from tests.shared import SHARED

CASES = SHARED / "corpora" / "policy-cases.jsonl"

POLICIES = 60
LOAD_SECONDS = 1.0
"""Reading and loading the policies, YAML and CEL included."""
NO_MATCH_SECONDS = 20e-6

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not CASES.exists(), reason=f"no {CASES}")]


def documents() -> list[dict[str, Any]]:
    """The policies of the corpus and their bindings, each with a name of its own."""
    found = []
    with CASES.open() as lines:
        for number, line in zip(range(POLICIES), lines, strict=False):
            case = json.loads(line)
            policy, binding = case["policies"][0], case["bindings"][0]
            name = f"policy-{number}"
            policy["metadata"]["name"] = binding["metadata"]["name"] = name
            binding["spec"]["policyName"] = name
            found += [policy, binding]
    return found


@pytest.fixture(scope="module")
def text() -> str:
    return yaml.safe_dump_all(documents(), sort_keys=False)


@pytest.fixture(scope="module")
def policies(text: str) -> PolicySet:
    return load(read_text(text))


def test_sixty_policies_load_in_a_second(text: str) -> None:
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        load(read_text(text))
        took.append(time.perf_counter() - begin)
    print(f"\n{POLICIES} policies, {len(text)} characters: {min(took):.3f} s")
    assert min(took) < LOAD_SECONDS


def test_a_request_that_concerns_nothing_is_cheap(policies: PolicySet) -> None:
    leases = GroupVersionResource("coordination.k8s.io", "v1", "leases")
    request = replace(POD, resource=leases, operation="UPDATE")
    took = timeit.timeit(lambda: policies.validating.concerning(request), number=10_000) / 10_000
    print(f"\nno policy concerned: {took * 1e6:.2f} us")
    assert took < NO_MATCH_SECONDS


def test_a_policy_that_does_not_match_is_cheap(policies: PolicySet) -> None:
    cluster, request = Snapshot(), replace(POD, operation="DELETE")
    found = policies.validating[0]
    took = timeit.timeit(lambda: match(found.match, request, cluster), number=10_000) / 10_000
    print(f"\none policy that does not match: {took * 1e6:.2f} us")
    assert took < NO_MATCH_SECONDS
