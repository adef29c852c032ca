"""PolicyReport and ClusterPolicyReport of the Policy Working Group (wgpolicyk8s.io/v1alpha2).

One report an object, in its namespace, as a List that `kubectl apply` takes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.json import indented
from gatekeeper_py.audit.result import ERROR, Result, results, severity_rank
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.audit.target import Target
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.manifests.undefined import Undefined
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.selector import labels_of
from gatekeeper_py.policy.admission.text import printable

__all__ = [
    "MANAGED",
    "MOST_RESULTS",
    "REPORT_GROUPS",
    "WORKING_GROUP",
    "Dialect",
    "is_own",
    "listed",
    "pieces",
    "report",
    "report_of",
    "report_of_unread",
]

SOURCE = "gatekeeper-py"

MOST_RESULTS = 100
"""Results of one report: etcd takes no object over 1.5 MiB. The summary counts all of them."""

LONGEST = 1024
"""Characters of one message."""

VERDICTS = {"deny": "fail", "waived": "skip", "platform": "skip"}

OUTCOMES = ("pass", "fail", "warn", "error", "skip")

MANAGED = {"app.kubernetes.io/managed-by": SOURCE}


@dataclass(frozen=True, slots=True)
class Dialect:
    """The kinds of one API group; the shape is the same."""

    api_version: str
    namespaced: str
    cluster_wide: str


WORKING_GROUP = Dialect("wgpolicyk8s.io/v1alpha2", "PolicyReport", "ClusterPolicyReport")


REPORT_GROUPS = ("wgpolicyk8s.io", "openreports.io")


def is_own(value: Object) -> bool:
    """Whether an object is a report of ours, which no report is made of."""
    group = str(value.get("apiVersion")).partition("/")[0]
    return group in REPORT_GROUPS and labels_of(value).items() >= MANAGED.items()


def report(outcome: Outcome) -> str:
    """A List as JSON."""
    return "".join(pieces(outcome))


def pieces(outcome: Outcome, dialect: Dialect = WORKING_GROUP) -> Iterator[str]:
    """The same, a report at a time: there is one of every object, and memory need not hold them all."""
    between = "\n"
    yield OPEN
    for each in listed(outcome, dialect):
        yield between + indent(indented(each).rstrip(), "    ")
        between = ",\n"
    yield "]\n}\n" if between == "\n" else "\n  ]\n}\n"


OPEN = '{\n  "apiVersion": "v1",\n  "kind": "List",\n  "items": ['
"""How a List begins."""


def listed(outcome: Outcome, dialect: Dialect) -> Iterator[Object]:
    """The reports of one dialect: of every object, and of what was not audited."""
    for item in outcome.audited:
        yield report_of(dialect, item)
    if outcome.not_audited:
        yield report_of_unread(dialect, outcome.not_audited)
    if outcome.undefined:
        yield _report_of_undefined(dialect, outcome.undefined)


def report_of(dialect: Dialect, item: Audited) -> Object:
    """What was found of an object."""
    namespace = item.target.home
    found = sorted(results(item), key=lambda each: (severity_rank(each.severity), each.policy))
    told = [_result(each) for each in found] or [_passed(item)]
    made = _report(dialect, _name(item), namespace, told)
    return {**made, "metadata": _owned(made["metadata"], item), "scope": _scope(item, namespace)}


def _report(dialect: Dialect, name: str, namespace: str, told: Sequence[Object]) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": dict(MANAGED)}
    return {
        "apiVersion": dialect.api_version,
        "kind": dialect.namespaced if namespace else dialect.cluster_wide,
        "metadata": metadata,
        "results": list(told[:MOST_RESULTS]),
        "summary": _summary(told),
    }


def _summary(told: Iterable[Object]) -> dict[str, int]:
    counts = Counter(each["result"] for each in told)
    return {name: counts[name] for name in OUTCOMES}


def _name(item: Audited) -> str:
    """A name of its own for every object, which fits into 253 characters whatever the object's is."""
    target = item.target
    parts = (target.resource.group, target.resource.resource, target.namespace, target.name)
    return f"{SOURCE}-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:32]}"


def _owned(metadata: Object, item: Audited) -> Object:
    """Owned by the object when it is one of a cluster: with it goes its report."""
    owner = _identity(item.target)
    return {**metadata, "ownerReferences": [owner]} if "uid" in owner else metadata


def _scope(item: Audited, namespace: str) -> Object:
    return {**_identity(item.target), **({"namespace": namespace} if namespace else {})}


def _identity(target: Target) -> Object:
    named = {"apiVersion": target.kind.api_version, "kind": target.kind.kind, "name": target.name}
    return {**named, "uid": target.uid} if target.uid else named


def _result(result: Result) -> Object:
    severity = result.severity if severity_rank(result.severity) < severity_rank("") else "info"
    properties = {"tenant": result.tenant, "level": result.level, "fingerprint": result.fingerprint}
    return {
        "source": SOURCE,
        "policy": result.policy,
        **({"rule": result.binding} if result.binding else {}),
        **({"category": result.category} if result.category else {}),
        "severity": severity,
        "result": _verdict(result),
        "message": _cut(result.message),
        "properties": properties,
        "scored": True,
    }


def _verdict(result: Result) -> str:
    if result.policy == ERROR:
        return "error"
    return VERDICTS.get(result.level, "warn")


def _passed(item: Audited) -> Object:
    """That an object was looked at, and nothing found."""
    said = "no policy in force finds anything wrong"
    tenant = {"tenant": item.tenant}
    return {"source": SOURCE, "policy": "(all)", "result": "pass", "message": said, "properties": tenant}


def report_of_unread(dialect: Dialect, problems: Sequence[Problem]) -> Object:
    """What was not audited."""
    return _aside(dialect, "not audited", "high", "error", problems)


def _report_of_undefined(dialect: Dialect, unread: Sequence[Undefined]) -> Object:
    """Of which kinds nothing is known."""
    return _aside(dialect, "no definition", "info", "skip", unread)


def _aside(dialect: Dialect, name: str, severity: str, result: str, told: Sequence[object]) -> Object:
    """What is no finding of a policy and has to be known of the report."""
    same = {"source": SOURCE, "policy": f"({name})", "severity": severity, "result": result}
    results = [{**same, "message": _cut(printable(str(each)))} for each in told]
    return _report(dialect, f"{SOURCE}-{name.replace(' ', '-')}", "", results)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
