"""Markdown for a pull request."""

from __future__ import annotations

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.reports.markdown import SHOWN, report
from gatekeeper_py.manifests.place import Problem
from tests.audit.support import CLEAN, EVERYTHING, NASTY, WEB, audited, finding

POD = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: foo}, spec: {containers: [{name: c, image: i}]}}"


def test_it_is_summed_up_and_the_worst_comes_first() -> None:
    assert report(EVERYTHING).splitlines()[:14] == [
        "# Audit",
        "",
        "4 objects, 2 violating, 2 not audited.",
        "",
        "## Not audited",
        "",
        "- secrets.yaml:4:2: not valid YAML. Correct the line",
        "- v1 Secret: may not be listed",
        "",
        "## Findings",
        "",
        "| Severity | Action | Tenant | Object | Policy | Message | Place |",
        "|---|---|---|---|---|---|---|",
        "| critical | deny | foo | Deployment foo/web | no-host | uses the host | apps/web 1.yaml:2 |",
    ]


def test_nothing_wrong_is_one_line() -> None:
    assert report(Outcome((CLEAN,))) == "# Audit\n\n1 objects, 0 violating.\n"


def test_what_is_left_out_is_counted() -> None:
    unread = tuple(Problem(f"{number}.yaml", 1, 1, "broken") for number in range(SHOWN + 3))
    item = audited(POD, "foo", *(finding("p", f"m{number}") for number in range(SHOWN + 2)))
    lines = report(Outcome((item,), unread)).splitlines()
    assert sum(line.endswith("broken") for line in lines) == SHOWN
    assert "- and 3 more" in lines
    assert lines[-1] == "And 2 more."


def test_no_message_is_markup() -> None:
    row = report(Outcome((NASTY,))).splitlines()[-1]
    assert r"=cmd\|" in row
    assert "&lt;b&gt;\\`&amp;" in row
    assert r"\*" in row
    assert row.replace(r"\|", "").count("|") == 8


def test_what_is_new_is_marked() -> None:
    earlier = json.baseline(json.report(Outcome((NASTY,))))
    text = report(Outcome((WEB, NASTY), baseline=earlier))
    assert "2 objects, 1 violating, 3 new, 1 unchanged, 0 fixed." in text
    assert "| deny (new) |" in text.replace(r"\(", "(").replace(r"\)", ")")
    assert "| audit |" in text
