"""One JSON document: a summary, and every object that violates, warns or would be changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.objects.resource import ABSENT
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.policy.admission.decision import Finding

__all__ = ["report"]


def report(audited: Sequence[Audited]) -> str:
    """`{"summary": ..., "results": [...]}`, indented."""
    results = [_result(item) for item in audited if item.findings or item.changes or item.error]
    summary = {
        "objects": len(audited),
        "violating": sum(item.violates for item in audited),
        "observed": sum(item.is_amiss and not item.violates for item in audited),
        "warned": sum(bool(item.findings) and not item.is_amiss for item in audited),
        "toBeChanged": sum(bool(item.changes) for item in audited),
    }
    document = {"summary": summary, "results": results}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _result(item: Audited) -> dict[str, Any]:
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
    }
    return result | ({"error": item.error} if item.error else {})


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "policy": finding.policy,
        "binding": finding.binding,
        "actions": list(finding.actions),
        "reason": finding.reason,
        "message": finding.message,
        "error": finding.error,
        "metadata": dict(finding.metadata),
    }


def _change(change: Change) -> dict[str, Any]:
    sides = (("before", change.before), ("after", change.after))
    return {"field": change.field, **{side: value for side, value in sides if value is not ABSENT}}
