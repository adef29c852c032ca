"""The attack rows of our own on a real API server: what is created, in one kubectl for all honest steps, one for all hostile.

Each step is a file of its own, so that kubectl's errors say which; all are dry runs. The people have every right
that RBAC can give.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gatekeeper_py.tenancy.custom import custom_kind
from gatekeeper_py.tenancy.errands import STEERS_NODES
from tests.e2e.harness import ControlPlane, Kubectl
from tests.e2e.test_attacks import EVERYBODY, completed, listed, serve
from tests.e2e.test_attacks_2 import custom_definitions
from tests.policies.test_attack_matrix_2 import MATRIX
from tests.policies.test_attack_rows import DOORS, ROWS, Step, steps

ALICE = ("--as=alice", "--as-group=system:authenticated")
SAID = re.compile(r"error (?:when creating|validating) \"[^\"]*?(\d+)\.json\":|from \"[^\"]*?(\d+)\.json\":")
"""What kubectl says of a file, in as many lines as there are refusals, up to the next."""
ESTABLISHED_SECONDS = 180
BY_UID = ("tags-owner-references", "tags-protected-reach")
"""Policies that go by uids, which a real cluster chooses: what those of its pods and ReplicaSets hang below is not there."""
ELSEWHERE = ("GatewayClass",)
"""Custom kinds that lie in no namespace, and so are not as the one kind is that all are played as."""
OURS = "gatekeeper-system"
"""A namespace of which no webhook is asked."""
REFUSED_BY_US = "denied the request"
REACHED = 0.9
"""What part of the hostile steps must at least get past the API server itself, so that this test has teeth."""
UNREACHED = 18
"""How many honest steps the API server may refuse by itself: fields that it does not have, names that it does not take."""


def is_created(step: Step) -> bool:
    """Whether a step is that alice creates something in what every step finds."""
    return not {"cluster", "operation", "requestName", "subresource", "user"} & set(step.given)


def is_the_same_here(step: Step) -> bool:
    """Whether a step through Kubernetes' own kinds means in a real cluster what it means in a unit test."""
    policy, kind = step.given.get("policy"), step.object["kind"]
    return policy not in BY_UID and kind not in ELSEWHERE and step.object["metadata"].get("name") != OURS


def as_one_kind(step: Step) -> Step:
    """A step whose kind nobody has read as one of a single such kind: all are judged alike, but for those whose
    name tells what they do to nodes, and an API server takes a second for four definitions."""
    value = step.object
    if STEERS_NODES.fullmatch(value["kind"]):
        return step
    if custom_kind(value["apiVersion"].rpartition("/")[0], value["kind"]).judgement != "unknown":
        return step
    thing = {**value, "apiVersion": "example.com/v1", "kind": "Thing"}
    return replace(step, given={**step.given, "object": thing, "change": None})


CREATED = {
    side: [
        as_one_kind(step)
        for step in (*steps(side), *filter(is_the_same_here, steps(side, DOORS)))
        if is_created(step)
    ]
    for side in ("hostile", "benign")
}


@pytest.fixture(scope="module")
def kubectl(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    kubectl = bare_plane.kubectl()
    every = [step for side in CREATED.values() for step in side]
    kubectl.apply(EVERYBODY, *custom_definitions(every))
    kubectl("wait", "--for=condition=Established", "crd", "--all", f"--timeout={ESTABLISHED_SECONDS}s")
    for value in [*MATRIX["cluster"], *ROWS["cluster"]]:
        kubectl.run("create", "--validate=ignore", "-f", "-", stdin=listed([completed(value)]))
    server = serve(bare_plane, tmp_path_factory.mktemp("rows"))
    try:
        yield kubectl
    finally:
        server.stop()


def created(kubectl: Kubectl, given: list[Step], folder: Path) -> dict[int, str]:
    """What kubectl says against each step, by its number; what it says nothing of was created."""
    for number, step in enumerate(given):
        (folder / f"{number}.json").write_bytes(orjson.dumps(completed(step.object)))
    done = kubectl.run("create", "--dry-run=server", "--validate=ignore", *ALICE, "-f", str(folder))
    found = list(SAID.finditer(done.stderr))
    ends = [match.start() for match in found[1:]] + [len(done.stderr)]
    return {
        int(match[1] or match[2]): done.stderr[match.end() : end]
        for match, end in zip(found, ends, strict=True)
    }


def test_honest_steps_are_created(kubectl: Kubectl, tmp_path: Path) -> None:
    given = CREATED["benign"]
    said = created(kubectl, given, tmp_path)
    assert [(given[number].name, text) for number, text in said.items() if REFUSED_BY_US in text] == []
    assert len(said) <= UNREACHED, said


def test_hostile_steps_are_refused_by_their_policies(kubectl: Kubectl, tmp_path: Path) -> None:
    given = CREATED["hostile"]
    said = created(kubectl, given, tmp_path)
    assert [step.name for number, step in enumerate(given) if number not in said] == []
    by_us = {given[number].name: text for number, text in said.items() if REFUSED_BY_US in text}
    policies = {step.name: step.given["policy"] for step in given}
    assert {name: text for name, text in by_us.items() if policies[name] not in text} == {}
    assert len(by_us) >= REACHED * len(given)
