"""What fails, what is new, and what a report is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper_py.audit.outcome import Outcome, Scope
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.result import results
from tests.audit.support import CLEAN, EVERYTHING, NASTY, NODE, WAIVED, WEB, audited, finding

WARNED = audited(
    "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: foo}}",
    "foo",
    finding("w", "m", "Warn", "medium"),
)
UNRATED = audited(
    "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: foo}}", "foo", finding("u", "m", "Warn")
)


def test_the_worst_comes_first() -> None:
    assert [(each.severity, each.level) for each in EVERYTHING.results] == [
        ("critical", "deny"),
        ("medium", "audit"),
        ("low", "warn"),
        ("", "deny"),
        ("", "drift"),
    ]


@pytest.mark.parametrize(
    ("item", "severity", "fails"),
    [
        (WEB, None, True),
        (NODE, None, True),
        (CLEAN, None, False),
        (WARNED, None, False),
        (WEB, "critical", True),
        (WARNED, "critical", False),
        (WARNED, "high", False),
        (WARNED, "medium", True),
        (WARNED, "low", True),
        (UNRATED, "critical", True),
        (NODE, "critical", True),
        (CLEAN, "low", False),
    ],
)
def test_what_fails_is_what_would_be_denied_or_is_as_severe(
    item: Any, severity: str | None, fails: bool
) -> None:
    assert Outcome((item,)).fails(severity) is fails


def test_against_a_baseline_only_what_is_new_fails() -> None:
    earlier = json.baseline(json.report(Outcome((WEB, NASTY))))
    assert not Outcome((WEB,), baseline=earlier).fails()
    assert Outcome((WEB, NODE), baseline=earlier).fails()
    compared = Outcome((WEB, NODE), baseline=earlier)
    assert [each.policy for each in compared.results if compared.is_new(each)] == ["(error)"]
    (fixed,) = compared.fixed
    assert (fixed["policy"], fixed["kind"], fixed["namespace"], fixed["name"]) == (
        "texts",
        "Secret",
        "bar",
        "s",
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"results": [{}]}', '{"results": 1}', "\x00"])
def test_what_is_no_report_is_no_baseline(text: str) -> None:
    with pytest.raises(json.NotAReport, match="is no report that `gatekeeper audit -o json` wrote"):
        json.baseline(text)


SCOPES = [
    (Scope(), ["no-host", "pinned", "(drift)", "(error)", "texts"]),
    (Scope(tenants=frozenset({"foo"})), ["no-host", "pinned", "(drift)"]),
    (Scope(namespaces=frozenset({"bar"})), ["texts"]),
    (Scope(kinds=frozenset({"node", "secret"})), ["(error)", "texts"]),
    (Scope(policies=frozenset({"pinned"})), ["pinned", "(error)"]),
    (Scope(severity="high"), ["no-host", "(drift)", "(error)"]),
    (Scope(severity="medium"), ["no-host", "(drift)", "(error)", "texts"]),
    (Scope(tenants=frozenset({"foo"}), kinds=frozenset({"pod"})), []),
]


@pytest.mark.parametrize(("scope", "told"), SCOPES)
def test_a_scope_narrows_what_is_told(scope: Scope, told: list[str]) -> None:
    items = scope.select((WEB, NODE, CLEAN, NASTY))
    assert [each.policy for item in items for each in results(item)] == told


@pytest.mark.parametrize("severity", [None, "critical", "low"])
def test_what_is_waived_does_not_fail(severity: str | None) -> None:
    outcome = Outcome((WAIVED,))
    assert (outcome.waived, outcome.violating, outcome.fails(severity)) == (1, 0, False)


def test_what_is_waived_no_more_is_new() -> None:
    before = json.baseline(json.report(Outcome((WAIVED,))))
    refused = replace(WAIVED, findings=(replace(WAIVED.findings[0], actions=("Deny",), waived=None),))
    assert Outcome((refused,), baseline=before).fails()
    assert not Outcome((WAIVED,), baseline=json.baseline(json.report(Outcome((refused,))))).fails()
