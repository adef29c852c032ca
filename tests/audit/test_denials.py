"""Decision logs say who was denied what; what is missing of them is told."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper_py.audit.denials import Denials
from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user
from gatekeeper_py.webhook import log
from gatekeeper_py.webhook.answer import Answer
from tests.audit.test_scan import POLICY

POD = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: foo}, spec: {nodeName: n1, containers: [{name: c, image: i}]}}"


def line(**fields: Any) -> bytes:
    event = {
        "webhook": "validate",
        "tenant": "foo",
        "operation": "CREATE",
        "group": "apps",
        "version": "v1",
        "resource": "deployments",
        "subresource": "",
        "namespace": "foo",
        "name": "web",
        "user": "alice",
        "groups": [],
        "dry_run": False,
        "allowed": False,
        "message": "no",
        "event": "decision",
        "level": "info",
        "timestamp": "2026-11-30T12:00:00.123456Z",
        **fields,
    }
    return json.dumps(event).encode() + b"\n"


def finding(policy: str, message: str, *actions: str) -> dict[str, Any]:
    return {"policy": policy, "binding": f"{policy}-b", "actions": actions or ("Deny",), "message": message}


def outcome(*lines: bytes, **options: Any) -> Outcome:
    denials = Denials(**options)
    denials.take("a.log", lines)
    return denials.outcome()


def told(found: Outcome) -> list[tuple[str, str, str, str, str]]:
    return [(each.level, each.tenant, each.subject, each.policy, each.message) for each in found.results]


def test_what_the_server_writes_is_read() -> None:
    (manifest,) = read_text(POD)
    user = make_user("alice", ())
    request = make_request(manifest, Snapshot(), Submission("CREATE", user=user))
    decision = Engine.load(read_text(POLICY), Snapshot()).review(request)
    assert not decision.allowed
    written = io.StringIO()
    log.decision(written, "validate", "acme", Answer(request, decision, b""), 0.001)
    ((level, tenant, subject, policy, message),) = told(outcome(written.getvalue().encode()))
    assert (level, tenant, subject, policy) == ("deny", "acme", "Pod foo/p", "p")
    assert message.startswith("chooses its node (CREATE by alice, 20")


def test_the_same_denial_is_told_once_with_how_often_and_when() -> None:
    times = ("2026-11-30T12:00:00Z", "2026-11-30T14:00:00Z", "2026-11-30T13:00:00Z")
    denied = [line(timestamp=time, findings=[finding("no-host", "uses the host")]) for time in times]
    other = line(user="bob", findings=[finding("no-host", "uses the host")])
    found = outcome(*denied, other, line(allowed=True))
    assert told(found) == [
        ("deny", "foo", "Deployment foo/web", "no-host", said)
        for said in (
            "uses the host (CREATE by alice, 3 times, last 2026-11-30T14:00:00Z)",
            "uses the host (CREATE by bob, 2026-11-30T12:00:00Z)",
        )
    ]
    assert [each.user for each in found.results] == ["alice", "bob"]
    assert [each.place.line for each in found.results] == [1, 4]
    assert (found.objects, found.violating, found.fails()) == (5, 2, True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"findings": [finding("p", "m", "Warn")], "allowed": True}, ("warn", "p", "m")),
        ({"findings": [finding("p", "m", "Audit")], "allowed": True}, ("audit", "p", "m")),
        ({"message": "time is up"}, ("deny", "(error)", "time is up")),
        (
            {
                "allowed": True,
                "enforcement": "observe",
                "would_deny": {"message": "m"},
                "findings": [finding("p", "m", "Observed")],
            },
            ("observed", "p", "m"),
        ),
        (
            {"allowed": True, "enforcement": "observe", "would_deny": {"message": "late"}},
            ("observed", "(error)", "late"),
        ),
    ],
)
def test_what_was_not_denied_is_told_as_what_it_was(
    fields: dict[str, Any], expected: tuple[str, ...]
) -> None:
    ((level, _, _, policy, message),) = told(outcome(line(**fields)))
    assert (level, policy, message.partition(" (")[0]) == expected


@pytest.mark.parametrize(
    ("fields", "subject", "tenant"),
    [
        ({"name": ""}, "Deployment foo/*", "foo"),
        ({"group": "x.example", "resource": "widgets"}, "widgets foo/web", "foo"),
        ({"group": "", "resource": "nodes", "namespace": "", "tenant": ""}, "Node web", "(cluster-wide)"),
        ({"tenant": ""}, "Deployment foo/web", "(none)"),
    ],
)
def test_what_it_was_about_is_named(fields: dict[str, Any], subject: str, tenant: str) -> None:
    ((_, owner, named, _, _),) = told(outcome(line(**fields)))
    assert (named, owner) == (subject, tenant)


def test_a_subresource_is_named() -> None:
    assert "(UPDATE/scale by alice" in told(outcome(line(operation="UPDATE", subresource="scale")))[0][4]


def test_lines_of_kubectl_have_a_prefix() -> None:
    assert len(told(outcome(b"[pod/gatekeeper-1/gatekeeper] " + line()))) == 1


def test_what_is_older_is_left_out() -> None:
    found = outcome(
        line(), line(timestamp="2026-11-30T11:00:00Z"), since=datetime(2026, 11, 30, 12, tzinfo=UTC)
    )
    assert len(told(found)) == 1
    assert found.not_audited == ()


def test_policies_give_their_severity() -> None:
    about = {"no-host": {"policy.example/severity": "high"}}
    found = outcome(line(findings=[finding("no-host", "m")]), about=about)
    assert [each.severity for each in found.results] == ["high"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "a.log: holds no decision of a gatekeeper server"),
        ([line(event="serving")], "a.log: holds no decision of a gatekeeper server"),
        (
            [line(), b'{"event": "decision", "allo', b"garbage\n", b'{"event": "decision"}', b"[1]"],
            "a.log: 4 lines are none of a decision log. Give the log as it was written",
        ),
        (
            [line(), b'{"event": "lines dropped", "lines": 12}'],
            "a.log:2:1: 12 lines are missing here. The server could not write them; its metrics count them",
        ),
    ],
)
def test_what_is_missing_is_not_audited(lines: list[bytes], said: str) -> None:
    assert [str(problem) for problem in outcome(*lines).not_audited] == [said]
