"""Rows for spreadsheets."""

from __future__ import annotations

import csv
import io

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.reports.csv import COLUMNS, report
from tests.audit.support import EVERYTHING, NASTY, WEB


def rows(outcome: Outcome) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report(outcome))))


def test_there_is_a_row_for_each_finding_the_worst_first_after_what_was_not_audited() -> None:
    found = rows(EVERYTHING)
    assert tuple(found[0]) == COLUMNS
    assert [row["level"] for row in found] == ["not audited"] * 2 + ["deny", "audit", "warn", "deny", "drift"]
    assert (
        found[0] | {"message": "not valid YAML. Correct the line", "path": "secrets.yaml", "line": "4"}
        == found[0]
    )
    assert (
        found[2]
        | {
            "severity": "critical",
            "tenant": "foo",
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": "foo",
            "name": "web",
            "policy": "no-host",
            "binding": "no-host-binding",
            "category": "host-access",
            "message": "uses the host",
            "path": "apps/web 1.yaml",
            "line": "2",
            "column": "1",
            "state": "",
        }
        == found[2]
    )


def test_no_cell_is_a_formula_or_holds_a_control_character() -> None:
    (row,) = rows(Outcome((NASTY,)))
    assert row["message"].startswith("'=cmd|")
    assert not any(character in report(Outcome((NASTY,))) for character in "\x1b\r")
    assert all(not value.startswith(("=", "+", "-", "@")) for value in row.values())


def test_what_is_new_unchanged_and_fixed_is_told() -> None:
    earlier = json.baseline(json.report(Outcome((NASTY,))))
    states = [(row["policy"], row["state"]) for row in rows(Outcome((WEB,), baseline=earlier))]
    assert states == [("no-host", "new"), ("pinned", "new"), ("(drift)", "new"), ("texts", "fixed")]
