"""One review decided: bytes in, answer out, wherever that runs. Nothing here waits, logs or counts."""

from __future__ import annotations

import secrets
import traceback
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import orjson

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.admission.admission_review import ReviewError, parse_review, render_review
from gatekeeper_py.policy.admission.decision import Decision, Enforcement, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.immutable import immutable
from gatekeeper_py.policy.leniency import lenient
from gatekeeper_py.webhook import child
from gatekeeper_py.webhook.revision import Reviewer, Webhook

__all__ = ["Answer", "Incident", "attempt", "decide", "deny", "died", "late", "parse", "too_many"]

MAX_FRAMES: Final = 20
"""Frames of an error that are kept, the innermost."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An error of ours, by its type and place. Not by its own text: it may quote the object."""

    identifier: str
    error: str
    frames: tuple[str, ...]

    @classmethod
    def of(cls, error: BaseException) -> Incident:
        """A new one."""
        frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
        places = tuple(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        return cls(secrets.token_hex(8), type(error).__name__, places)


@immutable(frozen=True, slots=True)
class Answer:
    """What became of a review."""

    request: AdmissionRequest
    decision: Decision
    body: bytes
    """The AdmissionReview to send."""
    incident: Incident | None = None

    def without_objects(self) -> Answer:
        """The same for whoever only records it."""
        request = replace(self.request, object=None, old_object=None, options=None)
        return replace(self, request=request, decision=_without_object(self.decision))


def _without_object(decision: Decision) -> Decision:
    withheld = decision.withheld and _without_object(decision.withheld)
    return replace(decision, object=None, withheld=withheld)


def decide(
    review: Reviewer, webhook: Webhook, request: AdmissionRequest, started: float, deadline: float
) -> Answer:
    """The answer to a request, whatever happens; when it began and has to end, by `time.monotonic()`."""
    try:
        return attempt(review, webhook, request, deadline)
    except DeadlineExceeded:
        return deny(webhook, request, late(deadline - started))


def attempt(review: Reviewer, webhook: Webhook, request: AdmissionRequest, deadline: float) -> Answer:
    """The same for who has another way when the time is over; raises `DeadlineExceeded` and nothing else."""
    try:
        decision = review(request, webhook, deadline)
        return Answer(request, decision, _rendered(webhook, request.uid, _named(decision, request.uid)))
    except DeadlineExceeded:
        raise
    except MemoryError:
        return deny(webhook, request, died())
    except Exception as error:  # whatever it is: the request is denied, and the log knows why
        incident = Incident.of(error)
        return replace(deny(webhook, request, _internal(incident)), incident=incident)


def deny(
    webhook: Webhook, request: AdmissionRequest, status: Status, enforcement: Enforcement = "enforce"
) -> Answer:
    """A denial that no policy has made, as far as anything is enforced."""
    denial = Decision(allowed=False, status=status)
    enforced = enforcement == "enforce"
    decision = denial if enforced else lenient(denial, enforcement, None)
    return Answer(request, decision, _rendered(webhook, request.uid, decision))


def late(seconds: float) -> Status:
    """There was no decision within the time allowed."""
    return Status(504, "Timeout", f"the policies came to no decision within {seconds:.1f} seconds")


def too_many() -> Status:
    """A review had no turn in time."""
    return Status(429, "TooManyRequests", "too many reviews at once, try again")


def died() -> Status:
    """The process of its own that decided a long review ended before it was done."""
    most = child.MEMORY >> 20
    return Status(413, "RequestEntityTooLarge", f"the review takes more than {most} MiB of memory to decide")


def _internal(incident: Incident) -> Status:
    message = f"internal error of the policy engine, incident {incident.identifier}: its log has this id"
    return Status(500, "InternalError", message)


NAMED: Final = "{} (decision {})"
"""A denial's message, and the id that `gatekeeper explain --decision` finds it by."""

ALLOWED: Final = orjson.dumps(render_review("UID", Decision(allowed=True), patch=False)).split(b'"UID"')
"""Before and after the uid of a request that is allowed and of which nothing else is said, as of most."""


def _rendered(webhook: Webhook, uid: str, decision: Decision) -> bytes:
    """The AdmissionReview to send."""
    mutates = webhook == "mutate"
    if decision.allowed and not (
        decision.warnings or decision.audit_annotations or (mutates and decision.patch)
    ):
        return orjson.dumps(uid).join(ALLOWED)
    return orjson.dumps(render_review(uid, decision, patch=mutates))


def _named(decision: Decision, uid: str) -> Decision:
    """A policy's denial that ends with how the uid of the log's record begins, short enough to copy."""
    identifier = uid.partition("-")[0]
    if decision.allowed or decision.status is None or not identifier.isalnum():
        return decision
    message = NAMED.format(decision.status.message, identifier)
    return replace(decision, status=replace(decision.status, message=message))


def parse(body: bytes, conversions: frozenset[GroupVersion] | None = None) -> AdmissionRequest:
    """The request in a body, asked now, and in these versions, too; raises `ReviewError`."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ReviewError(f"the body is not JSON: {error}") from error
    return parse_review(document, conversions, datetime.now(UTC))
