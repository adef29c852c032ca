"""One JSON document: a summary, every object with something to say of it, and what was not audited."""

from __future__ import annotations

from typing import Any

import orjson

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.result import Result, results
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import ABSENT
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.policy.admission.decision import Finding, Waived

__all__ = ["NotAReport", "baseline", "indented", "problem", "report"]


class NotAReport(ValueError):
    """A text that this module has not written."""


def report(outcome: Outcome) -> str:
    """`{"summary": ..., "results": [...], "notAudited": [...], "fixed": [...]}`, indented."""
    document: dict[str, Any] = {
        "summary": _summary(outcome),
        "results": [_result(outcome, item) for item in outcome.audited if any(results(item))],
        "notAudited": [problem(each) for each in outcome.not_audited],
    }
    if outcome.baseline is not None:
        document["fixed"] = list(outcome.fixed)
    return indented(document)


def indented(document: Any) -> str:
    """A document for people to read."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def baseline(text: str | bytes) -> dict[str, Any]:
    """The findings of an earlier report by their fingerprint; raise `NotAReport`."""
    try:
        found = orjson.loads(text)["results"]
        return {
            each["fingerprint"]: {
                **{key: item[key] for key in ("tenant", "apiVersion", "kind", "namespace", "name")},
                **each,
            }
            for item in found
            for each in item["fingerprints"]
        }
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NotAReport("is no report that `gatekeeper audit -o json` wrote") from error


def _summary(outcome: Outcome) -> dict[str, int]:
    audited = outcome.audited
    counts = {
        "objects": len(audited),
        "violating": outcome.violating,
        "observed": outcome.observed,
        "waived": outcome.waived,
        "warned": sum(_is_warned(item) for item in audited),
        "toBeChanged": sum(bool(item.changes) for item in audited),
        "notAudited": len(outcome.not_audited),
    }
    if outcome.baseline is None:
        return counts
    new = sum(map(outcome.is_new, outcome.results))
    return counts | {"new": new, "unchanged": len(outcome.results) - new, "fixed": len(outcome.fixed)}


def _is_warned(item: Audited) -> bool:
    """Whether something is said of an object, that is neither refused nor waived."""
    return not item.is_amiss and any(finding.waived is None for finding in item.findings)


def _result(outcome: Outcome, item: Audited) -> dict[str, Any]:
    source, request = item.manifest.source, item.request
    result: dict[str, Any] = {
        "tenant": item.tenant,
        "apiVersion": item.manifest.kind.api_version,
        "kind": item.manifest.kind.kind,
        "namespace": item.manifest.namespace or request.namespace,
        "name": request.name,
        "source": {"path": source.path, "line": source.line, "column": source.column},
        "enforcement": item.enforcement,
        "violates": item.violates,
        "findings": [_finding(finding) for finding in item.findings],
        "changes": [_change(change) for change in item.changes],
        "fingerprints": [_fingerprint(outcome, result) for result in results(item)],
    }
    return result | ({"error": item.error} if item.error else {})


def _fingerprint(outcome: Outcome, result: Result) -> dict[str, str]:
    """What a later report is compared by."""
    compared = {} if outcome.baseline is None else {"state": "new" if outcome.is_new(result) else "unchanged"}
    said = {"policy": result.policy, "level": result.level, "message": result.message}
    return {"fingerprint": result.fingerprint, **said, **compared}


def problem(each: Problem) -> dict[str, Any]:
    """What was not audited, and why."""
    place = {"line": each.line, "column": each.column} if each.line else {}
    return {"path": each.path, **place, "reason": each.what, "remedy": each.remedy}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "policy": finding.policy,
        "binding": finding.binding,
        "actions": list(finding.actions),
        "reason": finding.reason,
        "message": finding.message,
        "error": finding.error,
        "metadata": dict(finding.metadata),
        **({} if finding.waived is None else {"waived": _waived(finding.waived)}),
    }


def _waived(waived: Waived) -> dict[str, Any]:
    return {
        "waiver": waived.waiver,
        "expires": str(waived.expires),
        "daysLeft": waived.days_left,
        "reason": waived.reason,
        "approvedBy": waived.approved_by,
    }


def _change(change: Change) -> dict[str, Any]:
    sides = (("before", change.before), ("after", change.after))
    return {"field": change.field, **{side: value for side, value in sides if value is not ABSENT}}
