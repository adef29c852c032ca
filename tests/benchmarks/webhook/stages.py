"""What each stage of a review costs, one after the other in this process, without a network."""

from __future__ import annotations

import os
import time
import timeit
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from gatekeeper_py.policy.admission.admission_review import parse_review
from gatekeeper_py.webhook.answer import attempt
from gatekeeper_py.webhook.log import lines_dropped, make_log
from gatekeeper_py.webhook.origin import FromFiles
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.revision import Loaded, Webhook
from gatekeeper_py.webhook.sink import Sink

__all__ = ["NEVER", "loaded", "stages"]

RUNS = 60
CALLS = 40
NEVER = float("inf")
"""When a review's time is over."""


def loaded(policies: Path, cluster: Path) -> Loaded:
    """What a server would load."""
    return FromFiles(policies, cluster).load()


def stages(policies: Loaded, door: Webhook, body: bytes) -> Mapping[str, float]:
    """Seconds of processor time by stage, the best of several runs."""
    document = orjson.loads(body)
    request = parse_review(document)
    answer = attempt(policies.review, door, request, NEVER)
    decision = answer.decision
    sink = Sink(os.open(os.devnull, os.O_WRONLY), lines_dropped)
    record = Record(make_log(sink), sink)
    return {
        "JSON": _seconds(lambda: orjson.loads(body)),
        "request": _seconds(lambda: parse_review(document)),
        "owner": _seconds(lambda: policies.owner(request.namespace)),
        "engine": _seconds(lambda: policies.review(request, door, NEVER)),
        "answer": _seconds(lambda: attempt(lambda *_: decision, door, request, NEVER)),
        "record": _seconds(lambda: record.answered(door, "foo", answer, 0.001)),
    }


def _seconds(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, timer=time.thread_time, number=CALLS, repeat=RUNS)) / CALLS
