"""Several workers before a real API server: one ends, policies change, the server falls silent, and nobody notices
but those who have to."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from examples.demo import policies_in
from tests.e2e.conftest import IN_FORCE_SECONDS, PERMISSIONS, ROOT, in_force
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import ALICE, GATEKEEPER, ControlPlane, Kubectl, wait_for

WORKERS = 3
MAX_AGE = 15


@pytest.fixture
def several(plane: ControlPlane, tmp_path: Path) -> Iterator[Server]:
    for file in PERMISSIONS:
        plane.kubectl()("apply", "-f", str(ROOT / "webhooks" / file))
    options: list[str | Path] = [
        "--kubeconfig",
        plane.kubeconfig(GATEKEEPER),
        "--workers",
        str(WORKERS),
        "--max-view-age",
        str(MAX_AGE),
    ]
    started = Server(policies_in(tmp_path), tmp_path, options)
    started.start()
    try:
        started.register(plane.kubectl())
        wait_for("the webhooks to be in force", lambda: in_force(plane), IN_FORCE_SECONDS)
        wait_for("all workers", lambda: told(started)["workers"]["answering"] == WORKERS)
        yield started
    finally:
        started.stop()
        kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
        plane.kubectl()("delete", kinds, "-l", "app.kubernetes.io/name=gatekeeper")


def told(server: Server) -> dict[str, Any]:
    with urllib.request.urlopen(
        f"{server.url}/readyz?verbose", context=server.context(), timeout=10
    ) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


def pid_of(server: Server) -> int:
    assert server.process is not None
    return server.process.process.pid


def workers(server: Server) -> list[int]:
    pid = pid_of(server)
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@contextmanager
def asking(alice: Kubectl, callers: int = 3) -> Iterator[list[str]]:
    """Pods that are refused, or let in, one after the other; what was said of each."""
    said: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            said.append(alice.run("run", "x", "--image=x", "--privileged", "--dry-run=server").stderr)

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield said
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_an_edit_loses_no_request_of_the_api_server(plane: ControlPlane, several: Server) -> None:
    before = told(several)["revision"]
    with asking(plane.kubectl(ALICE, "foo")) as said:
        for number in range(1, 4):
            (several.policies / "more.yaml").write_text(SETTING.format(number), encoding="utf-8")
            wait_for("the revision", lambda number=number: told(several)["revision"] >= before + number)  # type: ignore[misc]
            time.sleep(1)
    assert said
    assert [each for each in said if "denied the request" not in each] == []


SETTING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: more-{0}}}
spec:
  matchConstraints:
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [services]}}]
  validations: [{{expression: "object.metadata.name != 'no'", message: "no"}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: more-{0}}}
spec: {{policyName: more-{0}, validationActions: [Deny]}}
"""


def test_a_worker_that_is_killed_is_replaced_and_no_pod_gets_through(
    plane: ControlPlane, several: Server
) -> None:
    with asking(plane.kubectl(ALICE, "foo")) as said:
        for number in range(1, 4):
            os.kill(workers(several)[0], signal.SIGKILL)
            wait_for("all workers", lambda number=number: has_replaced(several, number))  # type: ignore[misc]
    assert [each for each in said if not each] == [], "whatever is not refused by us is refused for us"


def has_replaced(server: Server, number: int) -> bool:
    """Whether so many workers have been replaced, and all answer."""
    seen = told(server)["workers"]
    return (seen["replaced"], seen["answering"]) == (number, WORKERS)


def test_while_the_server_is_stopped_its_workers_refuse_what_they_cannot_know(
    plane: ControlPlane, several: Server
) -> None:
    alice = plane.kubectl(ALICE, "foo")
    os.kill(pid_of(several), signal.SIGSTOP)
    try:
        time.sleep(MAX_AGE + 3)
        said = [alice.run("run", "x", "--image=x", "--dry-run=server") for _ in range(4)]
        assert [each.returncode for each in said if each.returncode == 0] == []
    finally:
        os.kill(pid_of(several), signal.SIGCONT)
    wait_for("pods to be let in again", lambda: in_force(plane))
