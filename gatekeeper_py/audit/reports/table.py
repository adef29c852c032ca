"""A table for people: by tenant and policy, worst first, with the objects below each."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.policy.admission.text import change_line, printable

__all__ = ["report"]

WIDTH = 160
"""Columns when the output is no terminal."""

SHOWN = 20
"""Objects of one group; the rest are counted."""

RANK = {"deny": 0, "warn": 1, "audit": 2, "change": 3, "would deny": 4, "would warn": 5, "would change": 6}
STYLE = {"deny": "bold red", "warn": "yellow", "audit": "cyan", "change": "green"}
NOT_ENFORCED = {"deny": "would deny", "warn": "would warn", "change": "would change"}
"""What an action comes to where policies are not enforced."""


@dataclass(slots=True)
class _Group:
    """What one policy finds in one tenant."""

    tenant: str
    policy: str
    action: str
    severity: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, int, str]:
        return self.tenant, RANK[self.action], self.policy


def report(audited: Sequence[Audited], width: int | None = None) -> str:
    """The table and a line that sums it up; `width` None takes WIDTH."""
    output = io.StringIO()
    console = Console(file=output, width=width or WIDTH, force_terminal=width is not None)
    groups = _groups(audited)
    if groups:
        console.print(_table(groups))
    console.print(_sum(audited), highlight=False)
    return output.getvalue()


def _sum(audited: Sequence[Audited]) -> str:
    violating = sum(item.violates for item in audited)
    observed = sum(item.is_amiss and not item.violates for item in audited)
    more = f", {observed} more would be were policies enforced" if observed else ""
    return f"{len(audited)} objects, {violating} violating{more}"


def _table(groups: Sequence[_Group]) -> Table:
    table = Table("Tenant", "Policy", "Action", "Severity", "Objects", box=box.SIMPLE_HEAD, show_edge=False)
    for group in groups:
        lines = group.lines[:SHOWN]
        if len(group.lines) > SHOWN:
            lines.append(f"and {len(group.lines) - SHOWN} more")
        action = Text(group.action, STYLE.get(group.action, "dim"))
        table.add_row(
            _text(group.tenant), _text(group.policy), action, group.severity, _text("\n".join(lines))
        )
    return table


def _groups(audited: Sequence[Audited]) -> list[_Group]:
    groups: dict[tuple[str, str, str], _Group] = {}
    for item in audited:
        for policy, named, severity, line in _entries(item):
            action = named if item.enforcement == "enforce" else NOT_ENFORCED.get(named, named)
            group = groups.setdefault(
                (item.tenant, policy, action), _Group(item.tenant, policy, action, severity)
            )
            group.lines.append(line)
    return sorted(groups.values(), key=lambda group: group.key)


def _entries(item: Audited) -> Iterator[tuple[str, str, str, str]]:
    """Policy, action, severity and line of everything there is to say about an object."""
    name = _name(item)
    for finding in item.findings:
        action = min((action.lower() for action in finding.actions), key=RANK.__getitem__, default="audit")
        yield finding.policy, action, _severity(finding.metadata), f"{name}: {finding.message}"
    if item.error:
        yield "(error)", "deny", "", f"{name}: {item.error}"
    for change in item.changes:
        yield "(mutation)", "change", "", f"{name}: {change_line(change)}"


def _severity(metadata: object) -> str:
    """The severity that a policy's annotations give, whatever their prefix."""
    if not isinstance(metadata, dict):
        return ""
    return next((str(value) for key, value in metadata.items() if key.rpartition("/")[2] == "severity"), "")


def _name(item: Audited) -> str:
    request = item.request
    inside = request.namespace and request.resource.resource != "namespaces"
    return f"{request.kind.kind} {f'{request.namespace}/' if inside else ''}{request.name}"


def _text(value: str) -> Text:
    """As it stands, whatever markup it may hold: names and messages may come from a hostile tenant."""
    return Text(printable(value))
