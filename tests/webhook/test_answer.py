"""Bytes in, answer out."""

from __future__ import annotations

import pickle
import time
from dataclasses import replace

import orjson
import pytest

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.policy.admission.admission_review import ReviewError, render_review
from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook.answer import Answer, attempt, decide, deny, parse, too_many
from gatekeeper_py.webhook.revision import Reviewer, Webhook
from tests.webhook.support import allow, pod_review

BODY = orjson.dumps(pod_review())


def decided(review: Reviewer) -> Answer:
    started = time.monotonic()
    return decide(review, "validate", parse(BODY), started, started + 9)


def failing(error: BaseException) -> Reviewer:
    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        raise error

    return review


def test_an_answer_is_a_review_with_the_uid_of_its_request() -> None:
    answer = decided(allow)
    assert orjson.loads(answer.body)["response"] == {"uid": "uid-1", "allowed": True}


@pytest.mark.parametrize(
    ("error", "code"), [(DeadlineExceeded("x"), 504), (MemoryError(), 413), (KeyError("hunter2"), 500)]
)
def test_whatever_happens_is_a_denial(error: BaseException, code: int) -> None:
    answer = decided(failing(error))
    response = orjson.loads(answer.body)["response"]
    assert (response["uid"], response["allowed"], response["status"]["code"]) == ("uid-1", False, code)
    assert (answer.incident is not None) is (code == 500)
    assert b"hunter2" not in answer.body


def test_a_denial_that_no_policy_made_is_none_where_nothing_is_enforced() -> None:
    answer = deny("validate", decided(allow).request, too_many(), "observe")
    assert orjson.loads(answer.body)["response"] == {"uid": "uid-1", "allowed": True}
    assert answer.decision.withheld is not None
    assert answer.decision.withheld.status == too_many()


@pytest.mark.parametrize("webhook", ["mutate", "validate"])
@pytest.mark.parametrize("uid", ["705ab4f5-6393-11e8-b7cc-42010a800002", 'a"b', "\x00\u2028", "UID"])
@pytest.mark.parametrize(
    "decision",
    [
        Decision(True),
        Decision(True, Status(403, "Forbidden", "no")),
        Decision(True, warnings=("w",)),
        Decision(True, audit_annotations={"a": "b"}),
        Decision(True, patch=({"op": "remove", "path": "/a"},)),
    ],
)
def test_what_is_sent_is_the_review_however_little_it_says(
    webhook: Webhook, uid: str, decision: Decision
) -> None:
    asked = parse(orjson.dumps(pod_review(uid=uid)))
    answer = attempt(lambda *_: decision, webhook, asked, 0)
    assert orjson.loads(answer.body) == render_review(uid, decision, patch=webhook == "mutate")


@pytest.mark.parametrize("webhook", ["mutate", "validate"])
@pytest.mark.parametrize(
    ("uid", "message"),
    [
        ("705ab4f5-6393-11e8-b7cc-42010a800002", "no (decision 705ab4f5)"),
        ("UID", "no (decision UID)"),
        ("\x00\u2028", "no"),
        ("-", "no"),
    ],
)
def test_a_denial_names_its_decision_where_that_can_be_read(webhook: Webhook, uid: str, message: str) -> None:
    asked = parse(orjson.dumps(pod_review(uid=uid)))
    denial = Decision(False, Status(403, "Forbidden", "no"))
    answer = attempt(lambda *_: denial, webhook, asked, 0)
    told = Decision(False, Status(403, "Forbidden", message))
    assert orjson.loads(answer.body) == render_review(uid, told, patch=webhook == "mutate")
    assert answer.decision == denial


def test_who_has_another_way_is_told_that_the_time_is_over() -> None:
    with pytest.raises(DeadlineExceeded):
        attempt(failing(DeadlineExceeded("x")), "validate", parse(BODY), 0)


def test_what_is_recorded_holds_no_object() -> None:
    withheld = Decision(True, object={"kind": "Secret"})
    for decision in (decided(allow).decision, Decision(True, enforcement="observe", withheld=withheld)):
        bare = replace(decided(allow), decision=decision).without_objects()
        kept = bare.decision.withheld
        assert (bare.request.object, bare.decision.object, kept and kept.object) == (None, None, None)
        assert pickle.loads(pickle.dumps(bare)) == bare


def test_what_is_no_review_is_an_error() -> None:
    with pytest.raises(ReviewError, match="the body is not JSON"):
        parse(b"kind: Pod")
