"""A forked worker knows the cluster as the server does, within its limits, and says so when it does not."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gatekeeper_py.cluster.connection import now
from gatekeeper_py.cluster.live import LiveCluster, configuration
from gatekeeper_py.pki.authority import make_serving
from gatekeeper_py.pki.files import read_pair
from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.webhook import worker as module
from gatekeeper_py.webhook.limits import LONG_BODY
from gatekeeper_py.webhook.origin import TENANCY_KINDS, Demands, FromCluster
from gatekeeper_py.webhook.revision import Loaded
from gatekeeper_py.webhook.supervisor import Supervisor
from gatekeeper_py.webhook.turns import SharedTurns
from tests.cluster.test_live import Api, named, write_kubeconfig
from tests.policy.support import validating
from tests.webhook.support import Harness, Running, pod_review, running
from tests.webhook.test_origin import in_force, write
from tests.webhook.test_server import client, eventually, serial
from tests.webhook.test_supervisor import answering, callers_of, children, said, several

CONFIG_MAPS, NAMESPACES = "/api/v1/configmaps", "/api/v1/namespaces"
LOOKS_UP = validating(
    "looks",
    validations=[
        {
            "expression": "cluster.get('v1', 'ConfigMap', 'foo', 'known').hasValue()",
            "message": "unknown",
        }
    ],
)


@dataclass
class Following:
    """Workers that follow an API server of a few lines, each with a caller of its own."""

    server: Running
    api: Api
    live: LiveCluster
    callers: list[httpx.Client]

    def answers(self, **fields: Any) -> list[str]:
        """What each of them says of a pod: allowed, or why not."""
        found = []
        for http in self.callers:
            response = http.post("/validate", json=pod_review(**fields)).json()["response"]
            found.append("allowed" if response["allowed"] else response["status"]["message"])
        return found


@contextmanager
def confirmed(live: LiveCluster) -> Iterator[None]:
    """The server's own picture does not grow old meanwhile."""
    over = threading.Event()

    def confirm() -> None:
        while not over.wait(0.05):
            for follower in live._all:
                follower.confirmed = now()

    confirming = threading.Thread(target=confirm)
    confirming.start()
    try:
        yield
    finally:
        over.set()
        confirming.join()


@contextmanager
def following(folder: Path, max_age: float = 30.0) -> Iterator[Following]:
    api = Api()
    api.objects[NAMESPACES] = [named("foo")]
    policies = write(folder / "policies", *in_force(LOOKS_UP))
    live = LiveCluster(
        configuration(write_kubeconfig(folder / "kubeconfig", api.server.server_port)),
        TENANCY_KINDS,
        max_age=max_age,
    )
    live.start()
    origin = FromCluster(policies, live, Demands(tenants=False))
    harness = Harness(load=origin.load, options={"long": SharedTurns()})
    try:
        with running(harness, folder / "certs", [policies], workers=2, followed=live) as server:
            eventually(lambda: answering(server) == 2)
            with callers_of(server) as callers:
                yield Following(server, api, live, callers)
    finally:
        live.stop()
        api.close()


def test_what_happens_in_the_cluster_reaches_every_worker(tmp_path: Path) -> None:
    with following(tmp_path) as scene:
        assert len({each.split(":")[0] for each in scene.answers()}) == 1
        assert all("unknown" in each for each in scene.answers())
        scene.api.watch(CONFIG_MAPS).put({"type": "ADDED", "object": named("known", "foo")})
        eventually(lambda: scene.answers() == ["allowed"] * 6)
        scene.api.watch(CONFIG_MAPS).put({"type": "DELETED", "object": named("known", "foo")})
        eventually(lambda: all("unknown" in each for each in scene.answers()))


def test_a_worker_that_comes_later_knows_what_happened_before(tmp_path: Path) -> None:
    with following(tmp_path) as scene:
        scene.api.watch(CONFIG_MAPS).put({"type": "ADDED", "object": named("known", "foo")})
        eventually(lambda: scene.answers() == ["allowed"] * 6)
        (victim,) = children()
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: bool(children()) and victim not in children() and answering(scene.server) == 2)
        with callers_of(scene.server) as callers:
            assert Following(scene.server, scene.api, scene.live, callers).answers() == ["allowed"] * 6


def test_who_hears_nothing_of_the_cluster_looks_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with following(tmp_path, max_age=2.5) as scene, confirmed(scene.live):
        eventually(lambda: all("unknown" in each for each in scene.answers()))
        monkeypatch.setattr(Supervisor, "_tell_news", lambda _self, standings=False: None)
        eventually(lambda: any("was last known" in each for each in scene.answers()))
        answers = scene.answers()
        assert any("unknown" in each for each in answers), "the server itself goes on"
        monkeypatch.undo()
        eventually(lambda: all("unknown" in each for each in scene.answers()))


def test_a_worker_asks_for_a_namespace_that_no_watch_has_told_of(tmp_path: Path) -> None:
    with following(tmp_path) as scene:
        scene.api.unseen["new"] = named("new")
        reviews = [http.post("/validate", json=pod_review(namespace="new")) for http in scene.callers]
        assert all(review.json()["response"]["status"]["code"] == 422 for review in reviews), (
            "found, and judged"
        )
        assert scene.api.found == ["new"]


def test_a_renewed_certificate_is_served_by_all(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    with several(tmp_path) as (server, _):
        certs = tmp_path / "certs"
        renewed = make_serving(
            read_pair(certs / "ca.crt", certs / "ca.key"), ["localhost"], datetime.now(UTC)
        )
        (certs / "tls.crt").write_bytes(renewed.certificate_pem)
        (certs / "tls.key").write_bytes(renewed.key_pem)
        wanted = f"{renewed.certificate.serial_number:X}".zfill(2)
        eventually(lambda: [serial(server).lstrip("0") for _ in range(8)] == [wanted.lstrip("0")] * 8)


def test_long_reviews_are_decided_one_at_a_time_by_all_together(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    def review(*_: object) -> Decision:
        mine = marks / str(os.getpid())
        mine.touch()
        together = len(list(marks.iterdir()))
        threading.Event().wait(0.05)
        mine.unlink()
        return Decision(False, Status(403, "Forbidden", f"{together} at once"))

    harness = Harness(load=lambda: Loaded(review, 1), options={"long": SharedTurns()})
    body = orjson.dumps(pod_review()).ljust(LONG_BODY + 1)
    said: list[str] = []
    with running(harness, tmp_path / "certs", workers=2) as server:
        eventually(lambda: answering(server) == 2)

        def ask() -> None:
            with client(server) as http:
                said.append(http.post("/validate", content=body).json()["response"]["status"]["message"])

        asking = [threading.Thread(target=ask) for _ in range(6)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    assert [each.partition(" (")[0] for each in said] == ["1 at once"] * 6


def test_a_connection_that_nobody_uses_does_not_keep_who_has_retired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETIREMENT", 0.2)
    with several(tmp_path) as (server, file), callers_of(server) as callers:
        for http in callers:
            said(http)
        (before,) = children()
        file.write_text("second")
        eventually(lambda: bool(children()) and before not in children())


def test_a_handshake_that_was_begun_before_it_retired_is_finished(tmp_path: Path) -> None:
    with several(tmp_path) as (server, file):
        begun = [socket.create_connection(("127.0.0.1", server.listening.port), 10) for _ in range(6)]
        threading.Event().wait(0.1)  # accepted by then
        file.write_text("second")
        eventually(lambda: said_first(server) == "second")
        for plain in begun:
            with server.trust().wrap_socket(plain, server_hostname="localhost") as secure:
                body = orjson.dumps(pod_review())
                head = b"POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                secure.sendall(head % len(body) + body)
                answer = b""
                while b"}}" not in answer:
                    answer += secure.recv(4096)
                assert b"second" in answer


def said_first(server: Running) -> str:
    with client(server) as http:
        return said(http)[0]
