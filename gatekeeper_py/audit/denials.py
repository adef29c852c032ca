"""Decision logs of the server, read again: who was denied what, as an outcome like that of an audit.

Every line of the log is one event (`webhook/log.py`). What was denied many times alike is told once, with how
often and when last. A log says of policies no more than their names: `about` knows their annotations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from gatekeeper_py.audit.outcome import Outcome, Rest
from gatekeeper_py.audit.scan import CLUSTER_WIDE, UNOWNED, Audited
from gatekeeper_py.audit.target import Target
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.decision import Finding

__all__ = ["Denials"]

ANY_NAME = "*"
"""Of an object whose name the API server makes up later."""

About = Mapping[str, Mapping[str, str]]
"""The annotations of policies by their names."""


class _Case(NamedTuple):
    """What is the same in decisions that are told as one."""

    path: str
    tenant: str
    enforcement: str
    resource: GroupVersionResource
    namespace: str
    name: str
    doing: str
    """The operation, and the subresource if there is one."""
    user: str
    findings: tuple[tuple[str, str, tuple[str, ...], str], ...]
    """Policy, binding, actions, message."""
    error: str


@dataclass(slots=True)
class _Occurred:
    line: int
    times: int = 0
    last: str = ""


@dataclass(slots=True)
class Denials:
    """Takes the lines of logs, one after the other; `outcome` says what they hold."""

    about: About = field(default_factory=dict)
    since: datetime | None = None
    read: int = 0
    """Denials that were read, whatever their verdict."""
    _cases: dict[_Case, _Occurred] = field(default_factory=dict)
    _problems: list[Problem] = field(default_factory=list)
    _torn: Counter[str] = field(default_factory=Counter)

    def take(self, path: str, lines: Iterable[bytes]) -> None:
        """Read a log; `kubectl logs --prefix` may have written before each line."""
        before = self.read
        for number, line in enumerate(lines, 1):
            if line.strip():
                self._line(path, number, line)
        if torn := self._torn.pop(path, 0):
            self._problems.append(Problem(path, 0, 0, f"{torn} lines are none of a decision log", AS_WRITTEN))
        if self.read == before:
            self._problems.append(Problem(path, 0, 0, NOTHING))

    def _line(self, path: str, number: int, line: bytes) -> None:
        try:
            event = orjson.loads(line[max(line.find(b"{"), 0) :])
            kind = event.get("event")
            if kind == "lines dropped":
                missing = f"{event['lines']} lines are missing here"
                self._problems.append(Problem(path, number, 1, missing, REMEDY))
            elif kind == "decision":
                self._decision(path, number, event)
        except (AttributeError, KeyError, TypeError, ValueError):
            self._torn[path] += 1

    def _decision(self, path: str, number: int, event: Mapping[str, Any]) -> None:
        case, time = _case(path, event), str(event["timestamp"])
        self.read += 1
        if self.since is not None and datetime.fromisoformat(time.replace("Z", "+00:00")) < self.since:
            return
        if case.error or case.findings:
            occurred = self._cases.setdefault(case, _Occurred(number))
            occurred.times += 1
            occurred.last = max(occurred.last, time)

    def outcome(self) -> Outcome:
        """What was denied, or would have been, or warned of, in the order in which it first was."""
        told = tuple(self._audited(case, occurred) for case, occurred in self._cases.items())
        return Outcome(told, tuple(self._problems), rest=Rest(self.read - len(told)))

    def _audited(self, case: _Case, occurred: _Occurred) -> Audited:
        found = Kinds.builtin().resource(case.resource)
        group, version, resource = case.resource
        target = Target(
            found.kind if found is not None else GroupVersionKind(group, version, resource),
            case.resource,
            case.namespace,
            case.name,
            case.path,
            occurred.line,
            1,
            asked_as=case.user,
        )
        how = f"{case.doing} by {case.user}, {_when(occurred)}"
        findings = tuple(self._finding(each, how) for each in case.findings)
        error = f"{case.error} ({how})" if case.error and not _denies(case.findings) else ""
        enforcement = "enforce" if case.enforcement == "enforce" else "observe"
        return Audited(target, case.tenant, findings, (), error, enforcement)  # type: ignore[arg-type]

    def _finding(self, told: tuple[str, str, tuple[str, ...], str], how: str) -> Finding:
        policy, binding, actions, message = told
        return Finding(
            policy,
            binding,
            f"{message} ({how})",
            actions,  # type: ignore[arg-type]
            metadata=self.about.get(policy, {}),
        )


AS_WRITTEN = "Give the log as it was written"
NOTHING = "holds no decision of a gatekeeper server"
REMEDY = "The server could not write them; its metrics count them"


def _when(occurred: _Occurred) -> str:
    last = occurred.last[:19] + "Z" if len(occurred.last) > 19 else occurred.last
    return last if occurred.times == 1 else f"{occurred.times} times, last {last}"


def _denies(findings: Iterable[tuple[str, str, tuple[str, ...], str]]) -> bool:
    return any("Deny" in actions for _, _, actions, _ in findings)


def _case(path: str, event: Mapping[str, Any]) -> _Case:
    would = event.get("would_deny") or {}
    denied = event["allowed"] is False or bool(would)
    findings = tuple(
        (each["policy"], each["binding"], _actions(each["actions"]), each["message"])
        for each in event.get("findings", ())
    )
    subresource = f"/{event['subresource']}" if event["subresource"] else ""
    return _Case(
        path,
        event["tenant"] or (UNOWNED if event["namespace"] else CLUSTER_WIDE),
        event.get("enforcement", "enforce"),
        GroupVersionResource(event["group"], event["version"], event["resource"]),
        event["namespace"],
        event["name"] or ANY_NAME,
        f"{event['operation']}{subresource}",
        event["user"],
        findings,
        str(would.get("message") or event.get("message") or "denied") if denied else "",
    )


def _actions(actions: Iterable[str]) -> tuple[str, ...]:
    """Observed is a denial where policies are not enforced, which the decision says itself."""
    return tuple("Deny" if action == "Observed" else action for action in actions)
