"""JUnit XML, in the shape that pipelines read (testsuites, testsuite, testcase; failure, error, system-out)."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.reports.junit import pieces, report
from tests.audit.support import EVERYTHING, NASTY, WEB

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error", "system-out"},
    "failure": set(),
    "error": set(),
    "system-out": set(),
}
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "file", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "system-out": set(),
}


def parsed(outcome: Outcome) -> ElementTree.Element:
    return ElementTree.fromstring(report(outcome).encode())


def test_there_is_nothing_in_it_that_the_format_does_not_know() -> None:
    for element in parsed(EVERYTHING).iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN[element.tag]


def test_a_suite_is_a_tenant_and_a_case_an_object_and_a_policy() -> None:
    suites = parsed(EVERYTHING)
    assert [
        (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors"))
        for suite in suites
    ] == [
        ("not audited", "2", "0", "2"),
        ("(cluster-wide)", "1", "1", "0"),
        ("bar", "2", "0", "0"),
        ("foo", "3", "1", "0"),
    ]
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("8", "2", "2")
    case = suites[3][0]
    assert (case.get("name"), case.get("classname")) == ("Deployment foo/web: no-host", "no-host")
    assert (case[0].get("message"), case[0].get("type")) == ("uses the host", "critical")
    assert case[0].text == "apps/web 1.yaml:2:1: deny: uses the host"


def test_a_clean_object_is_a_case_that_passes() -> None:
    case = parsed(EVERYTHING)[2][0]
    assert (case.get("name"), list(case)) == ("ConfigMap bar/c", [])


def test_a_report_about_nothing_is_whole() -> None:
    suites = parsed(Outcome())
    assert (suites.tag, suites.get("tests"), list(suites)) == ("testsuites", "0", [])


def test_it_is_written_a_case_at_a_time() -> None:
    longest = max(map(len, pieces(EVERYTHING)))
    assert max(map(len, pieces(replace(EVERYTHING, audited=EVERYTHING.audited * 50)))) == longest


def test_whatever_a_message_holds_it_stays_xml() -> None:
    assert "=cmd|" in (parsed(Outcome((NASTY,)))[0][0][0].text or "")


def test_what_an_earlier_report_had_does_not_fail() -> None:
    earlier = json.baseline(json.report(Outcome((WEB,))))
    assert parsed(Outcome((WEB,), baseline=earlier)).get("failures") == "0"
