"""What is wrong with an answer to a fuzzed request, told by the engine itself."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import orjson

from gatekeeper_py.policy.admission.admission_review import ReviewError
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.webhook.answer import parse
from gatekeeper_py.webhook.revision import Reviewer, Webhook
from tests.webhook.fuzz import Request

__all__ = ["complaint"]


def complaint(review: Reviewer, request: Request, code: int, body: bytes) -> str:
    """Empty when all is well: no error of ours, no 5xx, a verdict only for a review, and never another than the engine's."""
    if code >= 500:
        return f"{code}: {body[:200]!r}"
    if not request.is_review:
        return ""
    try:
        expected = _expected(review, request)
    except Exception as error:  # what the server denies as an internal error, and should have decided
        return f"the engine raises {error!r}"
    if expected is None:
        return "" if code == 400 else f"{code} for what is no review"
    if code != 200:
        return f"{code} for a review: {body[:200]!r}"
    response: dict[str, Any] = orjson.loads(body)["response"]
    if response["allowed"] is not expected.allowed:
        return f"allowed is {response['allowed']}, the engine says {expected.allowed}"
    return ""


def _expected(review: Reviewer, request: Request) -> Decision | None:
    """The engine's own decision; None for what is no review."""
    door: Webhook = "mutate" if request.path.startswith("/mutate") else "validate"
    with suppress(ReviewError):
        return review(parse(request.body), door, time.monotonic() + 60)
    return None
