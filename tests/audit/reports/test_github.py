"""Workflow commands of GitHub Actions."""

from __future__ import annotations

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.reports.github import report
from tests.audit.support import EVERYTHING, NASTY, NODE, WEB


def test_every_finding_is_a_command_at_its_place() -> None:
    lines = report(EVERYTHING).splitlines()
    assert lines[:3] == [
        "::error file=secrets.yaml,line=4,col=2,title=not audited::not valid YAML. Correct the line",
        "::error title=not audited%2C v1 Secret::may not be listed",
        "::error file=apps/web 1.yaml,line=2,col=1,title=no-host (critical)::Deployment foo/web: uses the host",
    ]
    assert [line.partition(" ")[0] for line in lines[3:]] == [
        "::notice",
        "::warning",
        "::error",
        "::notice",
        "::notice",
    ]
    assert lines[-1] == "::notice title=gatekeeper audit::4 objects, 2 violating, 2 not audited"


def test_no_message_begins_a_command_of_its_own() -> None:
    lines = report(Outcome((NASTY,))).splitlines()
    assert len(lines) == 2
    assert all(line.startswith("::notice ") for line in lines)
    assert "%0A::error::" in lines[0]
    assert "%25" in lines[0]


def test_what_an_earlier_report_had_is_a_notice() -> None:
    earlier = json.baseline(json.report(Outcome((WEB,))))
    lines = report(Outcome((WEB, NODE), baseline=earlier)).splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "::notice",
        "::notice",
        "::error",
        "::notice",
        "::notice",
    ]
