"""What health says, in short and at length."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.tenancy.waiver import Waiver
from gatekeeper_py.webhook.health import Health
from gatekeeper_py.webhook.revision import Loaded
from gatekeeper_py.webhook.sink import Sink
from tests.webhook.support import Harness, allow


def test_readiness_is_short_unless_asked_for_more() -> None:
    harness = Harness()
    client = harness.client()
    told = client.get("/readyz").json()
    assert told.keys() == {"ready", "problems", "policies", "revision", "loadedAt", "warnings"}
    told = client.get("/readyz?verbose").json()
    assert told["log"] == {"dropped": 0, "problem": ""}
    assert (told["views"], told["certificateExpires"]) == ({}, 0.0)


def test_a_log_that_fails_is_a_word_of_health() -> None:
    harness = Harness()
    descriptor = os.open("/dev/full", os.O_WRONLY)
    sink = Sink(descriptor, lambda lines: "")
    health = Health(harness.policies, harness.record, sink)
    sink.write("a\n")
    end = time.monotonic() + 10
    while not sink.problem and time.monotonic() < end:
        time.sleep(0.01)
    ready, told = health.readiness(verbose=True)
    assert told["log"] == {"dropped": 1, "problem": "the log's output fails: No space left on device"}
    assert ready is False  # for want of policies, not of a log
    sink.close()
    os.close(descriptor)


def test_views_have_ages() -> None:
    harness = Harness()
    health = Health(harness.policies, harness.record, ages=lambda: {"Pod": 12.345})
    assert health.readiness(verbose=True)[1]["views"] == {"Pod": 12.3}


def test_what_is_wrong_beside_the_policies_is_a_problem() -> None:
    harness = Harness()
    harness.policies.reload()
    health = Health(harness.policies, harness.record, notices=lambda: ["Pod (v1) was last known 47 s ago"])
    ready, told = health.readiness(verbose=False)
    assert (ready, told["problems"]) == (True, ["Pod (v1) was last known 47 s ago"])


def test_status_names_tenants_and_last_denials() -> None:
    harness = Harness()
    harness.policies.reload()
    harness.record.denials.append({"name": "web"})
    status = harness.health.status()
    assert (status["tenants"], status["denials"]) == ([], [{"name": "web"}])


def test_status_and_readiness_tell_how_long_waivers_hold() -> None:
    today = datetime.now(UTC).date()
    waivers = tuple(
        Waiver(name, frozenset({"q", "p"}), today + timedelta(days=days), "an old agent", "the platform")
        for name, days in (("later", 7), ("over", -1))
    )
    loaded = Loaded(allow, 1, tenancy=Tenancy(waivers=waivers), warnings=lambda: ("unbound",))
    harness = Harness(load=lambda: loaded)
    harness.policies.reload()
    status: dict[str, Any] = dict(harness.health.status())
    assert [(each["name"], each["daysLeft"]) for each in status["waivers"]] == [("over", -1), ("later", 7)]
    assert status["waivers"][0]["policies"] == ["p", "q"]
    unbound, ended = status["warnings"]
    assert unbound == "unbound"
    assert "the waiver 'over' has ended on" in ended
