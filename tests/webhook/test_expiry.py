"""What is said of the end of a certificate, and when."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from gatekeeper_py.webhook.expiry import DAY, NEVER, has_expired, problem
from tests.webhook.support import Harness

END = datetime(2026, 6, 30, 12, tzinfo=UTC).timestamp()
EXPIRES = "the serving certificate expires on 2026-06-30 12:00 UTC"
EXPIRED = "the serving certificate has expired, on 2026-06-30 12:00 UTC: API servers refuse it. Renew it"


@pytest.mark.parametrize(
    ("left", "expired", "said"),
    [
        (31 * DAY, False, ""),
        (29 * DAY, False, f"{EXPIRES}, in 29 days. Renew it"),
        (1, False, f"{EXPIRES}, in 0 days. Renew it"),
        (0, True, EXPIRED),
        (-DAY, True, EXPIRED),
    ],
)
def test_the_end_is_told_a_month_before_and_when_it_has_come(left: float, expired: bool, said: str) -> None:
    assert (has_expired(END, END - left), problem(END, END - left)) == (expired, said)


def test_without_a_certificate_nothing_ends() -> None:
    assert (has_expired(NEVER, END), problem(NEVER, END)) == (False, "")


@pytest.mark.parametrize(("left", "code"), [(40 * DAY, 200), (10 * DAY, 200), (-1, 503)])
def test_readiness_ends_with_the_certificate_and_says_what_is_wrong(left: float, code: int) -> None:
    harness = Harness()
    client = harness.client()
    harness.health.certificate_expires = time.time() + left
    harness.health.notices = lambda: ["", "not registered"]
    answer = client.get("/readyz")
    told = problem(harness.health.certificate_expires, time.time())
    assert answer.status_code == code
    assert answer.json()["ready"] == (code == 200)
    assert answer.json()["problems"] == [*([told] if told else []), "not registered"]


def test_whoever_reaches_the_engine_is_told_so_and_refused() -> None:
    answer = Harness().client().post("/reach", content=b"anything")
    assert (answer.status_code, answer.text) == (403, "the engine is reached")
