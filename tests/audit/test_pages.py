"""The page, the report, health and metrics: read-only, and for nobody's page but its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from starlette.testclient import TestClient

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.pages import Shown, make_pages
from gatekeeper_py.audit.reports.html import content_security_policy
from tests.audit.support import EVERYTHING


@dataclass
class Shows:
    """What is shown, and how often it was asked for."""

    ready: bool = True
    alive: bool = True
    asked: int = 0
    asking: threading.Lock = field(default_factory=threading.Lock)

    def outcome(self) -> Outcome:
        self.asked += 1
        return EVERYTHING

    def readiness(self) -> tuple[bool, Mapping[str, object]]:
        return self.ready, {"ready": self.ready}

    def client(self, kept_seconds: float = 60, host: str = "localhost:8088") -> TestClient:
        shown = Shown(self.outcome, lambda: b"metric 1\n", self.readiness, lambda: self.alive)
        return TestClient(make_pages(shown, kept_seconds), base_url=f"http://{host}")


def test_the_page_runs_its_own_script_alone() -> None:
    answer = Shows().client().get("/")
    assert answer.status_code == 200
    assert "<title>Audit</title>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy == content_security_policy()
    assert "unsafe-inline" not in policy
    headers = {"cache-control": "no-store", "x-frame-options": "DENY", "x-content-type-options": "nosniff"}
    assert headers.items() <= dict(answer.headers).items()


def test_the_report_is_that_of_the_command() -> None:
    report = json.loads(Shows().client().get("/report.json").text)
    assert report["summary"]["violating"] == 2
    assert len(report["notAudited"]) == 2


def test_metrics_are_prometheus_text() -> None:
    answer = Shows().client().get("/metrics")
    assert (answer.text, answer.headers["content-type"].partition(";")[0]) == ("metric 1\n", "text/plain")


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_readiness_is_a_status(ready: bool, status: int) -> None:
    answer = Shows(ready=ready).client().get("/readyz")
    assert (answer.status_code, answer.json()) == (status, {"ready": ready})


@pytest.mark.parametrize(("alive", "status"), [(True, 200), (False, 503)])
def test_an_audit_that_has_ended_is_not_healthy(alive: bool, status: int) -> None:
    assert Shows(alive=alive).client().get("/healthz").status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/report.json", "/metrics", "/readyz"])
def test_nothing_is_written(method: str, path: str) -> None:
    assert Shows().client().request(method, path).status_code == 405


def test_however_many_ask_an_answer_is_made_once() -> None:
    shows = Shows()
    client = shows.client()
    for _ in range(5):
        client.get("/")
    assert shows.asked == 1
    often = shows.client(kept_seconds=-1)
    for _ in range(2):
        often.get("/")
    assert shows.asked == 3


OWN = ("localhost", "127.0.0.1:8088", "[::1]:8088", "10.1.2.3", "gatekeeper-background")
NAMES = ("gatekeeper-background.gatekeeper-system.svc", "x.svc.cluster.local:8088")
STRANGE = ("evil.example", "evil.example:8088", "10.1.2.3.evil.example", "localhost.evil.example")


@pytest.mark.parametrize(
    ("host", "status"), [*((each, 200) for each in (*OWN, *NAMES)), *((each, 421) for each in STRANGE)]
)
def test_a_stranger_s_name_that_leads_here_is_refused(host: str, status: int) -> None:
    for path in ("/", "/report.json", "/metrics"):
        assert Shows().client().get(path, headers={"Host": host}).status_code == status
