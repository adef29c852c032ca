"""Suites as JUnit's XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from gatekeeper_py.authoring.runner import Outcome
from gatekeeper_py.authoring.suite import Case, Suite
from gatekeeper_py.authoring.testcases import junit
from gatekeeper_py.manifests.manifest import Source


def test_cases_and_what_failed_are_told() -> None:
    cases = tuple(Case(name, Source("a_test.yaml", 3, 5), {}) for name in ("good", "bad \x07"))
    suite = Suite(Path("a_test.yaml"), (), (), False, (), cases, (), ())
    outcomes = [Outcome(cases[0], ()), Outcome(cases[1], ("expected deny\nor so",))]
    root = ElementTree.fromstring(junit([(suite, outcomes)]))
    (found,) = root
    assert found.attrib == {"name": "a_test.yaml", "tests": "2", "failures": "1"}
    assert [(each.get("name"), each.get("line")) for each in found] == [("good", "3"), ("bad ?", "3")]
    failure = found[1][0]
    assert (failure.get("message"), failure.text) == ("expected deny", "expected deny\nor so")
