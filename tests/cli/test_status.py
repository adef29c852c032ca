"""`gatekeeper status`: what it shows, of whom, and to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from gatekeeper_py.cli.status import screen
from gatekeeper_py.policy.admission.decision import Decision, Finding, Status
from gatekeeper_py.webhook.app import application
from tests.cli.support import run
from tests.webhook.support import Harness, pod_review, running

DENIAL = Decision(
    False,
    Status(403, "Forbidden", "no"),
    findings=(Finding("no-host", "b", "no", ("Deny",)), Finding("only-told", "b", "", ("Warn",))),
)

GOOD: dict[str, Any] = {
    "version": "1.2.3",
    "now": 1_000_000.0,
    "ready": True,
    "problems": [],
    "policies": 12,
    "revision": 3,
    "loadedAt": 1_000_000.0 - 3700,
    "log": {"dropped": 0, "problem": ""},
    "views": {"Namespace": 1.2, "Pod": 90.0},
    "workers": {"answering": 2, "wanted": 2, "replaced": 0},
    "certificateExpires": 1_000_000.0 + 31 * 86400,
    "tenants": ["bar", "foo"],
    "waivers": [],
    "denials": [],
}


def waiver(name: str, days: int) -> dict[str, Any]:
    return {"name": name, "policies": ["no-host", "p"], "expires": "2027-01-31", "daysLeft": days}


def test_a_server_is_one_screen() -> None:
    assert list(screen(GOOD)) == [
        "gatekeeper_py 1.2.3: ready",
        "policies      12 in revision 3, loaded 1h 1m ago",
        "problems      none",
        "certificate   expires in 31d",
        "heard of      Namespace 1s, Pod 1m 30s",
        "log           0 lines dropped",
        "workers       2 of 2 answer",
        "tenants       bar, foo",
        "waivers       none",
        "last denials  none",
    ]


def test_what_is_wrong_is_said() -> None:
    denial = {
        "at": "2026-01-01T00:00:00+00:00",
        "tenant": "foo",
        "namespace": "foo",
        "operation": "CREATE",
        "resource": "pods",
        "name": "we\x1b[2Jb",
        "policies": ["no-host"],
        "reason": "Forbidden",
    }
    wide = {**denial, "tenant": "", "namespace": "", "policies": [], "reason": "Timeout", "name": "n"}
    bad = {
        **GOOD,
        "ready": False,
        "problems": ["p.yaml:3:7: no such key", "p.yaml:9:1: neither"],
        "log": {"dropped": 7, "problem": "the log's output fails: Broken pipe"},
        "views": {},
        "workers": {"answering": 1, "wanted": 2, "replaced": 3},
        "certificateExpires": 999_999.0,
        "tenants": [f"t{number:02}" for number in range(22)],
        "waivers": [waiver("over", -2), waiver("last", 0), *(waiver(f"w{day}", day) for day in range(1, 21))],
        "denials": [denial, wide],
    }
    del bad["revision"]
    lines = list(screen(bad))
    assert lines[0] == "gatekeeper_py 1.2.3: NOT READY"
    assert lines[1:3] == ["problems      p.yaml:3:7: no such key", "              p.yaml:9:1: neither"]
    assert lines[3:6] == [
        "certificate   EXPIRED",
        "heard of      nothing: the cluster is a folder of files",
        "log           7 lines dropped; the log's output fails: Broken pipe",
    ]
    assert lines[6] == "workers       1 of 2 answer, 3 replaced so far"
    assert lines[7].endswith(", t19 and 2 more")
    assert lines[8:12] == [
        "waivers       over: no-host, p: ENDED on 2027-01-31",
        "              last: no-host, p: ends today",
        "              w1: no-host, p: 1 day left",
        "              w2: no-host, p: 2 days left",
    ]
    assert lines[28] == "              and 2 more"
    assert lines[29:] == [
        "last denials  2026-01-01T00:00:00+00:00 foo CREATE foo/pods/we\\x1b[2Jb: no-host",
        "              2026-01-01T00:00:00+00:00 - CREATE pods/n: Timeout",
    ]


def test_control_planes_have_a_line_each_their_denials_and_no_line_of_their_own_making() -> None:
    denial = {
        "at": "2026-01-01T00:00:00+00:00",
        "tenant": "foo",
        "namespace": "kube-system",
        "operation": "CREATE",
        "resource": "pods",
        "name": "web",
        "policies": ["no-host"],
        "reason": "Forbidden",
    }
    plane = {"name": "one", "tenant": "foo", "open": True, "revision": 4, "restored": 2, "problems": ["a"]}
    closed = {**plane, "name": "two", "open": False, "restored": 0}
    told = "control plane 'one': Pod: \x1b[2Jgone\nready"
    planes = [{**plane, "denials": [denial]}, {**closed, "denials": []}]
    lines = list(screen({**GOOD, "problems": [told], "controlPlanes": planes}))
    assert lines[2] == "problems      control plane 'one': Pod: \\x1b[2Jgone\\nready"
    assert lines[8:10] == [
        "control plane one of tenant foo: revision 4, registration restored 2 times, 1 problem",
        "              two of tenant foo: CLOSED",
    ]
    assert (
        lines[-1] == "last denials  one: 2026-01-01T00:00:00+00:00 foo CREATE kube-system/pods/web: no-host"
    )


def test_a_running_server_is_shown(tmp_path: Path) -> None:
    harness = Harness(lambda request, webhook, deadline: DENIAL)
    with running(harness, tmp_path, health_port=0) as server:
        httpx.post(f"{server.url}/validate", json=pod_review(), verify=server.trust())
        over_tls = run("status", "--url", f"https://127.0.0.1:{server.listening.port}")
        plain = run("status", "--url", server.health_url)
    for result in (over_tls, plain):
        assert result.exit_code == 0
        assert "policies      1 in revision 1" in result.output
        assert result.output.endswith(" foo CREATE foo/pods/web: no-host\n")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (
            "https://10.0.0.1:8443",
            "--url https://10.0.0.1:8443: not this machine. Name 127.0.0.1, ::1 or localhost\n",
        ),
        (
            "https://example.com",
            "--url https://example.com: not this machine. Name 127.0.0.1, ::1 or localhost\n",
        ),
        (
            "http://127.0.0.1:1",
            "http://127.0.0.1:1: [Errno 111] Connection refused; "
            "is it `gatekeeper serve`, on this machine? kubectl port-forward makes it so\n",
        ),
    ],
)
def test_who_cannot_be_asked_is_exit_code_2(url: str, error: str) -> None:
    result = run("status", "--url", url)
    assert (result.exit_code, result.stderr) == (2, error)


@pytest.mark.parametrize(
    ("caller", "code"), [("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("10.1.2.3", 403)]
)
def test_only_its_own_machine_is_told(caller: str, code: int) -> None:
    harness = Harness()
    harness.policies.reload()
    client = TestClient(application(harness.service, harness.health), client=(caller, 50000))
    assert client.get("/statusz").status_code == code
    assert client.get("/readyz").status_code == 200
