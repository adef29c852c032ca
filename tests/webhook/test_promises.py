"""What a replica has admitted counts before the cluster shows it."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest, read, read_text
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.admission.submission import Submission, make_request
from gatekeeper_py.webhook import promises
from gatekeeper_py.webhook.promises import Book
from gatekeeper_py.webhook.revision import Webhook
from gatekeeper_py.webhook.zygote import Zygotes
from tests.shipped import POLICIES
from tests.webhook.test_forking import in_a_fork

Json = dict[str, Any]

CEILING = 5
TENANT = f"""\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {{name: foo}}
spec: {{namespaces: {{names: [foo]}}, ceiling: {{pods: {CEILING}, cpu: "50"}}}}
"""


def pod(name: str, uid: str = "", cpu: str = "1") -> Json:
    metadata = {"name": name, "namespace": "foo", **({"uid": uid} if uid else {})}
    container = {"name": "a", "image": "a", "resources": {"requests": {"cpu": cpu}}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


class Replica:
    """One of several that decide by the same picture of the cluster, which does not change."""

    def __init__(self, seconds: float = 30) -> None:
        self.now = 0.0
        self.shown: dict[str, Json] = {}
        documents = [*read([POLICIES / "fairness" / "ceiling.yaml"]), *read_text(TENANT, "t.yaml")]
        self.cluster = Snapshot.of([Manifest(pod("ended") | {"status": {"phase": "Failed"}})])
        self.engine = Engine.load(documents, self.cluster, whole=False)
        book = Book(seconds, lambda: self.now)
        self.review = book.keeping(self._decide, self._look, lambda _namespace: True)

    def _decide(self, request: AdmissionRequest, webhook: Webhook, _deadline: float) -> Decision:
        return self.engine.review(request, frozenset({webhook}))

    def _look(self, _namespace: str, name: str) -> Object | None:
        return self.shown.get(name)

    def admits(self, value: Json, webhook: Webhook = "validate", *, dry_run: bool = False) -> bool:
        request = make_request(Manifest(value), self.cluster, Submission("CREATE"))
        return self.review(replace(request, object=value, dry_run=dry_run), webhook, 0).allowed

    def room(self) -> int:
        """How many more pods it admits; they take it."""
        return sum(self.admits(pod(f"more-{number}")) for number in range(CEILING + 1))


def test_a_replica_admits_as_many_as_there_is_room_for_though_it_sees_none_of_them() -> None:
    replica = Replica()
    found = [replica.admits(pod(str(number))) for number in range(CEILING + 2)]
    assert found == [True] * CEILING + [False] * 2


def test_threads_that_ask_at_once_find_the_same_room() -> None:
    replica = Replica()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: replica.admits(pod(str(number))), range(4 * CEILING)))
    assert 0 < sum(found) <= CEILING
    assert sum(found) + replica.room() == CEILING


def test_what_a_fork_has_admitted_counts() -> None:
    replica = Replica()
    child = os.fork()
    if child == 0:  # in the fork
        os._exit(0 if replica.admits(pod("forked")) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert replica.room() == CEILING - 1


def test_what_the_child_of_a_long_review_has_admitted_counts() -> None:
    replica = Replica()

    def work(_head: bytes, _body: bytes) -> bytes:
        return b"admitted" if replica.admits(pod("long")) else b"refused"

    async def main() -> bytes:
        zygotes = Zygotes()
        try:
            return await zygotes.ask((), work, b"", b"", 20)
        finally:
            await zygotes.close()

    assert asyncio.run(main()) == b"admitted"
    assert replica.room() == CEILING - 1


def test_replicas_that_see_the_same_admit_at_most_so_many_times_as_much() -> None:
    """The bound that docs/tenants.md states."""
    replicas = [Replica() for _ in range(3)]
    asked = [
        (each, f"{order}-{number}") for order in range(2 * CEILING) for number, each in enumerate(replicas)
    ]
    assert sum(each.admits(pod(name)) for each, name in asked) == len(replicas) * CEILING


def test_what_is_refused_takes_no_room() -> None:
    replica = Replica()
    assert not replica.admits(pod("bad", cpu="51"))
    assert replica.room() == CEILING


@pytest.mark.parametrize(
    ("webhook", "dry_run"), [("validate", True), ("mutate", False)], ids=["dry run", "mutation"]
)
def test_what_is_not_made_takes_no_room(webhook: Webhook, dry_run: bool) -> None:
    replica = Replica()
    assert replica.admits(pod("tried"), webhook, dry_run=dry_run)
    assert replica.room() == CEILING


def test_what_one_process_sees_another_may_not_see_yet() -> None:
    replica = Replica()
    assert replica.admits(pod("seen", "u1"))
    replica.shown["seen"] = pod("seen", "u1")
    assert replica.room() == CEILING - 1


@pytest.mark.parametrize(
    ("shown", "room"),
    [
        (pod("gone", "u1") | {"status": {"phase": "Succeeded"}}, CEILING),
        (pod("gone", "u1") | {"status": {"phase": "Running"}}, CEILING - 1),
        (pod("gone", "u0") | {"status": {"phase": "Failed"}}, CEILING - 1),
    ],
    ids=["it has ended", "it runs", "another of that name has ended"],
)
def test_what_has_ended_leaves_its_room(shown: Json, room: int) -> None:
    replica = Replica()
    assert replica.admits(pod("gone", "u1"))
    replica.shown["gone"] = shown
    assert replica.room() == room


def test_what_never_comes_is_forgotten() -> None:
    replica = Replica(seconds=30)
    assert replica.room() == CEILING
    replica.now = 29
    assert not replica.admits(pod("early"))
    replica.now = 31
    assert replica.admits(pod("late"))


def test_a_book_that_is_full_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "SIZE", 70)
    replica = Replica()
    assert replica.admits(pod("first"))
    assert not replica.admits(pod("second"))


def test_a_worker_that_is_forked_writes_into_the_same_book_though_a_thread_has_it_just_then() -> None:
    replica = Replica()
    book = Book(30)
    review = book.keeping(replica._decide, replica._look, lambda _namespace: True)

    def admits(name: str) -> bool:
        request = make_request(Manifest(pod(name)), replica.cluster, Submission("CREATE"))
        return review(request, "validate", 0.0).allowed

    with book._threads:
        assert in_a_fork(lambda: [admits(f"there-{number}") for number in range(CEILING)]) == [True] * CEILING
    assert not admits("here")
