"""How suites went, as JUnit's XML, which CI systems show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from gatekeeper_py.authoring.runner import Outcome
from gatekeeper_py.authoring.suite import Suite

__all__ = ["junit"]

CONTROL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def junit(tried: Sequence[tuple[Suite, Sequence[Outcome]]]) -> bytes:
    """One testsuite a file, one testcase a case."""
    root = ElementTree.Element("testsuites")
    for suite, outcomes in tried:
        failures = sum(not outcome.passed for outcome in outcomes)
        attributes = {"name": str(suite.path), "tests": str(len(outcomes)), "failures": str(failures)}
        element = ElementTree.SubElement(root, "testsuite", _clean(attributes))
        for outcome in outcomes:
            _add_case(element, suite, outcome)
    ElementTree.indent(root)
    made: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return made


def _add_case(element: ElementTree.Element, suite: Suite, outcome: Outcome) -> None:
    case = outcome.case
    attributes = {"classname": str(suite.path), "name": case.name, "line": str(case.source.line)}
    made = ElementTree.SubElement(element, "testcase", _clean(attributes))
    if not outcome.passed:
        text = "\n".join(outcome.faults)
        failure = ElementTree.SubElement(made, "failure", _clean({"message": text.partition("\n")[0]}))
        failure.text = CONTROL.sub("?", text)


def _clean(attributes: dict[str, str]) -> dict[str, str]:
    return {name: CONTROL.sub("?", value) for name, value in attributes.items()}
