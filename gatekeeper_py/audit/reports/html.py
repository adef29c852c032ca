"""One self-contained page: no outside request, light and dark, with a search and filters."""

from __future__ import annotations

import html
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from string import Template

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.table import summary
from gatekeeper_py.audit.result import SEVERITIES, Result
from gatekeeper_py.policy.admission.text import printable

__all__ = ["report"]

UNRATED = "none"
"""Stands for no severity."""

COLUMNS = (*SEVERITIES, UNRATED)

NO_CLASS = "(none named)"
"""Stands for the runtime class of pods that the node's own runtime takes."""


def report(outcome: Outcome) -> str:
    """The page."""
    page = Template(files("gatekeeper_py.audit.reports").joinpath("page.html").read_text(encoding="utf-8"))
    return page.substitute(
        summary=_text(summary(outcome)),
        unread=_unread(outcome),
        tenants=_counted("Tenants", "Tenant", ((each.tenant, each) for each in outcome.results)),
        policies=_counted("Policies", "Policy", ((each.policy, each) for each in outcome.results)),
        classes=_classes(outcome),
        choices=_choices(outcome.results),
        findings="\n".join(_finding(outcome, result) for result in outcome.results),
    )


def _text(value: str) -> str:
    """As it stands, whatever markup it may hold: names and messages may come from a hostile tenant."""
    return html.escape(printable(value))


def _unread(outcome: Outcome) -> str:
    if not outcome.not_audited:
        return ""
    told = "".join(f"<li>{_text(str(problem))}</li>" for problem in outcome.not_audited)
    return f'<section class="unread"><h2>Not audited</h2><ul>{told}</ul></section>'


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is a name, and all others are counts."""
    names = "".join(f"<th>{_text(name)}" for name in head)
    body = "".join(
        f"<tr><td>{_text(row[0])}{''.join(f'<td class=count>{count}' for count in row[1:])}</tr>"
        for row in rows
    )
    return f'<h2>{title}</h2><div class="scroll"><table><tr>{names}</tr>{body}</table></div>' if body else ""


def _counted(title: str, name: str, found: Iterable[tuple[str, Result]]) -> str:
    """Findings by a name and by severity."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for key, result in found:
        counts[key][_severity(result)] += 1
    rows = [(key, *(str(each[column] or "") for column in COLUMNS)) for key, each in sorted(counts.items())]
    return _table(title, (name, *COLUMNS), rows)


def _classes(outcome: Outcome) -> str:
    """How many workloads run in which runtime class, by tenant."""
    counts = outcome.runtime_classes
    classes = sorted({name for _, name in counts})
    tenants = sorted({tenant for tenant, _ in counts})
    rows = [(tenant, *(str(counts.get((tenant, name)) or "") for name in classes)) for tenant in tenants]
    return _table("Runtime classes", ("Tenant", *(name or NO_CLASS for name in classes)), rows)


def _choices(found: Sequence[Result]) -> str:
    """A list to choose from for each thing that findings are filtered by."""
    values: dict[str, Sequence[str]] = {
        "severity": [name for name in COLUMNS if any(_severity(each) == name for each in found)],
        "level": sorted({each.level for each in found}),
        "tenant": sorted({each.tenant for each in found}),
        "policy": sorted({each.policy for each in found}),
    }
    return "".join(_choice(name, options) for name, options in values.items())


def _choice(name: str, options: Sequence[str]) -> str:
    shown = "".join(f'<option value="{_text(option)}">{_text(option)}</option>' for option in options)
    return f'<select name="{name}" aria-label="{name}"><option value="">any {name}</option>{shown}</select>'


def _finding(outcome: Outcome, result: Result) -> str:
    place = result.place
    new = " (new)" if outcome.baseline is not None and outcome.is_new(result) else ""
    cells = (
        result.level + new,
        result.tenant,
        result.subject,
        result.policy,
        result.message,
        f"{place.path}:{place.line}" if place.line else place.path,
    )
    severity = _severity(result)
    data = {"severity": severity, "level": result.level, "tenant": result.tenant, "policy": result.policy}
    named = "".join(f' data-{name}="{_text(value)}"' for name, value in data.items())
    return f'<tr{named}><td class="{_class(severity)}">{_text(severity)}{"".join(_cells(cells))}</tr>'


def _cells(values: Iterable[str]) -> Iterator[str]:
    return (f"<td>{_text(value)}" for value in values)


def _severity(result: Result) -> str:
    return result.severity if result.severity in SEVERITIES else UNRATED


def _class(severity: str) -> str:
    return severity if severity in SEVERITIES else ""
