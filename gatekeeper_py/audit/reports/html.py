"""One self-contained page: no outside request, light and dark, with a search and filters."""

from __future__ import annotations

import html
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from string import Template

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.table import summary
from gatekeeper_py.audit.reports.trend import trend
from gatekeeper_py.audit.result import SEVERITIES, Result
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.browser.contentpolicy import own
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.tenancy.isolation import LEVELS, Level

__all__ = ["content_security_policy", "report"]

UNRATED = "none"
"""Stands for no severity."""

COLUMNS = (*SEVERITIES, UNRATED)

NO_CLASS = "(none named)"
"""Stands for the runtime class of pods that the node's own runtime takes."""

ISOLATION: Mapping[Level, str] = {"vm": "VM", "sandbox": "sandbox", "none": "none"}

MOST_FINDINGS = 5000
MOST_UNREAD = 1000
MOST_WORKLOADS = 1000
"""Of which each is a row: more make a page that no browser is quick with. The counts hold all."""


@cache
def _template() -> str:
    return files("gatekeeper_py.audit.reports").joinpath("page.html").read_text(encoding="utf-8")


@cache
def content_security_policy() -> str:
    """By which the page runs its own script and style, and nothing else, whatever stands in it."""
    script, style = own(_template(), "script"), own(_template(), "style")
    nothing = "default-src 'none'; base-uri 'none'; form-action 'none'"
    return f"{nothing}; script-src {script}; style-src {style}; img-src data:"


def report(outcome: Outcome) -> str:
    """The page."""
    found = outcome.results
    return Template(_template()).substitute(
        security=content_security_policy(),
        summary=_text(summary(outcome)),
        time=_text(f"as of {outcome.time}" if outcome.time else ""),
        unread=_unread(outcome) + _undefined(outcome),
        trend=trend(outcome),
        waivers=_waivers(found),
        tenants=_counted("Tenants", "Tenant", ((each.tenant, each) for each in found)),
        policies=_counted("Policies", "Policy", ((each.policy, each) for each in found)),
        classes=_classes(outcome),
        workloads=_workloads(outcome),
        choices=_choices(found[:MOST_FINDINGS]),
        cut=_cut(found),
        findings="\n".join(_finding(outcome, result) for result in found[:MOST_FINDINGS]),
    )


def _text(value: str) -> str:
    """As it stands, whatever markup it may hold: names and messages may come from a hostile tenant."""
    return html.escape(printable(value))


def _unread(outcome: Outcome) -> str:
    return _told('class="unread" role="alert"', "Not audited", outcome.not_audited)


def _undefined(outcome: Outcome) -> str:
    return _told('role="note"', "Kinds without a definition", outcome.undefined)


def _told(attributes: str, title: str, lines: Sequence[object]) -> str:
    if not lines:
        return ""
    told = "".join(f"<li>{_text(str(line))}</li>" for line in lines[:MOST_UNREAD])
    if (more := len(lines) - MOST_UNREAD) > 0:
        told += f"<li>and {more} more</li>"
    return f"<section {attributes}><h2>{title}</h2><ul>{told}</ul></section>"


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> str:
    """A table whose first columns are names, and all others are counts."""
    body = "".join(_row(head, row, names) for row in rows)
    heads = "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
    shown = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f"<section><h2>{_text(title)}</h2>{shown}</section>" if body else ""


def _row(head: Sequence[str], row: Sequence[str], names: int) -> str:
    cells = (
        f'<td data-name="{_text(name)}"{"" if number < names else " class=count"}>{_text(value)}</td>'
        for number, (name, value) in enumerate(zip(head, row, strict=True))
    )
    return f"<tr>{''.join(cells)}</tr>"


def _counted(title: str, name: str, found: Iterable[tuple[str, Result]]) -> str:
    """Findings by a name and by severity."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for key, result in found:
        counts[key][_severity(result)] += 1
    rows = [(key, *(str(each[column] or "") for column in COLUMNS)) for key, each in sorted(counts.items())]
    return _table(title, (name, *COLUMNS), rows)


def _classes(outcome: Outcome) -> str:
    """How many workloads run in which runtime class, by tenant; and how well that isolates them."""
    counts = outcome.runtime_classes
    names = sorted({name for _, name in counts}, key=lambda name: (_rank(outcome, name), name))
    tenants = sorted({tenant for tenant, _ in counts})
    rows = [(tenant, *(str(counts.get((tenant, name)) or "") for name in names)) for tenant in tenants]
    head = (f"{name or NO_CLASS}: {ISOLATION[outcome.isolation_of(name)]}" for name in names)
    return _table("Runtime classes", ("Tenant", *head), rows)


def _workloads(outcome: Outcome) -> str:
    """The workloads themselves, the least isolated first."""
    made = [item for item in outcome.audited if item.target.runtime_class is not None]
    made.sort(key=lambda item: (_rank(outcome, item.target.runtime_class or ""), item.tenant))
    rows = [_workload(outcome, item) for item in made[:MOST_WORKLOADS]]
    more = len(made) - len(rows)
    title = f"Workloads, the least isolated first{f' ({more} more are not shown)' if more else ''}"
    shown = _table(title, ("Isolation", "Tenant", "Object", "Runtime class"), rows, names=4)
    return f"<details><summary>{len(made)} workloads</summary>{shown}</details>" if rows else ""


def _workload(outcome: Outcome, item: Audited) -> Sequence[str]:
    target, name = item.target, item.target.runtime_class or ""
    where = f"{target.home}/" if target.home else ""
    subject = f"{target.kind.kind} {where}{target.name}"
    return ISOLATION[outcome.isolation_of(name)], item.tenant, subject, name or NO_CLASS


def _rank(outcome: Outcome, name: str) -> int:
    return LEVELS.index(outcome.isolation_of(name))


def _waivers(found: Iterable[Result]) -> str:
    """What is waived, that which ends first before the rest."""
    counted = Counter((each.waived, each.policy) for each in found if each.waived is not None)
    rows = [
        (
            *(waived.waiver, policy, waived.reason, waived.approved_by),
            *(str(waived.expires), str(waived.days_left), str(count)),
        )
        for (waived, policy), count in sorted(
            counted.items(), key=lambda each: (each[0][0].days_left, each[0][0].waiver, each[0][1])
        )
    ]
    head = ("Waiver", "Policy", "Reason", "Approved by", "Until", "Days left", "Objects")
    return _table("Waivers in use", head, rows, names=5)


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


def _cut(found: Sequence[Result]) -> str:
    """That not all is listed, where it is not: what is filtered out of the rest is nowhere."""
    if len(found) <= MOST_FINDINGS:
        return ""
    return f'<p class="cut" role="note">{LISTED.format(MOST_FINDINGS, len(found))}</p>'


LISTED = (
    "Listed and searched are the worst {} of {} findings. The counts above hold all, and "
    "<code>-o csv</code> and <code>-o json</code> list all."
)


def _finding(outcome: Outcome, result: Result) -> str:
    place = result.place
    new = " (new)" if outcome.baseline is not None and outcome.is_new(result) else ""
    severity = _severity(result)
    cells = {
        "Severity": severity,
        "Action": result.level + new,
        "Tenant": result.tenant,
        "Object": result.subject,
        "Policy": result.policy,
        "Message": result.message,
        "Place": f"{place.path}:{place.line}" if place.line else place.path,
    }
    data = {"severity": severity, "level": result.level, "tenant": result.tenant, "policy": result.policy}
    named = "".join(f' data-{name}="{_text(value)}"' for name, value in data.items())
    shown = "".join(f'<td data-name="{name}">{_text(value)}</td>' for name, value in cells.items())
    return f"<tr{named}>{shown}</tr>"


def _severity(result: Result) -> str:
    return result.severity if result.severity in SEVERITIES else UNRATED
