"""Each review leaves one record."""

from __future__ import annotations

import io
import json
from http import HTTPStatus

from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.webhook import log
from gatekeeper_py.webhook.answer import Answer, Incident
from gatekeeper_py.webhook.record import LAST_DENIALS, Record
from tests.webhook.test_events import denial


def test_a_verdict_is_a_line_and_a_count() -> None:
    written = io.StringIO()
    record = Record(log.make_log(written), written)
    record.answered("validate", "team", denial(), 0.002)
    (line,) = map(json.loads, written.getvalue().splitlines())
    assert (line["event"], line["tenant"], line["allowed"]) == ("decision", "team", False)
    labels = {"webhook": "validate", "operation": "CREATE", "tenant": "other", "verdict": "denied"}
    registry = record.metrics.registry
    assert registry.get_sample_value("gatekeeper_webhook_reviews_total", labels) == 1


def test_an_error_of_ours_has_a_line_of_its_own() -> None:
    written = io.StringIO()
    record = Record(log.make_log(written), written)
    denied = denial()
    record.answered("validate", "", Answer(denied.request, denied.decision, b"", Incident("i", "E", ())), 0)
    events = [json.loads(line)["event"] for line in written.getvalue().splitlines()]
    assert events == ["internal error", "decision"]
    assert record.metrics.registry.get_sample_value("gatekeeper_internal_errors_total") == 1


def test_the_last_denials_are_kept_and_no_text_of_a_tenant_is_long() -> None:
    record = Record(log.make_log(io.StringIO()), io.StringIO())
    for number in range(LAST_DENIALS + 3):
        record.answered("validate", "team", denial(name=f"{number}-" + "x" * 5000), 0)
    good = denial()
    record.answered("validate", "team", Answer(good.request, Decision(allowed=True), b""), 0)
    assert len(record.denials) == LAST_DENIALS
    assert record.denials[0]["name"][:2] == "3-"
    assert max(len(entry["name"]) for entry in record.denials) == log.MAX_TEXT


def test_what_got_no_verdict_says_why() -> None:
    written = io.StringIO()
    record = Record(log.make_log(written), written)
    record.refused("mutate", "team", HTTPStatus.BAD_REQUEST, "no JSON")
    line = json.loads(written.getvalue())
    assert (line["event"], line["tenant"], line["code"], line["reason"]) == (
        "refused",
        "team",
        400,
        "no JSON",
    )
