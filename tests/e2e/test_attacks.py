"""The attack matrix on a real API server, through kubectl: what a hostile tenant tries, and honest twins.

The people have every right that RBAC can give, so that nothing but admission stands in their way. First every
case is tried without our webhook: what the API server refuses by itself proves nothing about us. Then, with
the shipped policies behind the webhook, what it admitted must be refused, and every honest twin must pass.
"""

from __future__ import annotations

import re
import shutil
import urllib.error
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import pytest

from examples.demo import policies_in
from gatekeeper_py.authoring.suite import missing
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, Source
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import Served
from gatekeeper_py.policy.admission.submission import Submission, make_request
from tests.e2e.conftest import RBAC
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import ADMIN, ControlPlane, Kubectl, wait_for
from tests.policies.test_attack_matrix import HERE, MATRIX, Case, cases

Json = dict[str, Any]

REACHED = 270
"""How many hostile attempts must at least get past the API server itself, so that this test has teeth."""
UNREACHED = 10
"""How many honest twins the API server may refuse by itself: kinds it does not serve, states no client can make."""
IN_FORCE_SECONDS = 20
SUBRESOURCES = frozenset({"", "status", "resize", "scale"})
"""What kubectl can replace."""
HARMLESS = {
    "hostile-t04-0": "an update of a Deployment's status keeps the labels, whatever the request says",
}
"""What the API server undoes before admission sees it: attempt -> how."""
NO_NAME = re.compile(r"[^a-z0-9]+")
REFUSED_BY_US = "denied the request"


@dataclass(frozen=True)
class Attempt:
    """A case as kubectl sends it."""

    case: Case
    hostile: bool

    @property
    def name(self) -> str:
        side = "hostile" if self.hostile else "benign"
        return NO_NAME.sub("-", f"{side}-{self.case.name}".lower())

    @cached_property
    def served(self) -> Served:
        request = make_request(Manifest(self.case.object, Source("")), Snapshot(), Submission(namespace=""))
        return Served(
            request.kind, request.resource, bool(request.namespace) and request.kind.kind != "Namespace"
        )

    @property
    def subresource(self) -> str:
        return str(self.case.given.get("subresource", ""))

    @property
    def updates(self) -> bool:
        return "old" in self.case.given

    @property
    def is_possible(self) -> bool:
        """Whether kubectl can do it at all: no deletions, no creation of subresources, no half reviews."""
        given = self.case.given
        sent = not given.get("operation") and not given.get("phases") and self.subresource in SUBRESOURCES
        return sent and (self.updates or not self.subresource) and not self._is_being_deleted

    @property
    def _is_being_deleted(self) -> bool:
        return any("deletionTimestamp" in (value.get("metadata") or {}) for value in self._values())

    def _values(self) -> Iterator[Json]:
        yield self.case.object
        if self.case.old is not None:
            yield self.case.old

    @property
    def object(self) -> Json:
        return self._named(self.case.object)

    @property
    def old(self) -> Json:
        assert self.case.old is not None
        return self._named(self.case.old)

    def _named(self, value: Json) -> Json:
        """What is updated has a name of its own, so that each case has its own old object."""
        if self.updates and self.served.namespaced:
            return {**value, "metadata": {**value["metadata"], "name": self.name}}
        return value

    @property
    def user(self) -> tuple[str, ...]:
        given = self.case.given
        groups = (*given.get("groups", ()), "system:authenticated")
        return (f"--as={given.get('user', 'alice')}", *(f"--as-group={group}" for group in groups))

    def command(self) -> tuple[str, ...]:
        verb = "replace" if self.updates else "create"
        part = (f"--subresource={self.subresource}",) if self.subresource else ()
        return (verb, "--dry-run=server", "--validate=ignore", "-o", "json", *part, *self.user, "-f", "-")


ATTEMPTS = [
    *(Attempt(case, True) for case in cases("hostile")),
    *(Attempt(case, False) for case in cases("benign")),
]
POSSIBLE = [attempt for attempt in ATTEMPTS if attempt.is_possible]


def definitions(attempts: Iterable[Attempt], cluster: Iterable[Json]) -> Iterator[Json]:
    """Open definitions of all custom kinds, as far as policies care: names, versions, scope."""
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    served: dict[tuple[str, str], Served] = {}
    known = {
        definition["metadata"]["name"] for definition in cluster if "names" in definition.get("spec", {})
    }
    for attempt in attempts:
        kind = attempt.served.kind
        name = f"{attempt.served.resource.resource}.{kind.group}"
        if Kinds.builtin().served(kind) is None and "." in kind.group and name not in known:
            kinds[kind.group, kind.kind].add(kind.version)
            served[kind.group, kind.kind] = attempt.served
    for key, versions in kinds.items():
        yield definition(*key, sorted(versions), served[key])


def definition(group: str, kind: str, versions: list[str], served: Served) -> Json:
    plural = served.resource.resource
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced" if served.namespaced else "Cluster",
            "names": {"kind": kind, "plural": plural},
            "versions": [
                {"name": version, "served": True, "storage": version == versions[0], "schema": schema}
                for version in versions
            ],
        },
    }


EVERYBODY = {
    "apiVersion": f"{RBAC}/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "everybody-may-everything"},
    "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "system:authenticated"}],
}


@dataclass(frozen=True)
class Arena:
    """The API server with our webhook, and what it did of each attempt without."""

    kubectl: Kubectl
    refused_by_itself: dict[str, str]


@pytest.fixture(scope="module")
def arena(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    kubectl = bare_plane.kubectl()
    prepare(kubectl, POSSIBLE, MATRIX["cluster"])
    alone = {attempt.name: said for attempt in POSSIBLE if (said := refusal(bare_plane, attempt))}
    server = serve(bare_plane, tmp_path_factory.mktemp("attacks"))
    try:
        yield Arena(kubectl, alone)
    finally:
        server.stop()


def prepare(kubectl: Kubectl, attempts: Sequence[Attempt], cluster: Sequence[Json]) -> None:
    """Namespaces, definitions, what exists, and what will be updated."""
    kubectl.apply(EVERYBODY, *definitions(attempts, cluster))
    first = [value for value in cluster if value["kind"] in {"Namespace", "CustomResourceDefinition"}]
    kubectl.run("apply", "-f", "-", stdin=listed(first))
    kubectl("wait", "--for=condition=Established", "crd", "--all")
    for value in cluster:
        kubectl.run("create", "--validate=ignore", "-f", "-", stdin=listed([completed(value)]))
    olds = [attempt.old for attempt in attempts if attempt.updates]
    kubectl.run("create", "--validate=ignore", "-f", "-", stdin=listed(olds))


DEMANDED: Json = {
    "PersistentVolume": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]},
    "Service": {"ports": [{"port": 80}]},
}
"""What the API server wants to see in a spec, and policies do not look at."""


def completed(value: Json) -> Json:
    more = DEMANDED.get(value["kind"])
    return {**value, "spec": more | value["spec"]} if more else value


def listed(values: list[Json]) -> str:
    return orjson.dumps({"apiVersion": "v1", "kind": "List", "items": values}).decode()


def refusal(plane: ControlPlane, attempt: Attempt) -> str:
    """What the API server says against it by itself; nothing when it admits it."""
    served, value = attempt.served, attempt.object
    group, version, _ = served.kind
    where = f"/apis/{group}/{version}" if group else f"/api/{version}"
    if served.namespaced:
        where += f"/namespaces/{value['metadata'].get('namespace', 'default')}"
    where += f"/{served.resource.resource}"
    try:
        if attempt.updates:
            where += f"/{value['metadata']['name']}"
            there = orjson.loads(plane.get(where))["metadata"]["resourceVersion"]
            value = {**value, "metadata": {**value["metadata"], "resourceVersion": there}}
            where += f"/{attempt.subresource}" if attempt.subresource else ""
        plane.send("PUT" if attempt.updates else "POST", f"{where}?dryRun=All", value)
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    return ""


def serve(plane: ControlPlane, folder: Path) -> Server:
    policies = policies_in(folder)
    shutil.copy(HERE / "tenants.yaml", policies / "more-tenants.yaml")
    server = Server(policies, folder, ["--kubeconfig", plane.kubeconfig(ADMIN)])
    server.start()
    kubectl = plane.kubectl()
    server.register(kubectl)

    def in_force() -> bool:
        probe = (
            "run",
            "probe",
            "--image=probe",
            "-n",
            "foo",
            "--dry-run=server",
            "--privileged",
            "--as=alice",
        )
        return REFUSED_BY_US in kubectl.run(*probe, "--as-group=system:authenticated").stderr

    wait_for("the webhooks to be in force", in_force, IN_FORCE_SECONDS)
    return server


@pytest.mark.parametrize("attempt", POSSIBLE, ids=lambda attempt: attempt.name)
def test_hostile_attempts_fail_and_honest_ones_pass(arena: Arena, attempt: Attempt) -> None:
    given = attempt.case.given
    done = arena.kubectl.run(*attempt.command(), stdin=orjson.dumps(attempt.object).decode())
    if attempt.name in HARMLESS:
        assert done.returncode == 0
    elif attempt.name in arena.refused_by_itself:
        assert done.returncode != 0 or "patched" in given
    elif attempt.hostile and "patched" not in given and given.get("expect") != "warn":
        assert REFUSED_BY_US in done.stderr, done.stdout
    else:
        assert done.returncode == 0, done.stderr
        assert not list(missing(orjson.loads(done.stdout), given.get("patched") or {}))


def test_most_attempts_get_past_the_api_server_itself(arena: Arena) -> None:
    reached = [attempt for attempt in POSSIBLE if attempt.name not in arena.refused_by_itself]
    hostile = sum(attempt.hostile for attempt in reached)
    honest = sum(not attempt.hostile for attempt in POSSIBLE) - (len(reached) - hostile)
    assert hostile >= REACHED
    assert honest <= UNREACHED
