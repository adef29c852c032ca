"""JUnit XML, for pipelines: a suite a tenant, a case an object and policy, what was not audited as errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.result import Result, results
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.manifests.undefined import Undefined
from gatekeeper_py.policy.admission.text import printable

__all__ = ["pieces", "report"]

CLEAN = "(every policy)"
"""Stands for the policy in the case of an object that nothing is wrong with."""

TIME = "0"
"""Seconds, which the format demands and nobody measures."""


COUNTED = ("tests", "failures", "errors")


@dataclass(frozen=True, slots=True)
class _Suite:
    """Cases that are counted before they are made."""

    name: str
    tests: int
    failures: int
    errors: int
    cases: Iterable[Element] = ()


def report(outcome: Outcome) -> str:
    """`<testsuites>` with a suite for each tenant. What is only warned of is told and does not fail."""
    return "".join(pieces(outcome))


def pieces(outcome: Outcome) -> Iterator[str]:
    """The same, a case at a time: all together take far more memory than what they tell."""
    suites = list(_suites(outcome))
    tests, failures, errors = (sum(getattr(each, name) for each in suites) for name in COUNTED)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield _opening("testsuites", _Suite("gatekeeper audit", tests, failures, errors))
    for suite in suites:
        yield f"  {_opening('testsuite', suite)}"
        for case in suite.cases:
            indent(case, level=2)
            yield f"    {tostring(case, encoding='unicode')}\n"
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _opening(tag: str, suite: _Suite) -> str:
    counts = {name: str(getattr(suite, name)) for name in COUNTED}
    told = {"name": suite.name, **counts, "skipped": "0", "time": TIME}
    whole = tostring(Element(tag, told), encoding="unicode", short_empty_elements=False)
    return f"{whole.removesuffix(f'</{tag}>')}\n"


def _suites(outcome: Outcome) -> Iterator[_Suite]:
    if unread := len(outcome.not_audited):
        yield _Suite("not audited", unread, 0, unread, map(_unread, outcome.not_audited))
    if unread := len(outcome.undefined):
        yield _Suite("kinds without a definition", unread, 0, 0, map(_undefined, outcome.undefined))
    by_tenant = sorted(outcome.audited, key=attrgetter("tenant"))
    for tenant, grouped in groupby(by_tenant, attrgetter("tenant")):
        yield _suite(outcome, tenant, list(grouped))


def _suite(outcome: Outcome, tenant: str, items: Sequence[Audited]) -> _Suite:
    tests = failures = 0
    for item in items:
        found = list(results(item))
        tests += len(found) or 1
        failures += sum(_fails(outcome, each) for each in found)
    cases = (case for item in items for case in _cases(outcome, item))
    return _Suite(printable(tenant), tests, failures, 0, cases)


def _fails(outcome: Outcome, result: Result) -> bool:
    return result.level == "deny" and outcome.is_new(result)


def _cases(outcome: Outcome, item: Audited) -> Iterator[Element]:
    found = list(results(item))
    if not found:
        target = item.target
        name = printable(f"{target.kind.kind} {target.namespace}/{target.name}")
        yield _case(name, CLEAN, target.path)
    for result in found:
        case = _case(f"{result.subject}: {result.policy}", result.policy, result.place.path)
        _tell(case, result, failing=_fails(outcome, result))
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


def _undefined(unread: Undefined) -> Element:
    name = f"{unread.kind.api_version} {unread.kind.kind}"
    case = _case(printable(name), "no definition", unread.path)
    SubElement(case, "system-out").text = printable(str(unread))
    return case
