"""A report with something of everything in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Problem, read_text
from gatekeeper_py.objects.resource import ABSENT
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.policy.admission.decision import Action, Finding, Waived
from gatekeeper_py.policy.admission.submission import Submission, make_request

HOSTILE = '=cmd|"x" <b>`&\x1b[2J\n::error::, %|, *'
"""What a spreadsheet, a browser, Markdown, a terminal or a workflow would obey."""


def finding(policy: str, message: str, action: Action = "Deny", severity: str = "", **more: str) -> Finding:
    metadata = {
        f"policy.example/{name}": value for name, value in {"severity": severity, **more}.items() if value
    }
    return Finding(policy, f"{policy}-binding", message, (action,), metadata=metadata)


def audited(
    text: str, tenant: str, *findings: Finding, path: str = "apps/web 1.yaml", error: str = "", **more: Any
) -> Audited:
    (manifest,) = read_text(f"# one line\n{text}", path)
    request = make_request(manifest, Snapshot(), Submission("CREATE"))
    return Audited(manifest, request, tenant, findings, more.get("changes", ()), error, request.object)


WEB = audited(
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: foo, uid: u-1}}",
    "foo",
    finding("no-host", "uses the host", severity="critical", category="host-access"),
    finding("pinned", "pin the image", "Warn", severity="low"),
    changes=(Change("metadata.labels.team", ABSENT, "foo"),),
)
NODE = audited("{apiVersion: v1, kind: Node, metadata: {name: n1}}", "(cluster-wide)", error="no tenancy")
CLEAN = audited("{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: bar}}", "bar")
NASTY = audited(
    "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: bar}}",
    "bar",
    finding("texts", HOSTILE, "Audit", severity="medium"),
)
WAIVED = audited(
    "{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: foo}}",
    "foo",
    replace(
        finding("no-host", "uses the host", "Waived", severity="critical"),
        waived=Waived("old-agent", date(2027, 1, 31), 30, "until the new agent", "the platform"),
    ),
)
UNREAD = Problem("secrets.yaml", 4, 2, "not valid YAML", "Correct the line")
UNLISTED = Problem("v1 Secret", 0, 0, "may not be listed")

EVERYTHING = Outcome((WEB, NODE, CLEAN, NASTY), (UNREAD, UNLISTED))
