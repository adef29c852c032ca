"""Findings in the forms that people, editors and CI systems read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from gatekeeper_py import __version__
from gatekeeper_py.authoring.lint.codes import CODES
from gatekeeper_py.authoring.lint.finding import Finding

__all__ = ["FORMS"]


def text(findings: Sequence[Finding]) -> str:
    """A line each, and how many there are."""
    errors = sum(finding.severity == "error" for finding in findings)
    summary = f"{errors} errors, {len(findings) - errors} warnings"
    return "\n".join([*map(str, findings), summary])


def json(findings: Sequence[Finding]) -> str:
    """A list of objects."""
    return orjson.dumps([_described(finding) for finding in findings], option=orjson.OPT_INDENT_2).decode()


def _described(finding: Finding) -> dict[str, Any]:
    problem = finding.problem
    return {
        "code": finding.code,
        "name": CODES[finding.code].name,
        "severity": finding.severity,
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "reason": problem.what,
        "remedy": problem.remedy,
    }


def sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0."""
    rules = [{"id": code, "name": rule.name} for code, rule in CODES.items()]
    driver = {"name": "gatekeeper", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "results": [_result(finding) for finding in findings]}
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2).decode()


SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def _result(finding: Finding) -> dict[str, Any]:
    problem = finding.problem
    location: dict[str, Any] = {"artifactLocation": {"uri": problem.path}}
    if problem.line:
        location["region"] = {"startLine": problem.line, "startColumn": problem.column}
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": _said(finding)},
        "locations": [{"physicalLocation": location}],
    }


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    return "\n".join(map(_command, findings))


def _command(finding: Finding) -> str:
    problem = finding.problem
    place = f"file={_property(problem.path)},line={max(problem.line, 1)},col={max(problem.column, 1)}"
    return f"::{finding.severity} {place},title={finding.code}::{_escaped(_said(finding))}"


def _escaped(value: str) -> str:
    """What would end a message is written by its number."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")


def _said(finding: Finding) -> str:
    problem = finding.problem
    return f"{problem.what}. {problem.remedy}" if problem.remedy else problem.what


FORMS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "text": text,
    "json": json,
    "sarif": sarif,
    "github": github,
}
