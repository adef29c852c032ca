"""What one tenant sends through the API server leaves the others theirs, and tells it why it was denied."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.benchmarks.webhook.payloads import PAYLOADS, widget
from tests.benchmarks.webhook.process import memory_of
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import Kubectl, wait_for
from tests.e2e.test_isolation import pod

ADMITTED = "trying to send message larger than max"
"""What etcd says of an object that every webhook has admitted: its own limit is 2 MiB."""
REFUSED = ("denied the request", "is invalid")
"""How kubectl tells a denial; the second where the reason is Invalid."""
MOST_MIB = 512
CALLERS = 6
WIDGETS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}


@pytest.fixture
def widgets(admin: Kubectl) -> None:
    admin.apply(WIDGETS)
    wait_for("widgets", lambda: admin.run("get", "widgets", "-A").returncode == 0, 30)


def test_a_denial_is_an_event_in_its_namespace(alice: Kubectl) -> None:
    alice.refused(pod("shown-why", hostNetwork=True))
    wait_for("the event", lambda: any("hostNetwork" in said for said in _denials(alice, "shown-why")), 20)


def _denials(kubectl: Kubectl, name: str) -> list[str]:
    found: dict[str, Any] = kubectl.get(
        "events", "--field-selector", f"involvedObject.name={name},reason=Denied"
    )
    return [event["message"] for event in found["items"]]


@pytest.mark.parametrize("payload", ["one namespace again and again", "empty objects"])
@pytest.mark.usefixtures("widgets")
def test_long_objects_of_one_tenant_do_not_stop_another(
    payload: str, alice: Kubectl, bob: Kubectl, server: Server, tmp_path: Path
) -> None:
    """Alice's are 2.9 MB each, six at a time; bob's pods go on being judged."""
    assert server.process is not None
    pid, spec, stop, peaks = server.process.process.pid, PAYLOADS[payload](), threading.Event(), []
    codes: list[str] = []

    def attack() -> None:
        while not stop.is_set():
            codes.append(alice.run("create", "-f", "-", stdin=_json(widget(spec))).stderr[:200])

    def watch() -> None:
        while not stop.wait(0.05):
            peaks.append(memory_of(pid))

    threads = [threading.Thread(target=attack) for _ in range(CALLERS)] + [threading.Thread(target=watch)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    answers = [bob.run("run", "quick", "--image=busybox", "--dry-run=server") for _ in range(10)]
    stop.set()
    for thread in threads:
        thread.join()
    assert [answer.returncode for answer in answers] == [0] * 10, answers
    assert codes
    assert all(any(words in code for words in (*REFUSED, ADMITTED)) for code in codes), codes
    assert max(peaks) < MOST_MIB


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()
