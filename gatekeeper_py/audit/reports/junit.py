"""JUnit XML, for pipelines: a suite a tenant, a case an object and policy, what was not audited as errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.result import Result, results
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.policy.admission.text import printable

__all__ = ["report"]

CLEAN = "(every policy)"
"""Stands for the policy in the case of an object that nothing is wrong with."""

TIME = "0"
"""Seconds, which the format demands and nobody measures."""


def report(outcome: Outcome) -> str:
    """`<testsuites>` with a suite for each tenant. What is only warned of is told and does not fail."""
    root = Element("testsuites", name="gatekeeper audit")
    if outcome.not_audited:
        root.append(_suite("not audited", map(_unread, outcome.not_audited)))
    by_tenant = sorted(outcome.audited, key=attrgetter("tenant"))
    for tenant, items in groupby(by_tenant, attrgetter("tenant")):
        root.append(_suite(tenant, (case for item in items for case in _cases(outcome, item))))
    _count(root)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(name: str, cases: Iterable[Element]) -> Element:
    suite = Element("testsuite", name=printable(name))
    suite.extend(cases)
    _count(suite)
    return suite


def _count(element: Element) -> None:
    element.set("tests", str(len(list(element.iter("testcase")))))
    element.set("failures", str(len(list(element.iter("failure")))))
    element.set("errors", str(len(list(element.iter("error")))))
    element.set("skipped", "0")
    element.set("time", TIME)


def _cases(outcome: Outcome, item: Audited) -> Iterator[Element]:
    found = list(results(item))
    if not found:
        target = item.target
        name = printable(f"{target.kind.kind} {target.namespace}/{target.name}")
        yield _case(name, CLEAN, target.path)
    for result in found:
        case = _case(f"{result.subject}: {result.policy}", result.policy, result.place.path)
        _tell(case, result, failing=result.level == "deny" and outcome.is_new(result))
        yield case


def _case(name: str, policy: str, path: str) -> Element:
    return Element("testcase", name=name, classname=printable(policy), file=printable(path), time=TIME)


def _tell(case: Element, result: Result, *, failing: bool) -> None:
    place = result.place
    where = f"{place.path}:{place.line}:{place.column}" if place.line else place.path
    text = printable(f"{where}: {result.level}: {result.message}")
    if failing:
        kind = result.severity or result.level
        SubElement(case, "failure", message=result.message, type=kind).text = text
    else:
        SubElement(case, "system-out").text = text


def _unread(problem: Problem) -> Element:
    case = _case(printable(f"{problem.path}:{problem.line}"), "not audited", problem.path)
    SubElement(case, "error", message=printable(problem.what), type="not audited").text = printable(
        str(problem)
    )
    return case
