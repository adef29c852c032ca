"""Denials are told in their namespace, off the decision's path, and not too often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.decision import Decision, Finding, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest, UserInfo
from gatekeeper_py.webhook import events as module
from gatekeeper_py.webhook.answer import Answer
from gatekeeper_py.webhook.events import BURST, MAX_MESSAGE, MAX_WAITING, Events, event
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.record import Record
from tests.webhook.support import Harness, pod_review

Json = dict[str, Any]


def denial(message: str = "no", resource: str = "pods", **fields: Any) -> Answer:
    made: dict[str, Any] = {
        "uid": "u",
        "kind": GroupVersionKind("", "v1", "Pod"),
        "resource": GroupVersionResource("", "v1", resource),
        "operation": "CREATE",
        "name": "web",
        "namespace": "foo",
        "user": UserInfo("alice"),
    }
    finding = Finding("no-host", "b", message, ("Deny",))
    decision = Decision(False, Status(403, "Forbidden", message), findings=(finding,))
    return Answer(AdmissionRequest(**(made | fields)), decision, b"")


def outcome(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value("gatekeeper_events_total", {"outcome": name}) or 0


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.005)


def test_an_event_says_whose_what_who_and_why() -> None:
    made = event("team", denial("hostNetwork is true"))
    assert made.pop("firstTimestamp") == made.pop("lastTimestamp")
    assert made == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "generateName": "denied-",
            "namespace": "foo",
            "annotations": {"tenancy.gatekeeper-py.dev/tenant": "team"},
        },
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "foo", "name": "web"},
        "type": "Warning",
        "reason": "Denied",
        "message": "CREATE by alice: hostNetwork is true",
        "action": "no-host",
        "source": {"component": "gatekeeper-py"},
        "reportingComponent": "gatekeeper-py",
        "count": 1,
    }


def test_a_message_is_as_long_as_the_api_server_takes() -> None:
    message = event("team", denial("x" * 5000))["message"]
    assert len(message) == MAX_MESSAGE
    assert message.endswith("x...")


def test_a_denial_is_written() -> None:
    written: list[Json] = []
    metrics = Metrics()
    Events(written.append, metrics.events).denied("team", denial())
    eventually(lambda: outcome(metrics, "written") == 1)
    assert written[0]["metadata"]["namespace"] == "foo"


@pytest.mark.parametrize(
    "answer", [denial(namespace=""), denial(resource="namespaces")], ids=["cluster-wide", "a namespace"]
)
def test_where_nobody_could_read_it_nothing_is_written(answer: Answer) -> None:
    written: list[Json] = []
    metrics = Metrics()
    events = Events(written.append, metrics.events)
    events.denied("", answer)
    events.denied("team", denial())
    eventually(lambda: outcome(metrics, "written") == 1)
    assert len(written) == 1


def test_one_namespace_has_so_many_and_others_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    events = Events(lambda _made: None, metrics.events)
    for _ in range(BURST + 5):
        events.denied("team", denial())
    events.denied("other", denial(namespace="bar"))
    eventually(lambda: outcome(metrics, "written") == BURST + 1)
    assert outcome(metrics, "limited") == 5
    monkeypatch.setattr(module, "REFILL_SECONDS", 1e-9)
    events.denied("team", denial())
    eventually(lambda: outcome(metrics, "written") == BURST + 2)


def test_a_cluster_that_does_not_answer_stops_nothing() -> None:
    release, begun = threading.Event(), threading.Event()

    def write(_made: Json) -> None:
        begun.set()
        release.wait(20)

    metrics = Metrics()
    events = Events(write, metrics.events)
    events.denied("team", denial())
    assert begun.wait(10)
    for number in range(MAX_WAITING + 3):
        events.denied("team", denial(namespace=f"n{number}"))
    assert outcome(metrics, "dropped") == 3
    release.set()


def test_what_cannot_be_written_is_counted() -> None:
    def write(_made: Json) -> None:
        raise PermissionError

    metrics = Metrics()
    events = Events(write, metrics.events)
    events.denied("team", denial())
    events.denied("team", denial())
    eventually(lambda: outcome(metrics, "failed") == 2)


class Told:
    """An announcer that remembers."""

    def __init__(self) -> None:
        self.denials: list[tuple[str, str]] = []

    def denied(self, tenant: str, answer: Answer) -> None:
        self.denials.append((tenant, answer.request.uid))


def test_only_denials_of_what_would_have_happened_are_announced() -> None:
    def review(request: AdmissionRequest, webhook: str, deadline: float) -> Decision:
        return denial().decision if request.uid != "good" else Decision(allowed=True)

    harness, told = Harness(review), Told()
    record: Record = harness.record
    record.announcer = told
    client = harness.client()
    for uid, dry in (("bad", False), ("good", False), ("dry", True)):
        client.post("/validate", json=pod_review(uid=uid, dryRun=dry))
    assert told.denials == [("foo", "bad")]
    assert [line["name"] for line in record.denials] == ["web", "web"]
