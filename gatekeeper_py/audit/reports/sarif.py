"""SARIF 2.1.0 (OASIS), for code scanning: a rule a policy, a result a finding, at the object's place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import PurePosixPath
from textwrap import indent
from typing import Any
from urllib.parse import quote

from gatekeeper_py import __version__
from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.json import indented
from gatekeeper_py.audit.result import DRIFT, ERROR, Result
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.policy.admission.decision import Waived
from gatekeeper_py.policy.admission.text import printable

__all__ = ["pieces", "report"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVELS = {"deny": "error", "warn": "warning"}
"""All else is a note."""

SECURITY_SEVERITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
"""As code scanning of GitHub orders alerts: a number of the scale of CVSS."""

HELP = {
    DRIFT: "A mutating policy would change the object were it created now. Apply the object anew.",
    ERROR: "The request would be denied before any validation. Read the message.",
}


def report(outcome: Outcome) -> str:
    """A log of one run."""
    return "".join(pieces(outcome))


def pieces(outcome: Outcome) -> Iterator[str]:
    """The same, a result at a time: there may be more of them than memory holds as JSON."""
    rules = list(dict.fromkeys(result.policy for result in outcome.results))
    first = {result.policy: result for result in reversed(outcome.results)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "gatekeeper_py",
                "version": __version__,
                "rules": [_rule(first[name]) for name in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(outcome)],
        "results": [],
    }
    document = indented({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
    begin, _, end = document.rpartition("[]")
    between = f"{begin}[\n"
    for result in chain(_results(outcome, rules), map(_absent, outcome.fixed)):
        yield between + indent(indented(result).rstrip(), MARGIN)
        between = ",\n"
    yield document if between != ",\n" else f"\n{MARGIN[2:]}]{end}"


MARGIN = " " * 8
"""Before a result, which stands in a list in a run in a list."""


def _rule(result: Result) -> dict[str, Any]:
    """What is known of a policy, from one of its findings."""
    name = result.policy
    text = HELP.get(name, f"`gatekeeper explain --policy {name} -f FILE` shows why the policy decides so.")
    tags = ["security", *filter(None, [result.category])]
    score = SECURITY_SEVERITY.get(result.severity)
    return {
        "id": name,
        "shortDescription": {"text": f"Policy {name}" if name not in HELP else HELP[name].partition(". ")[0]},
        "fullDescription": {"text": _described(result)},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": LEVELS.get(result.level, "note")},
        "properties": {"tags": tags, **({"security-severity": score} if score else {})},
    }


def _described(result: Result) -> str:
    parts = (("category", result.category), ("severity", result.severity), ("binding", result.binding))
    told = ", ".join(f"{name} {value}" for name, value in parts if value)
    return f"Policy {result.policy}{f' ({told})' if told else ''}"


def _invocation(outcome: Outcome) -> dict[str, Any]:
    """Whether all could be looked at; what could not be is told there."""
    unread = [_notification("error", "Not audited: ", problem) for problem in outcome.not_audited]
    notes = [_notification("note", "", each.problem) for each in outcome.undefined]
    return {"executionSuccessful": not unread, "toolExecutionNotifications": [*unread, *notes]}


def _notification(level: str, title: str, problem: Problem) -> dict[str, Any]:
    text = f"{title}{problem.what}{f'. {problem.remedy}' if problem.remedy else ''}"
    return {"level": level, "message": {"text": text}, "locations": [_location(problem)]}


def _results(outcome: Outcome, rules: list[str]) -> Iterator[dict[str, Any]]:
    places = {name: index for index, name in enumerate(rules)}
    for result in outcome.results:
        state = "new" if outcome.is_new(result) else "unchanged"
        yield {
            "ruleId": result.policy,
            "ruleIndex": places[result.policy],
            "level": LEVELS.get(result.level, "note"),
            "message": {"text": f"{result.subject}: {result.message}"},
            "locations": [{**_location(result.place), "logicalLocations": [_object(result)]}],
            "partialFingerprints": {"gatekeeper/v1": result.fingerprint},
            "properties": {"tenant": result.tenant, "severity": result.severity},
            **({} if outcome.baseline is None else {"baselineState": state}),
            **({} if result.waived is None else {"suppressions": [_suppression(result.waived)]}),
        }


def _suppression(waived: Waived) -> dict[str, str]:
    """That somebody has agreed to a result."""
    who = f"{waived.waiver} until {waived.expires}, approved by {waived.approved_by}"
    return {"kind": "external", "status": "accepted", "justification": printable(f"{who}: {waived.reason}")}


def _absent(fixed: Mapping[str, Any]) -> dict[str, Any]:
    """A finding of the earlier report that is no more."""
    return {
        "ruleId": fixed["policy"],
        "level": "none",
        "kind": "pass",
        "message": {"text": f"{fixed['kind']} {fixed['namespace']}/{fixed['name']}: {fixed['message']}"},
        "partialFingerprints": {"gatekeeper/v1": fixed["fingerprint"]},
        "baselineState": "absent",
    }


def _object(result: Result) -> dict[str, str]:
    parts = (result.namespace, result.kind.kind, result.name)
    return {"name": result.name, "fullyQualifiedName": "/".join(filter(None, parts)), "kind": "resource"}


def _location(problem: Problem) -> dict[str, Any]:
    """A place in a file; of what stands in no file only the name."""
    if not problem.line:
        return {"physicalLocation": {"artifactLocation": {"uri": _uri(problem.path)}}}
    region = {"startLine": problem.line, "startColumn": max(problem.column, 1)}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(problem.path)}, "region": region}}


def _uri(path: str) -> str:
    """A relative reference, or a `file:` URI of an absolute path."""
    absolute = PurePosixPath(path).is_absolute()
    return f"file://{quote(path)}" if absolute else quote(path)
