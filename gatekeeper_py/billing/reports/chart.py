"""One self-contained page, a bar for each tenant or whatever the bill is by, without a script."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from importlib.resources import files
from string import Template

from gatekeeper_py.billing.bill import Bill
from gatekeeper_py.billing.comparison import compare
from gatekeeper_py.billing.figures import amount, money
from gatekeeper_py.billing.grouping import Group, by
from gatekeeper_py.billing.reports.statement import summary
from gatekeeper_py.objects.requests import Resources
from gatekeeper_py.policy.admission.text import printable

__all__ = ["report"]

WIDEST = 100
"""Percent of the page that the dearest has."""
SIZE_DIGITS = 3


def report(bill: Bill, keys: Sequence[str]) -> str:
    """The page."""
    page = Template(files("gatekeeper_py.billing.reports").joinpath("chart.html").read_text(encoding="utf-8"))
    return page.substitute(
        summary=_text(summary(bill)),
        unbilled=_unbilled(bill),
        title=_text(" and ".join(keys)),
        bars="\n".join(_bars(bill, keys)),
        comparison=_comparison(bill),
    )


def _text(value: str) -> str:
    """As it stands, whatever markup it may hold: names may come from a hostile tenant."""
    return html.escape(printable(value))


def _unbilled(bill: Bill) -> str:
    if not bill.problems:
        return ""
    told = "".join(f"<li>{_text(str(problem))}</li>" for problem in bill.problems)
    return f'<section class="unbilled"><h2>Not billed</h2><ul>{told}</ul></section>'


def _bars(bill: Bill, keys: Sequence[str]) -> Iterator[str]:
    groups = by(bill, keys)
    idle = sum((each.cost for each in bill.idle), Fraction(0))
    dearest = max((idle, *(group.cost for group in groups)), default=Fraction(0))
    yield from (_bar(", ".join(group.names), group.cost, dearest, "used", _sizes(group)) for group in groups)
    if bill.idle:
        yield _bar("idle", idle, dearest, "idle", f"{len(bill.idle)} nodes")


def _bar(name: str, cost: Fraction, dearest: Fraction, kind: str, told: str) -> str:
    width = amount(cost * WIDEST / dearest, 2) if dearest else "0"
    bar = f'<rect class="{kind}" width="{width}%" height="100%"/>'
    return (
        f'<div class="row"><span>{_text(name)}</span>'
        f'<svg role="img" aria-label="{money(cost)}">{bar}</svg>'
        f"<b>{money(cost)}</b><small>{_text(told)}</small></div>"
    )


def _sizes(group: Group) -> str:
    told = f"{group.pods} pods, {_size(group.requests)}"
    overhead = group.overhead
    return f"{told}, of it overhead {_size(overhead)}" if overhead.cpu or overhead.memory else told


def _size(resources: Resources) -> str:
    return f"{amount(resources.cpu, SIZE_DIGITS)} vCPU, {amount(resources.gib, SIZE_DIGITS)} GiB"


def _comparison(bill: Bill) -> str:
    rows = [
        (
            each.tenant,
            each.price,
            money(each.billed),
            str(each.nodes),
            money(each.cost),
            money(each.idle_cost),
        )
        for each in compare(bill)
    ]
    if not rows:
        return ""
    head = ("Tenant", "Node", "As billed", "Nodes", "Cost", "of it idle")
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return f"<h2>Were each tenant on nodes of its own</h2><table><tr>{_cells('th', head)}</tr>{body}</table>"


def _cells(tag: str, values: Iterable[str]) -> str:
    return "".join(f"<{tag}>{_text(value)}</{tag}>" for value in values)
