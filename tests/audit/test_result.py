"""One line of a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper_py.audit.result import results, severity_of
from gatekeeper_py.manifests.manifest import Source
from tests.audit.support import CLEAN, NASTY, NODE, WAIVED, WEB


def test_every_finding_error_and_change_is_a_result() -> None:
    assert [(each.policy, each.level, each.severity, each.message) for each in results(WEB)] == [
        ("no-host", "deny", "critical", "uses the host"),
        ("pinned", "warn", "low", "pin the image"),
        ("(drift)", "drift", "", "metadata.labels.team: foo"),
    ]
    assert [(each.policy, each.level, each.message) for each in results(NODE)] == [
        ("(error)", "deny", "no tenancy")
    ]
    assert list(results(CLEAN)) == []


def test_a_result_says_what_it_is_about_and_where_that_stands() -> None:
    first = next(results(WEB))
    assert (first.subject, first.binding, first.category) == (
        "Deployment foo/web",
        "no-host-binding",
        "host-access",
    )
    assert (first.place.path, first.place.line, first.place.column) == ("apps/web 1.yaml", 2, 1)
    assert next(results(NODE)).subject == "Node n1"


def test_a_fingerprint_is_that_of_the_object_wherever_it_is_read() -> None:
    moved = replace(WEB, manifest=replace(WEB.manifest, source=Source("other.yaml", 9, 9)))
    prints = [each.fingerprint for each in results(WEB)]
    assert [each.fingerprint for each in results(moved)] == prints
    assert len(set(prints)) == 3
    assert all(len(each) == 32 for each in prints)


def test_nothing_in_a_message_steers_a_terminal() -> None:
    assert "\x1b" not in next(results(NASTY)).message


@pytest.mark.parametrize(
    ("metadata", "severity"), [({"a.b/severity": "High"}, "high"), ({"severity": "low"}, "low"), ({}, "")]
)
def test_a_severity_is_an_annotation_of_any_prefix(metadata: dict[str, str], severity: str) -> None:
    assert severity_of(metadata) == severity


def test_what_is_waived_says_by_whom_and_how_long() -> None:
    (found,) = results(WAIVED)
    assert (found.level, found.message) == (
        "waived",
        "uses the host (waived by 'old-agent' until 2027-01-31, 30 days left: until the new agent)",
    )


def test_a_fingerprint_does_not_change_with_the_days() -> None:
    (item,) = WAIVED.findings
    assert item.waived is not None
    last = replace(WAIVED, findings=(replace(item, waived=replace(item.waived, days_left=0)),))
    (before,), (after,) = results(WAIVED), results(last)
    assert before.fingerprint == after.fingerprint
    assert "until 2027-01-31, the last day: " in after.message
