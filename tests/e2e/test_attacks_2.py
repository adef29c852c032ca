"""The second attack matrix on a real API server, through kubectl.

The people have every right that RBAC can give. Each step is sent as a dry run: a hostile one must be refused by the
policy it names, an honest one must pass. What the cluster holds is made first, with the uids the API server gives.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from subprocess import CompletedProcess
from typing import Any

import orjson
import pytest

from gatekeeper_py.authoring.suite import merge
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import Served
from gatekeeper_py.policy.admission.submission import Submission, make_request
from tests.e2e.harness import ControlPlane, Kubectl
from tests.e2e.test_attacks import EVERYBODY, completed, definition, listed, serve
from tests.policies.test_attack_matrix_2 import MATRIX, Step, steps
from tests.policies.test_attack_rows import Step as OwnStep

Json = dict[str, Any]
REACHED = 150
"""How many hostile steps must at least get past the API server itself, so that this test has teeth."""
UNREACHED = 3
"""How many honest steps the API server may refuse by itself: namespaces that are not there."""
REFUSED_BY_US = "denied the request"
THERE = {(value["kind"], value["metadata"]["name"]) for value in MATRIX["cluster"]}


def served(step: Step | OwnStep) -> Served:
    request = make_request(Manifest(step.object, Source("")), Snapshot(), Submission(namespace=""))
    return Served(request.kind, request.resource, bool(request.namespace))


def is_possible(step: Step) -> bool:
    """Whether kubectl can do it at all, to what is there."""
    given, value = step.given, step.object
    if "cluster" in given or given.get("subresource") not in (None, "status", "scale", "eviction"):
        return False
    if given.get("subresource") == "scale":
        return False  # a dry run of kubectl scale says nothing of the object
    there = (value["kind"], value["metadata"]["name"]) in THERE
    return there if given.get("operation") in ("UPDATE", "DELETE") else True


STEPS = [(side, step) for side in ("hostile", "benign") for step in steps(side) if is_possible(step)]


def custom_definitions(given: Iterable[Step | OwnStep]) -> Iterator[Json]:
    """Open definitions of the custom kinds of some steps."""
    kinds: dict[str, tuple[Served, set[str]]] = {}
    for step in given:
        found = served(step)
        if Kinds.builtin().served(found.kind) is None and "." in found.kind.group:
            name = f"{found.resource.resource}.{found.kind.group}"
            kinds.setdefault(name, (found, set()))[1].add(found.kind.version)
    for found, versions in kinds.values():
        yield definition(found.kind.group, found.kind.kind, sorted(versions), found)


@dataclass
class Arena:
    """The API server with our webhook, and the uids it gave."""

    kubectl: Kubectl
    uids: dict[str, str] = field(default_factory=dict)

    def with_uids(self, value: Json) -> Json:
        """The value with owners as the API server knows them."""
        value = copy.deepcopy(value)
        for owner in value["metadata"].get("ownerReferences", ()):
            owner["uid"] = self.uids.get(owner["uid"], owner["uid"])
        for name in ("uid", "creationTimestamp"):
            value["metadata"].pop(name, None)
        return value

    def make(self, value: Json) -> None:
        text = listed([completed(self.with_uids(value))])
        done = self.kubectl.run("create", "--validate=ignore", "-o", "json", "-f", "-", stdin=text)
        if done.returncode == 0:
            made = orjson.loads(done.stdout)
            self.uids[value["metadata"].get("uid", "")] = made.get("items", [made])[0]["metadata"]["uid"]

    def send(self, step: Step) -> CompletedProcess[str]:
        given, value = step.given, self.with_uids(step.object)
        name = given.get("user", "alice")
        groups = ("system:masters",) if name == "kubernetes-admin" else ()
        asked = (f"--as={name}", *(f"--as-group={group}" for group in (*groups, "system:authenticated")))
        metadata = value["metadata"]
        if given.get("subresource") == "eviction":
            path = f"/api/v1/namespaces/foo/pods/{metadata['name']}/eviction?dryRun=All"
            return self.kubectl.run("create", "--raw", path, *asked, "-f", "-", stdin=text(value))
        if given.get("operation") == "DELETE":
            kind = f"{value['kind']}/{metadata['name']}"
            return self.kubectl.run("delete", kind, "-n", metadata["namespace"], "--dry-run=server", *asked)
        verb, part = "create", tuple[str, ...]()
        if given.get("operation") == "UPDATE":
            there = self.kubectl.get(value["kind"], metadata["name"], "-n", metadata["namespace"])
            change = self.with_uids({"metadata": {}, **copy.deepcopy(given["change"])})
            value, verb = merge(dict(there), change), "replace"
            part = (f"--subresource={given['subresource']}",) if "subresource" in given else ()
        command = (verb, "--dry-run=server", "--validate=ignore", "-o", "json", *part, *asked, "-f", "-")
        return self.kubectl.run(*command, stdin=text(value))


def text(value: Json) -> str:
    return orjson.dumps(value).decode()


@pytest.fixture(scope="module")
def arena(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    kubectl = bare_plane.kubectl()
    kubectl.apply(EVERYBODY, *custom_definitions(step for _, step in STEPS))
    kubectl("wait", "--for=condition=Established", "crd", "--all")
    arena = Arena(kubectl)
    for value in MATRIX["cluster"]:
        arena.make(value)
    server = serve(bare_plane, tmp_path_factory.mktemp("attacks"))
    try:
        yield arena
    finally:
        server.stop()


@pytest.fixture(scope="module")
def past() -> dict[str, int]:
    """How many steps of each side got past the API server itself."""
    return {"hostile": 0, "benign": 0}


@pytest.mark.parametrize(("side", "step"), STEPS, ids=lambda value: getattr(value, "name", value))
def test_hostile_steps_fail_and_honest_ones_pass(
    arena: Arena, past: dict[str, int], side: str, step: Step
) -> None:
    done = arena.send(step)
    by_us = REFUSED_BY_US in done.stderr
    past[side] += by_us or done.returncode == 0
    if side == "benign":
        assert not by_us, done.stderr
    else:
        assert done.returncode != 0, done.stdout
        assert not by_us or step.given["policy"] in done.stderr, done.stderr


def test_most_steps_get_past_the_api_server_itself(past: dict[str, int]) -> None:
    assert past["hostile"] >= REACHED
    assert sum(side == "benign" for side, _ in STEPS) - past["benign"] <= UNREACHED
