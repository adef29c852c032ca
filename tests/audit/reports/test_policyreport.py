"""Reports that other tools show, by the schemas of their CustomResourceDefinitions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import openreports, policyreport
from gatekeeper_py.audit.reports.json import indented
from gatekeeper_py.audit.reports.policyreport import MOST_RESULTS
from gatekeeper_py.objects.findings import findings
from gatekeeper_py.objects.schema import OpenAPI, openapi_schema
from tests.audit.support import CLEAN, EVERYTHING, UNREAD, WEB, audited, finding

TEXT: OpenAPI = {"type": "string"}
NUMBER: OpenAPI = {"type": "integer"}
RESULTS = ["pass", "fail", "warn", "error", "skip"]
SCHEMA: OpenAPI = {
    "type": "object",
    "properties": {
        "apiVersion": TEXT,
        "kind": TEXT,
        "metadata": {"x-kubernetes-preserve-unknown-fields": True},
        "scope": {
            "type": "object",
            "properties": dict.fromkeys(("apiVersion", "kind", "name", "namespace", "uid"), TEXT),
        },
        "summary": {"type": "object", "properties": dict.fromkeys(RESULTS, NUMBER)},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["policy"],
                "properties": {
                    **dict.fromkeys(("source", "policy", "rule", "category", "message"), TEXT),
                    "severity": {"type": "string", "enum": ["critical", "high", "low", "medium", "info"]},
                    "result": {"type": "string", "enum": RESULTS},
                    "scored": {"type": "boolean"},
                    "properties": {"type": "object", "additionalProperties": TEXT},
                },
            },
        },
    },
}
"""What the fields that are written may hold, in wgpolicyk8s.io/v1alpha2 and openreports.io/v1alpha1 alike."""

FORMS = {
    "wgpolicyk8s.io/v1alpha2": (policyreport.report, "PolicyReport", "ClusterPolicyReport"),
    "openreports.io/v1alpha1": (openreports.report, "Report", "ClusterReport"),
}


def items(outcome: Outcome, version: str = "wgpolicyk8s.io/v1alpha2") -> list[dict[str, Any]]:
    listed = orjson.loads(FORMS[version][0](outcome))
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    found: list[dict[str, Any]] = listed["items"]
    return found


@pytest.mark.parametrize("version", FORMS)
def test_every_report_is_of_its_schema(version: str) -> None:
    found = items(EVERYTHING, version)
    assert len(found) == 5
    for each in found:
        assert list(findings(each, openapi_schema(SCHEMA))) == []
        assert each["apiVersion"] == version


@pytest.mark.parametrize("version", FORMS)
def test_an_object_has_a_report_in_its_namespace(version: str) -> None:
    _, namespaced, cluster_wide = FORMS[version]
    kinds = [(each["kind"], each["metadata"].get("namespace")) for each in items(EVERYTHING, version)]
    assert kinds == [
        (namespaced, "foo"),
        (cluster_wide, None),
        (namespaced, "bar"),
        (namespaced, "bar"),
        (cluster_wide, None),
    ]
    names = [each["metadata"]["name"] for each in items(EVERYTHING, version)]
    assert len(set(names)) == 5


def test_a_report_says_what_it_is_of_and_is_owned_by_it() -> None:
    (report,) = items(Outcome((WEB,)))
    scope = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    assert report["scope"] == {**scope, "namespace": "foo", "uid": "u-1"}
    assert report["metadata"]["ownerReferences"] == [{**scope, "uid": "u-1"}]
    (unowned,) = items(Outcome((CLEAN,)))
    assert "ownerReferences" not in unowned["metadata"]


def test_results_are_summed_up() -> None:
    (report,) = items(Outcome((WEB,)))
    assert report["summary"] == {"pass": 0, "fail": 1, "warn": 2, "error": 0, "skip": 0}
    assert [(each["policy"], each["result"], each["severity"]) for each in report["results"]] == [
        ("no-host", "fail", "critical"),
        ("pinned", "warn", "low"),
        ("(drift)", "warn", "info"),
    ]


def test_a_clean_object_passes_and_what_was_not_audited_is_an_error() -> None:
    clean, unread = items(Outcome((CLEAN,), (UNREAD,)))
    assert clean["summary"]["pass"] == 1
    assert (unread["kind"], unread["summary"]["error"]) == ("ClusterPolicyReport", 1)
    assert unread["results"][0]["message"] == "secrets.yaml:4:2: not valid YAML. Correct the line"


def test_a_report_is_capped_and_its_summary_is_not() -> None:
    many = [finding(f"p{number}", "x" * 5000, severity="low") for number in range(300)]
    worst = finding("worst", "m", severity="critical")
    text = "{apiVersion: v1, kind: Pod, metadata: {name: p}}"
    (report,) = items(Outcome((audited(text, "", *many, worst),)))
    assert (len(report["results"]), report["summary"]["fail"]) == (MOST_RESULTS, 301)
    assert report["results"][0]["policy"] == "worst"
    assert len(orjson.dumps(report)) < 1.5 * 2**20


@pytest.mark.parametrize("outcome", [EVERYTHING, Outcome((WEB,)), Outcome()], ids=["all", "one", "none"])
def test_a_list_is_written_a_report_at_a_time_and_reads_as_if_it_were_made_whole(outcome: Outcome) -> None:
    listed = list(policyreport.listed(outcome, policyreport.WORKING_GROUP))
    whole = indented({"apiVersion": "v1", "kind": "List", "items": listed})
    pieces = list(policyreport.pieces(outcome))
    assert "".join(pieces) == whole
    assert len(pieces) == len(listed) + 2
