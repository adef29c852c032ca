"""What the webhook answers, review by review."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.admission.decision import Cause, Decision, Finding, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook import child
from gatekeeper_py.webhook.answer import Answer
from gatekeeper_py.webhook.exchange import Decline
from gatekeeper_py.webhook.limits import LONG_BODY
from gatekeeper_py.webhook.purse import MOST_VALUES, SECONDS, SHORT_BODY, Deadline
from gatekeeper_py.webhook.revision import BadPolicies, Loaded, Reviewer, Webhook
from gatekeeper_py.webhook.rounds import Rounds
from gatekeeper_py.webhook.service import Service
from tests.webhook.support import Harness, Held, allow, pod_review

JSON = {"content-type": "application/json"}
PATCH = ({"op": "add", "path": "/spec", "value": {"runtimeClassName": "kata"}},)


def answering(decision: Decision) -> Reviewer:
    return lambda request, webhook, deadline: decision


def test_the_two_doors_ask_for_their_own_phase() -> None:
    asked: list[tuple[Webhook, str]] = []

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        asked.append((webhook, request.uid))
        return Decision(allowed=True, patch=PATCH)

    client = Harness(review).client()
    mutated = client.post("/mutate", json=pod_review(uid="a")).json()
    validated = client.post("/validate", json=pod_review(uid="b")).json()
    assert asked == [("mutate", "a"), ("validate", "b")]
    assert orjson.loads(base64.b64decode(mutated["response"].pop("patch"))) == list(PATCH)
    assert mutated["response"] == {"uid": "a", "allowed": True, "patchType": "JSONPatch"}
    assert validated == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "b", "allowed": True},
    }


def test_a_review_says_when_it_is_asked() -> None:
    moments: list[datetime | None] = []

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        moments.append(request.asked_at)
        return Decision(allowed=True)

    before = datetime.now(UTC)
    Harness(review).client().post("/validate", json=pod_review())
    (moment,) = moments
    assert moment is not None
    assert before <= moment <= datetime.now(UTC)


FIRST, SECOND = GroupVersion("autoscaling", "v1"), GroupVersion("example.com", "v2")


@pytest.mark.parametrize(
    ("path", "conversions"),
    [
        ("", set()),
        ("/", set()),
        ("/v1.autoscaling", {FIRST}),
        ("/v1.autoscaling/v2.example.com", {FIRST, SECOND}),
    ],
)
@pytest.mark.parametrize("door", ["mutate", "validate"])
def test_the_path_tells_the_engine_in_which_versions_it_is_asked(
    door: str, path: str, conversions: set[GroupVersion]
) -> None:
    asked: list[frozenset[GroupVersion] | None] = []

    def review(request: AdmissionRequest, _webhook: Webhook, _deadline: float) -> Decision:
        asked.append(request.conversions)
        return Decision(allowed=True)

    answer = Harness(review).client().post(f"/{door}{path}", json=pod_review())
    assert answer.status_code == 200
    assert asked == [frozenset(conversions)]


def test_a_registration_that_does_not_ask_in_a_version_that_policies_need_is_said() -> None:
    loaded = Loaded(allow, 1, conversions=lambda: frozenset({FIRST, SECOND}))
    harness = Harness(load=lambda: loaded)
    client = harness.client()
    assert harness.service.unregistered() == []  # nobody has asked yet
    client.post("/validate/v1.autoscaling", json=pod_review())
    assert harness.service.unregistered() == [
        "the webhooks are not registered for these policies: they judge example.com/v2, to which the API server "
        "does not convert, and what is sent in another version is refused. --register does it within seconds; "
        "without, print the registration anew: gatekeeper install --ca FILE --policies DIR"
    ]
    client.post("/validate/v1.autoscaling/v2.any", json=pod_review())
    assert harness.service.unregistered() == []


def test_a_denial_is_200_with_its_status() -> None:
    status = Status(422, "Invalid", "no", name="web", kind="pods", causes=(Cause("no"),))
    answer = Harness(answering(Decision(False, status))).client().post("/validate", json=pod_review())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["response"]["allowed"] is False
    assert answer.json()["response"]["status"]["code"] == 422


@pytest.mark.parametrize("path", ["/mutate", "/validate"])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON: Input is a zero-length, empty document: line 1 column 1 (char 0)"),
        (
            b"kind: Pod",
            "the body is not JSON: unexpected character, expected a JSON value: line 1 column 1 (char 0)",
        ),
        (
            b'{"a": NaN}',
            "the body is not JSON: unexpected character, expected a JSON value: line 1 column 7 (char 6)",
        ),
        (b'{"a":"\\ud800"}', "the body is not JSON: no low surrogate in string: line 1 column 7 (char 6)"),
        (
            b'{"a":"\xff"}',
            "the body is not JSON: str is not valid UTF-8: surrogates not allowed: line 1 column 1 (char 0)",
        ),
        (b"[" * 100_000, "the body is not JSON: depth limit exceeded: line 1 column 1026 (char 1025)"),
        (b'{"a":' * 100_000, "the body is not JSON: depth limit exceeded: line 1 column 5122 (char 5121)"),
        (b"[]", "an AdmissionReview is a JSON object, not a list"),
        (b"null", "an AdmissionReview is a JSON object, not null"),
        (b'{"kind":"Pod","apiVersion":"v1"}', 'kind must be "AdmissionReview", got "Pod"'),
        (
            orjson.dumps(pod_review() | {"apiVersion": "admission.k8s.io/v1beta1"}),
            'apiVersion must be "admission.k8s.io/v1", got "admission.k8s.io/v1beta1"',
        ),
        (orjson.dumps(pod_review(uid=None)), "request.uid is missing"),
        (
            orjson.dumps(pod_review(operation="PATCH")),
            'request.operation must be one of CREATE, UPDATE, DELETE, CONNECT, got "PATCH"',
        ),
        (orjson.dumps(pod_review(object=None)), "request.object is null, but CREATE has an object"),
    ],
)
def test_a_malformed_review_is_400_and_one_line(path: str, body: bytes, reason: str) -> None:
    harness = Harness()
    answer = harness.client().post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.text == f"{reason}\n"
    (line,) = harness.events("refused")
    assert (line["code"], line["reason"]) == (400, reason)


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536 + 1):
        yield b" " * 65536


@pytest.mark.parametrize(
    "body", [b" " * (8 << 20), b" " * ((7 << 20) + 1)], ids=["8 MiB", "7 MiB and a byte"]
)
def test_a_review_beyond_7_mib_is_413(body: bytes) -> None:
    answer = Harness().client().post("/validate", content=body, headers=JSON)
    assert (answer.status_code, answer.text) == (413, "the review is longer than 7340032 bytes\n")


def test_a_review_beyond_7_mib_in_chunks_is_413() -> None:
    answer = Harness().client().post("/validate", content=chunks(8 << 20), headers=JSON)
    assert answer.status_code == 413


def test_a_review_of_7_mib_is_read() -> None:
    body = orjson.dumps(pod_review(), option=orjson.OPT_APPEND_NEWLINE).ljust(7 << 20)
    assert (
        Harness().client().post("/validate", content=body, headers=JSON).json()["response"]["allowed"] is True
    )


class OurMistake(Exception):
    pass


def failing(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
    raise OurMistake("quotes the object: hunter2")


def deep(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
    return deep(request, webhook, deadline)


def unprintable(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
    return Decision(allowed=True, patch=({"op": "add", "path": "/a", "value": object()},))


@pytest.mark.parametrize("review", [failing, deep, unprintable])
def test_an_error_of_ours_is_a_denial_with_an_incident_found_in_the_log(review: Reviewer) -> None:
    harness = Harness(review)
    answer = harness.client().post("/mutate", json=pod_review())
    response = answer.json()["response"]
    (line,) = harness.events("internal error")
    assert answer.status_code == 200
    assert (response["uid"], response["allowed"]) == ("uid-1", False)
    assert response["status"]["code"] == 500
    assert response["status"]["message"] == (
        f"internal error of the policy engine, incident {line['incident']}: its log has this id"
    )
    assert (line["uid"], line["name"], line["level"]) == ("uid-1", "web", "error")
    assert line["frames"]
    assert "hunter2" not in harness.output.getvalue()
    assert harness.events("decision")[0]["incident"] == line["incident"]


def test_every_decision_is_one_log_line_that_no_tenant_can_forge() -> None:
    hostile = 'x"}\n{"event":"decision","allowed":true}\r\x1b[2J\u2028\x9b\x7f' + "y" * 5000
    harness = Harness()
    harness.client().post("/validate", json=pod_review(name=hostile, userInfo={"username": hostile}))
    (line,) = harness.lines
    assert line["event"] == "decision"
    assert line["name"] == hostile[:1021] + "..."
    output = harness.output.getvalue()
    assert output.count("\n") == 1
    assert all(" " <= character < "\x7f" for character in output.rstrip("\n"))


def test_a_decision_line_says_who_asked_for_what_and_why_not() -> None:
    finding = Finding("no-host", "no-host-binding", "hostNetwork is true", ("Deny",))
    decision = Decision(False, Status(422, "Invalid", "no"), findings=(finding,), warnings=("w",))
    harness = Harness(answering(decision))
    harness.client().post("/validate", json=pod_review())
    (line,) = harness.lines
    assert line.pop("timestamp")
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "decision", "level": "info", "webhook": "validate", "tenant": "foo", "uid": "uid-1", "operation": "CREATE",
        "group": "", "version": "v1", "resource": "pods", "subresource": "", "namespace": "foo",
        "name": "web",
        "user": "alice", "groups": ["foo-admins"], "dry_run": False, "allowed": False, "code": 422,
        "reason": "Invalid", "message": "no", "patch_operations": 0, "warnings": 1,
        "findings": [{"policy": "no-host", "binding": "no-host-binding", "actions": ["Deny"],
                      "message": "hostNetwork is true"}],
    }  # fmt: skip


def test_a_late_decision_is_a_denial_within_the_time_allowed() -> None:
    held = Held()
    harness = Harness(held)
    started = time.monotonic()
    answer = harness.client().post("/validate?timeout=1s", json=pod_review())
    assert time.monotonic() - started < 15
    held.release.set()
    response = answer.json()["response"]
    assert (response["uid"], response["allowed"], response["status"]["code"]) == ("uid-1", False, 504)
    assert response["status"]["message"] == "the policies came to no decision within 0.9 seconds"


def test_a_late_review_has_one_record() -> None:
    held = Held()
    harness = Harness(held)
    with harness.client() as client:
        client.post("/validate?timeout=100ms", json=pod_review())
        held.release.set()
        client.post("/validate", json=pod_review(uid="uid-2"))
        metrics = client.get("/metrics").text
    assert [(line["uid"], line.get("code")) for line in harness.lines] == [("uid-1", 504), ("uid-2", None)]
    assert 'gatekeeper_webhook_review_duration_seconds_count{webhook="validate"} 2.0' in metrics


def test_the_engine_is_told_its_deadline() -> None:
    deadlines: list[float] = []

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        deadlines.append(deadline - time.monotonic())
        return Decision(allowed=True)

    client = Harness(review).client()
    for query in ("?timeout=20s", "", "?timeout=soon", "?timeout=1000000h", "?timeout=" + "1s" * 50):
        client.post("/validate" + query, json=pod_review())
    assert [round(seconds) for seconds in deadlines] == [18, 9, 9, 27, 9]


def where(deadline: float) -> str:
    """Who decides, by the thread."""
    name = threading.current_thread().name
    assert isinstance(deadline, Deadline) is not name.startswith("review")
    return "worker" if name.startswith("review") else "loop"


def placed() -> tuple[list[str], Reviewer]:
    """An engine that allows everything, and where it has done so."""
    places: list[str] = []

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        places.append(where(deadline))
        return Decision(allowed=True)

    return places, review


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("filling", "place"), [("", "loop"), ("x" * SHORT_BODY, "worker"), ([0] * MOST_VALUES, "worker")]
)
def test_a_short_review_is_decided_where_it_arrives(filling: object, place: str, whole: bool) -> None:
    places, review = placed()
    answer = (
        Harness(review).client(whole=whole).post("/validate", json=pod_review(options={"filling": filling}))
    )
    assert (answer.json()["response"]["allowed"], places) == (True, [place])


@pytest.mark.parametrize("whole", [False, True])
def test_what_runs_out_of_its_purse_is_decided_by_a_worker_with_all_its_time(whole: bool) -> None:
    deadlines: list[float] = []

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        deadlines.append(deadline)
        if where(deadline) == "loop":
            raise DeadlineExceeded("the purse is empty")
        return Decision(allowed=True)

    harness = Harness(review)
    answer = harness.client(whole=whole).post("/validate?timeout=10s", json=pod_review())
    assert answer.json()["response"] == {"uid": "uid-1", "allowed": True}
    assert deadlines == [pytest.approx(deadlines[0], abs=1)] * 2
    assert len(harness.lines) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_an_answer_that_an_empty_purse_may_have_cut_short_is_forgotten(whole: bool) -> None:
    """Where policies are only observed the engine takes the end of its time for an answer."""

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        if where(deadline) == "worker":
            return Decision(allowed=False, status=Status(403, "Forbidden", "no"))
        burn()
        return Decision(allowed=True, warnings=("late",) if deadline < time.monotonic() else ())

    answer = Harness(review).client(whole=whole).post("/validate", json=pod_review()).json()["response"]
    assert (answer["allowed"], answer.get("warnings")) == (False, None)


def burn() -> None:
    """Work for longer than a purse lasts."""
    end = time.thread_time() + 2 * SECONDS
    while time.thread_time() < end:
        pass


@pytest.mark.parametrize("whole", [False, True])
def test_whose_review_was_long_is_decided_by_workers_for_a_while_and_others_are_not(
    whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper_py.webhook.purse.PENANCE", 10_000)  # a busy machine may take its time
    places: list[tuple[str, str]] = []

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        places.append((request.namespace, where(deadline)))
        if request.uid == "long" and where(deadline) == "loop":
            burn()
            assert deadline < time.monotonic()
            raise DeadlineExceeded("the purse is empty")
        return Decision(allowed=True)

    client = Harness(review).client(whole=whole)
    for uid, namespace in (("long", "foo"), ("short", "foo"), ("short", "bar")):
        client.post("/validate", json=pod_review(uid=uid, namespace=namespace))
    assert places == [("foo", "loop"), ("foo", "worker"), ("foo", "worker"), ("bar", "loop")]


@pytest.mark.parametrize("whole", [False, True])
def test_a_namespace_that_is_not_known_yet_keeps_nobody_else_waiting(whole: bool) -> None:
    known = {"foo"}
    places, review = placed()
    loaded = Loaded(review, 1, knows=known.__contains__, inquire=known.__contains__)
    answers: list[Any] = []
    with Harness(load=lambda: loaded).client(whole=whole) as client:
        late = threading.Thread(
            target=lambda: answers.append(client.post("/validate", json=pod_review(namespace="new")))
        )
        late.start()
        for _ in range(5):
            assert client.post("/validate", json=pod_review()).json()["response"]["allowed"] is True
        assert len(places) == 5
        known.add("new")
        late.join()
    assert answers[0].json()["response"]["allowed"] is True
    assert places == ["loop"] * 6


@pytest.mark.parametrize(
    ("body", "code"), [(b"", 400), (b"[]", 400), (orjson.dumps(pod_review()), 200), (b" " * SHORT_BODY, 400)]
)
def test_what_arrives_whole_is_answered_as_what_does_not(body: bytes, code: int) -> None:
    answers = [Harness().client(whole=whole).post("/validate", content=body) for whole in (False, True)]
    assert [answer.status_code for answer in answers] == [code, code]
    assert answers[0].content == answers[1].content


@dataclass
class Waiting:
    """A review that arrives when a round is full, and what becomes of it."""

    harness: Harness
    body: bytes
    timeout: str = "10s"
    answers: list[bytes | None] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)

    @property
    def service(self) -> Service:
        """Who is asked."""
        return self.harness.service

    def play(self, meanwhile: Callable[[Service, Decline], object] = lambda *_: None) -> list[bytes | None]:
        """Ask, have something happen while it waits, and give what it is answered."""
        self.harness.policies.reload()
        asyncio.run(self._scene(meanwhile))
        return self.answers

    async def _scene(self, meanwhile: Callable[[Service, Decline], object]) -> None:
        assert self.service.rounds.has_room()
        self.service.rounds.work(lambda: time.sleep(2 * SECONDS))
        decline = self.service.review_at_once(
            self.body, "validate", frozenset(), self.timeout, self.answers.append
        )
        self._note()
        if decline is not None:
            assert self.answers == []
            meanwhile(self.service, decline)
        for _ in range(3):
            await asyncio.sleep(0)
        self._note()

    def _note(self) -> None:
        self.in_flight.append(self.service.record.metrics.in_flight.value)


def test_a_review_that_finds_no_room_in_a_round_is_decided_in_the_next() -> None:
    places, review = placed()
    waiting = Waiting(Harness(review), orjson.dumps(pod_review()))
    (answer,) = waiting.play()
    assert answer is not None
    assert orjson.loads(answer)["response"]["allowed"] is True
    assert (places, waiting.in_flight) == (["loop"], [1, 0])


def _decline_twice(_service: Service, decline: Decline) -> None:
    decline()
    decline()


def _retire(service: Service, _decline: Decline) -> None:
    async def successor(*_: object) -> Answer:
        raise AssertionError

    service.successor = successor


@pytest.mark.parametrize(
    ("timeout", "meanwhile"),
    [
        ("10s", _decline_twice),
        ("10s", _retire),
        ("1ms", lambda *_: time.sleep(0.002)),
    ],
    ids=["nobody waits for it", "others decide from now on", "its time is over"],
)
def test_a_review_that_waits_for_a_round_in_vain_is_answered_once_as_if_it_had_not_been_asked(
    timeout: str, meanwhile: Callable[[Service, Decline], object]
) -> None:
    places, review = placed()
    waiting = Waiting(Harness(review), orjson.dumps(pod_review()), timeout)
    assert waiting.play(meanwhile) == [None]
    assert (places, waiting.in_flight) == ([], [1, 0])


def test_what_is_no_review_does_not_wait_for_a_round() -> None:
    waiting = Waiting(Harness(), b"[]")
    assert waiting.play() == [None]
    assert waiting.in_flight == [0, 0]


def test_a_review_whose_time_is_over_before_there_is_room_is_one_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places, review = placed()
    monkeypatch.setattr(Rounds, "has_room", lambda _self: False)
    answer = Harness(review).client().post("/validate?timeout=100ms", json=pod_review())
    assert answer.json()["response"]["status"]["code"] == 429
    assert places == []


@pytest.mark.parametrize("path", ["/mutate", "/validate/v1.apps"])
def test_reviews_are_posted(path: str) -> None:
    answer = Harness().client().get(path)
    assert (answer.status_code, answer.headers["allow"], answer.text) == (405, "POST", "reviews are posted\n")


def test_long_bodies_together_take_no_more_memory_than_allowed() -> None:
    body = orjson.dumps(pod_review()).ljust(LONG_BODY + 1)
    harness = Harness(options={"max_memory": 2 * len(body) - 1})
    client = harness.client()
    answer = client.post("/validate", content=body)
    assert (answer.status_code, answer.text) == (503, "too many reviews at once\n")
    assert client.post("/validate", content=body.rstrip()).status_code == 200
    assert harness.service._memory.free == 2 * len(body) - 1


def test_a_long_review_is_decided_in_a_process_of_its_own() -> None:
    here: list[int] = []

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        here.append(os.getpid())
        return Decision(False, Status(403, "Forbidden", f"process {os.getpid()}"))

    harness = Harness(review)
    body = orjson.dumps(pod_review()).ljust(LONG_BODY + 1)
    answer = harness.client().post("/validate", content=body).json()["response"]
    assert (answer["uid"], answer["allowed"], here) == ("uid-1", False, [])
    assert answer["status"]["message"].startswith("process ")
    assert answer["status"]["message"] != f"process {os.getpid()}"
    (line,) = harness.lines
    assert (line["event"], line["name"], line["code"]) == ("decision", "web", 403)


def endless(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
    while True:
        time.sleep(60)


def greedy(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
    return Decision(allowed=bool(b"x" * (2 * child.MEMORY)))


@pytest.mark.parametrize(
    ("review", "code", "message"),
    [
        (endless, 504, "the policies came to no decision within 0.9 seconds"),
        (greedy, 413, "the review takes more than 224 MiB of memory to decide"),
    ],
)
def test_a_long_review_that_comes_to_no_end_is_a_denial(review: Reviewer, code: int, message: str) -> None:
    harness = Harness(review)
    body = orjson.dumps(pod_review()).ljust(LONG_BODY + 1)
    response = harness.client().post("/validate?timeout=1s", content=body).json()["response"]
    assert (response["uid"], response["allowed"]) == ("uid-1", False)
    assert (response["status"]["code"], response["status"]["message"]) == (code, message)
    assert [line["event"] for line in harness.lines] == ["decision"]


def test_a_long_body_that_is_no_review_is_400() -> None:
    answer = Harness().client().post("/validate", content=b"[" * (LONG_BODY + 1))
    assert answer.status_code == 400
    assert answer.text.startswith("the body is not JSON: depth limit exceeded")


def test_beyond_capacity_a_review_waits_and_is_then_turned_away() -> None:
    held = Held()
    harness = Harness(held, options={"max_in_flight": 1})
    answers: list[Any] = []
    with harness.client() as client:
        first = threading.Thread(target=lambda: answers.append(client.post("/validate", json=pod_review())))
        first.start()
        assert held.entered.wait(10)
        second = client.post("/validate?timeout=100ms", json=pod_review(uid="uid-2"))
        held.release.set()
        first.join()
        third = client.post("/validate", json=pod_review())
        metrics = client.get("/metrics").text
    denial = second.json()["response"]
    assert (denial["uid"], denial["allowed"], denial["status"]["code"]) == ("uid-2", False, 429)
    assert denial["status"]["message"] == "too many reviews at once, try again"
    assert [line["uid"] for line in harness.lines] == ["uid-2", "uid-1", "uid-1"]
    assert 'gatekeeper_webhook_shed_reviews_total{webhook="validate"} 1.0' in metrics
    assert answers[0].json()["response"]["allowed"] is True
    assert third.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/mutate", 405), ("PUT", "/validate", 405), ("POST", "/", 404), ("POST", "/healthz", 405)],
)
def test_other_ways_in_are_closed(method: str, path: str, code: int) -> None:
    assert Harness().client().request(method, path).status_code == code


def test_health_is_the_process_and_readiness_the_policies() -> None:
    harness = Harness()
    client = harness.client(load=False)
    assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "ok")
    not_ready = client.get("/readyz")
    assert (not_ready.status_code, not_ready.json()) == (503, {"ready": False, "problems": []})
    assert client.post("/validate", json=pod_review()).status_code == 503
    harness.policies.reload()
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json().items() >= {"ready": True, "problems": [], "policies": 1, "revision": 1}.items()


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (BadPolicies(("p.yaml:3:7: no such key",)), "p.yaml:3:7: no such key"),
        (OurMistake("oops"), "internal error while loading: OurMistake: oops"),
    ],
)
def test_a_bad_edit_keeps_the_last_good_policies_and_says_why(error: Exception, problem: str) -> None:
    loads: list[Exception | None] = [None, error, None]

    def load() -> Loaded:
        outcome = loads.pop(0)
        if outcome:
            raise outcome
        return Loaded(answering(Decision(allowed=True)), 3)

    harness = Harness(load=load)
    client = harness.client()
    with pytest.raises(BadPolicies):
        harness.policies.reload()
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert (
        ready.json().items() >= {"ready": True, "problems": [problem], "policies": 3, "revision": 1}.items()
    )
    assert client.post("/validate", json=pod_review()).json()["response"]["allowed"] is True
    harness.policies.reload()
    assert client.get("/readyz").json().items() >= {"problems": [], "revision": 2}.items()


def test_metrics_count_verdicts_and_failed_validations() -> None:
    finding = Finding("no-host", "b", "no", ("Deny", "Audit"), error=True)
    client = Harness(answering(Decision(False, Status(422, "Invalid", "no"), findings=(finding,)))).client()
    client.post("/validate", json=pod_review())
    client.post("/validate", content=b"x")
    text = client.get("/metrics").text
    check = 'gatekeeper_policy_decisions_total{action="%s",policy="no-host",tenant="other",webhook="validate"} 1.0'
    for line in (
        'gatekeeper_webhook_reviews_total{operation="CREATE",tenant="other",verdict="denied",webhook="validate"} 1.0',
        'gatekeeper_webhook_refused_requests_total{code="400",webhook="validate"} 1.0',
        check % "deny",
        check % "audit",
    ):
        assert line in text
