"""One JSON document: a summary, every object with something to say of it, and what was not audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from textwrap import indent
from typing import Any

import orjson

from gatekeeper_py.audit.outcome import Outcome, Past, Rest
from gatekeeper_py.audit.result import Result, results
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.audit.target import Target
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.manifests.undefined import Undefined
from gatekeeper_py.objects.resource import ABSENT, GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.policy.admission.decision import Finding, Waived
from gatekeeper_py.tenancy.isolation import LEVELS, Level

__all__ = ["NotAReport", "baseline", "indented", "pieces", "problem", "read", "report"]


TIMELESS = "does not say when it was made: it is no report of `gatekeeper audit`, or of an old one"
NOT_OURS = "is no report that `gatekeeper audit -o json` wrote"


class NotAReport(ValueError):
    """A text that this module has not written."""


def report(outcome: Outcome) -> str:
    """`{"summary": ..., "results": [...], "notAudited": [...], "fixed": [...]}`, indented."""
    return "".join(pieces(outcome))


def pieces(outcome: Outcome) -> Iterator[str]:
    """The same, an object at a time: there may be more of them than memory holds as JSON."""
    head: dict[str, Any] = {
        **({"time": outcome.time} if outcome.time else {}),
        **({"shard": dict(zip(("index", "of"), outcome.shard, strict=True))} if outcome.shard[1] > 1 else {}),
        "summary": _summary(outcome),
        "runtimeClasses": [
            {
                "tenant": tenant,
                "runtimeClass": name,
                "isolation": outcome.isolation_of(name),
                "workloads": count,
            }
            for (tenant, name), count in sorted(outcome.runtime_classes.items())
        ],
        "notAudited": [problem(each) for each in outcome.not_audited],
        "withoutDefinition": [_undefined(each) for each in outcome.undefined],
    }
    if outcome.baseline is not None:
        head["fixed"] = list(outcome.fixed)
    yield indented(head).removesuffix(END) + OPEN
    between = "\n"
    for item in outcome.audited:
        if any(results(item)):
            yield between + indent(indented(_result(outcome, item)).rstrip(), "    ")
            between = ",\n"
    yield "]\n}\n" if between == "\n" else "\n  ]\n}\n"


END, OPEN = "\n}\n", ',\n  "results": ['
"""How a document ends, and how its results begin instead."""


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
        raise NotAReport(NOT_OURS) from error


def _summary(outcome: Outcome) -> dict[str, int]:
    audited = outcome.audited
    counts = {
        "objects": outcome.objects,
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
    target = item.target
    result: dict[str, Any] = {
        "tenant": item.tenant,
        "apiVersion": target.kind.api_version,
        "kind": target.kind.kind,
        "resource": target.resource.resource,
        "namespace": target.namespace,
        "name": target.name,
        "source": {"path": target.path, "line": target.line, "column": target.column},
        "enforcement": item.enforcement,
        "askedAs": target.asked_as,
        "violates": item.violates,
        "findings": [_finding(finding) for finding in item.findings],
        "changes": [_change(change) for change in item.changes],
        "fingerprints": [_fingerprint(outcome, result) for result in results(item)],
    }
    if item.platform:
        result["platform"] = {
            "reason": item.platform,
            "reserved": [_finding(finding) for finding in item.reserved],
        }
    extra = {"uid": target.uid or None, "runtimeClass": target.runtime_class, "error": item.error or None}
    return result | {name: value for name, value in extra.items() if value is not None}


def _fingerprint(outcome: Outcome, result: Result) -> dict[str, str]:
    """What a later report is compared by."""
    compared = {} if outcome.baseline is None else {"state": "new" if outcome.is_new(result) else "unchanged"}
    said = {"policy": result.policy, "level": result.level, "message": result.message}
    return {"fingerprint": result.fingerprint, **said, **compared}


def problem(each: Problem) -> dict[str, Any]:
    """What was not audited, and why."""
    place = {"line": each.line, "column": each.column} if each.line else {}
    return {"path": each.path, **place, "reason": each.what, "remedy": each.remedy}


def _undefined(unread: Undefined) -> dict[str, Any]:
    """A custom kind of which no definition was read."""
    source = {"path": unread.path, "line": unread.line, "column": unread.column}
    named = {"apiVersion": unread.kind.api_version, "kind": unread.kind.kind}
    return {**named, "objects": unread.objects, "source": source}


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


# --- a report read again -------------------------------------------------------------------------------


def read(text: str | bytes) -> Outcome:
    """What a report says, but for what an earlier one said in turn; raise `NotAReport`."""
    try:
        document = orjson.loads(text)
        audited = tuple(map(_audited, document["results"]))
        shard = document.get("shard") or {"index": 0, "of": 1}
        return Outcome(
            audited,
            tuple(map(_unread, document["notAudited"])),
            rest=_rest(document, audited),
            time=document.get("time", ""),
            shard=(shard["index"], shard["of"]),
            isolation=_isolation(document),
            undefined=tuple(map(_not_defined, document.get("withoutDefinition", ()))),
        )
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotAReport(NOT_OURS) from error


def _isolation(document: dict[str, Any]) -> dict[str, Level]:
    """As it was then; reports of before say none."""
    found = {each["runtimeClass"]: each.get("isolation", "none") for each in document["runtimeClasses"]}
    if not set(LEVELS) >= set(found.values()):
        raise ValueError("a level of isolation that there is not")
    return found


def past(text: str | bytes) -> Past:
    """How a report counts what it found, for the trend; raise `NotAReport`."""
    outcome = read(text)
    if not outcome.time:
        raise NotAReport(TIMELESS)
    try:
        datetime.fromisoformat(outcome.time)
    except ValueError as error:
        raise NotAReport(NOT_OURS) from error
    return outcome.now


def _rest(document: dict[str, Any], audited: tuple[Audited, ...]) -> Rest:
    listed = Outcome(audited)
    counted = Counter(
        {(each["tenant"], each["runtimeClass"]): each["workloads"] for each in document["runtimeClasses"]}
    )
    objects = document["summary"]["objects"] - len(audited)
    return Rest(objects, counted - Counter(listed.runtime_classes))


def _unread(each: dict[str, Any]) -> Problem:
    return Problem(each["path"], each.get("line", 0), each.get("column", 0), each["reason"], each["remedy"])


def _not_defined(each: dict[str, Any]) -> Undefined:
    kind = GroupVersionKind.parse(each["apiVersion"], each["kind"])
    source = each["source"]
    return Undefined(kind, source["path"], source["line"], source["column"], each["objects"])


def _audited(item: dict[str, Any]) -> Audited:
    platform = item.get("platform", {})
    return Audited(
        _target(item),
        item["tenant"],
        tuple(map(_found, item["findings"])),
        tuple(map(_changed, item["changes"])),
        item.get("error", ""),
        item["enforcement"],
        platform.get("reason", ""),
        tuple(map(_found, platform.get("reserved", ()))),
    )


def _target(item: dict[str, Any]) -> Target:
    kind = GroupVersionKind.parse(item["apiVersion"], item["kind"])
    return Target(
        kind,
        GroupVersionResource(kind.group, kind.version, item["resource"]),
        item["namespace"],
        item["name"],
        item["source"]["path"],
        item["source"]["line"],
        item["source"]["column"],
        item.get("uid", ""),
        item["askedAs"],
        item.get("runtimeClass"),
    )


def _found(each: dict[str, Any]) -> Finding:
    parts = (each["policy"], each["binding"], each["message"], tuple(each["actions"]))
    said = Finding(*parts, reason=each["reason"], error=each["error"], metadata=each["metadata"])
    return replace(said, waived=_leave(each["waived"])) if "waived" in each else said


def _leave(each: dict[str, Any]) -> Waived:
    expires = date.fromisoformat(each["expires"])
    return Waived(each["waiver"], expires, each["daysLeft"], each["reason"], each["approvedBy"])


def _changed(each: dict[str, Any]) -> Change:
    return Change(each["field"], each.get("before", ABSENT), each.get("after", ABSENT))
