"""Bytes in, answer out."""

from __future__ import annotations

import pickle
import time

import orjson
import pytest

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.policy.admission.admission_review import ReviewError
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook.answer import Answer, decide, parse
from gatekeeper_py.webhook.revision import Review, Webhook
from tests.webhook.support import allow, pod_review

BODY = orjson.dumps(pod_review())


def decided(review: Review) -> Answer:
    started = time.monotonic()
    return decide(review, "validate", BODY, started, started + 9)


def failing(error: BaseException) -> Review:
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


def test_what_is_recorded_holds_no_object() -> None:
    bare = decided(allow).without_objects()
    assert (bare.request.object, bare.decision.object) == (None, None)
    assert pickle.loads(pickle.dumps(bare)) == bare


def test_what_is_no_review_is_an_error() -> None:
    with pytest.raises(ReviewError, match="the body is not JSON"):
        parse(b"kind: Pod")
