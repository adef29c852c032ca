"""Each check of the Pod Security Standards finds what it is for, in every container, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.authoring.suite import merge
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.policy.loading.load import read

HERE = Path(__file__).parent
POLICIES = HERE.parents[1] / "policies"
LEVELS: dict[str, Any] = yaml.safe_load((HERE / "pod_security.yaml").read_text(encoding="utf-8"))
CONTAINER: dict[str, Any] = {
    "name": "web",
    "image": "nginx",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
CONTEXT = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
OWNERS = {"baseline": ("foo", "alice"), "restricted": ("locked", "lena")}
"""A namespace at each level and its owner (tenants.yaml)."""


@dataclass(frozen=True)
class Pod:
    """A pod of one check."""

    level: str
    policy: str
    change: dict[str, Any]
    container: str = "containers"
    """Where the changed container stands."""

    def __str__(self) -> str:
        return f"{self.policy}-{self.container}-{self.change}"

    def review(self, namespace: str, user: str) -> Decision:
        manifest = Manifest(self._object(namespace), Source(str(self)))
        submission = Submission(user=make_user(user, ()))
        return engine().review(make_request(manifest, engine().cluster, submission))

    def _object(self, namespace: str) -> dict[str, Any]:
        spec: dict[str, Any] = {"securityContext": CONTEXT, "containers": [CONTAINER]}
        spec = merge(copy.deepcopy(spec), self.change.get("pod", {}))
        changed = merge(copy.deepcopy(CONTAINER), self.change.get("container", {}))
        spec[self.container] = [changed]
        metadata = {"name": "web", "namespace": namespace, **self.change.get("metadata", {})}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def pods(side: str) -> Iterator[Pod]:
    for level, checks in LEVELS.items():
        for policy, sides in checks.items():
            for change in sides[side]:
                yield Pod(level, policy, change)
                if "container" in change:
                    yield Pod(level, policy, change, "initContainers")


@cache
def engine() -> Engine:
    """The checks and the tenants, without what goes beyond the standards and asks for other things."""
    checks = [
        POLICIES / "host-access" / f"{policy.removeprefix('host-access-')}.yaml" for policy in policies()
    ]
    level = POLICIES / "host-access" / "restricted-level.yaml"
    return Engine.load(read([*checks, level, POLICIES / "tenants", HERE / "tenants.yaml"]), Snapshot())


def policies() -> set[str]:
    return {policy for checks in LEVELS.values() for policy in checks}


def found(decision: Decision) -> set[str]:
    return {finding.policy for finding in decision.findings}


@pytest.mark.parametrize("pod", list(pods("refused")), ids=str)
def test_a_pod_is_found_by_its_check_and_no_other(pod: Pod) -> None:
    decision = pod.review(*OWNERS["baseline"])
    assert found(decision) == {pod.policy, *pod.change.get("besides", ())}
    assert decision.allowed == (pod.level == "restricted")


@pytest.mark.parametrize("pod", [pod for pod in pods("refused") if pod.level == "restricted"], ids=str)
def test_the_warning_names_what_to_set_and_nothing_else(pod: Pod) -> None:
    assert [line.rpartition(" set ")[2] for line in pod.review(*OWNERS["baseline"]).warnings] == [
        pod.change["names"]
    ]


@pytest.mark.parametrize("pod", list(pods("refused")), ids=str)
def test_at_the_restricted_level_whatever_a_check_finds_is_denied(pod: Pod) -> None:
    assert not pod.review(*OWNERS["restricted"]).allowed


@pytest.mark.parametrize("pod", list(pods("admitted")), ids=str)
def test_a_pod_that_keeps_to_a_check_is_not_found_by_it(pod: Pod) -> None:
    decision = pod.review(*OWNERS["baseline"])
    assert decision.allowed
    assert pod.policy not in found(decision)


@pytest.mark.parametrize("pod", [pod for pod in pods("admitted") if pod.level == "restricted"], ids=str)
def test_a_pod_that_keeps_to_the_restricted_level_is_admitted_there(pod: Pod) -> None:
    assert pod.review(*OWNERS["restricted"]).allowed


def test_every_policy_that_is_of_the_standards_has_pods() -> None:
    named = {
        manifest.name
        for manifest in read([POLICIES / "host-access"])
        if "# Pod Security Standards:" in Path(manifest.source.path).read_text(encoding="utf-8")
    }
    assert named == policies()
