"""SARIF 2.1.0, as code scanning reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.reports.sarif import pieces, report
from tests.audit.support import EVERYTHING, NASTY, WAIVED, WEB, audited, finding


def run(outcome: Outcome) -> dict[str, Any]:
    log = orjson.loads(report(outcome))
    assert log["version"] == "2.1.0"
    (only,) = log["runs"]
    found: dict[str, Any] = only
    return found


def test_it_is_written_a_result_at_a_time() -> None:
    head, *rest = map(len, pieces(EVERYTHING))
    head_of_many, *of_many = map(len, pieces(replace(EVERYTHING, audited=EVERYTHING.audited * 50)))
    assert (head_of_many, max(of_many)) == (head, max(rest))
    assert len(of_many) > 40 * len(rest)


def test_a_run_without_results_is_whole() -> None:
    assert run(Outcome())["results"] == []


def test_a_rule_is_a_policy_with_help() -> None:
    rules = run(EVERYTHING)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["no-host", "texts", "pinned", "(error)", "(drift)"]
    first = rules[0]
    assert first["defaultConfiguration"] == {"level": "error"}
    assert first["properties"] == {"tags": ["security", "host-access"], "security-severity": "9.5"}
    assert (
        first["help"]["text"]
        == "`gatekeeper explain --policy no-host -f FILE` shows why the policy decides so."
    )
    assert all(rule["shortDescription"]["text"] and rule["fullDescription"]["text"] for rule in rules)


def test_a_result_is_a_finding_at_the_place_of_its_object() -> None:
    found = run(EVERYTHING)
    results = found["results"]
    assert [result["level"] for result in results] == ["error", "note", "warning", "error", "note"]
    for result in results:
        assert found["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    first = results[0]
    assert first["message"] == {"text": "Deployment foo/web: uses the host"}
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "apps/web%201.yaml"},
        "region": {"startLine": 2, "startColumn": 1},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "foo/Deployment/web"
    assert set(first["partialFingerprints"]) == {"gatekeeper/v1"}
    assert "baselineState" not in first


def test_what_was_not_audited_makes_the_run_unsuccessful() -> None:
    (invocation,) = run(EVERYTHING)["invocations"]
    assert invocation["executionSuccessful"] is False
    told = [each["message"]["text"] for each in invocation["toolExecutionNotifications"]]
    assert told == ["Not audited: not valid YAML. Correct the line", "Not audited: may not be listed"]
    (invocation,) = run(Outcome((WEB,)))["invocations"]
    assert invocation == {"executionSuccessful": True, "toolExecutionNotifications": []}


def test_an_absolute_path_is_a_uri() -> None:
    item = audited(
        "{apiVersion: v1, kind: Pod, metadata: {name: p}}", "", finding("p", "m"), path="/a b/c.yaml"
    )
    (result,) = run(Outcome((item,)))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///a%20b/c.yaml"}


def test_a_baseline_says_what_is_new_unchanged_and_absent() -> None:
    earlier = json.baseline(json.report(Outcome((NASTY,))))
    states = [each["baselineState"] for each in run(Outcome((WEB, NASTY), baseline=earlier))["results"]]
    assert states == ["new", "unchanged", "new", "new"]
    last = run(Outcome((), baseline=earlier))["results"][-1]
    assert (last["baselineState"], last["kind"], last["level"]) == ("absent", "pass", "none")


def test_what_is_waived_is_suppressed_by_whoever_approved() -> None:
    (result,) = run(Outcome((WAIVED,)))["results"]
    assert (result["level"], result["suppressions"]) == (
        "note",
        [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "old-agent until 2027-01-31, approved by the platform: until the new agent",
            }
        ],
    )
