"""Imported policies refuse what Kyverno and OPA Gatekeeper refuse, object for object."""

from __future__ import annotations

import pytest

from gatekeeper_py.authoring.migration.migrated import translated
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, Source, read_text
from gatekeeper_py.policy.admission.submission import ADMINISTRATOR, Submission, make_request
from tests.authoring.migration.rivals import (
    Foreign,
    cluster_policies,
    constraints,
    objects,
    refused,
    validating_policies,
)

POLICIES = {
    "clusterpolicies": cluster_policies(),
    "validatingpolicies": validating_policies(),
    "constraints": constraints(),
}
RECORDED = refused()
CASES = [(engine, name) for engine, verdicts in RECORDED.items() for name in verdicts]
LEFT_OUT = [
    (engine, name) for engine, each in POLICIES.items() for name, policy in each.items() if policy.left_out
]


SPELT_LIKE_THE_PATTERN = {"image-of-a-pattern"}
"""What Kyverno takes because it is the pattern's own text, operators and all: it is refused here."""
NAMESPACES = [each for each in objects().values() if each["kind"] == "Namespace"]


def refused_here(policy: Foreign) -> frozenset[str]:
    """The objects that the imported policy has something against."""
    made = translated(read_text(policy.text))
    assert made.left_out == ()
    manifests = [each for file in made.files.values() for each in read_text(file)]
    definitions = [each.object for each in manifests if each.kind.kind == "CustomResourceDefinition"]
    engine = Engine.load(manifests, Snapshot([*NAMESPACES, *definitions]))
    submission = Submission(user=ADMINISTRATOR)
    return frozenset(
        name
        for name, body in objects().items()
        if engine.review(make_request(Manifest(body, Source("x")), engine.cluster, submission)).findings
    )


@pytest.mark.parametrize(("engine", "name"), CASES)
def test_what_they_refuse_is_refused(engine: str, name: str) -> None:
    policy = POLICIES[engine][name]
    here, there = refused_here(policy) - policy.unsure, RECORDED[engine][name] - policy.unsure
    assert here - SPELT_LIKE_THE_PATTERN == there - SPELT_LIKE_THE_PATTERN
    assert there <= here


@pytest.mark.parametrize(("engine", "name"), LEFT_OUT)
def test_what_is_not_carried_is_left_out(engine: str, name: str) -> None:
    policy = POLICIES[engine][name]
    made = translated(read_text(policy.text))
    assert made.files == {}
    (problem,) = made.left_out
    assert problem.what.startswith(policy.left_out)


def test_every_policy_is_recorded_or_left_out() -> None:
    for engine, policies in POLICIES.items():
        carried = {name for name, policy in policies.items() if not policy.left_out}
        assert carried - RECORDED[engine].keys() == UNANSWERED.get(engine, set())
        assert RECORDED[engine].keys() <= carried


UNANSWERED = {"clusterpolicies": {"on-update"}}
"""What the programs cannot be asked: they know no updates."""
