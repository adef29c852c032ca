"""The bill for people: who pays how much for what, what is idle, and what nodes of their own would cost."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper_py.billing.bill import Bill
from gatekeeper_py.billing.comparison import compare
from gatekeeper_py.billing.figures import amount, money
from gatekeeper_py.billing.grouping import by
from gatekeeper_py.policy.admission.text import printable

__all__ = ["report", "summary"]

WIDTH = 160
"""Columns when nobody says how many there are."""
SIZE_DIGITS = 3
"""Behind the point of processors and memory."""


def report(bill: Bill, keys: Sequence[str], width: int | None = None) -> str:
    """The tables, and a line that sums them up; `width` None takes WIDTH."""
    output = io.StringIO()
    console = Console(file=output, width=width or WIDTH, force_terminal=width is not None)
    for table in (_groups(bill, keys), _idle(bill), _comparison(bill)):
        if table.row_count:
            console.print(table)
    if bill.problems:
        console.print(Text("Not billed:", "bold red"))
    for problem in bill.problems:
        console.print(Text(printable(f"  {problem}")), soft_wrap=True)
    console.print(summary(bill), highlight=False, soft_wrap=True)
    return output.getvalue()


def summary(bill: Bill) -> str:
    """`30 pods, 812.40 USD for 730 hours`, and what else there is to know."""
    period = f"for {amount(bill.period.hours, SIZE_DIGITS)} hours"
    parts = [f"{len(bill.pods)} pods, {money(bill.charged)} {bill.sheet.currency} {period}"]
    if bill.idle:
        parts.append(f"{money(bill.total)} {bill.sheet.currency} with idle nodes")
    if bill.waiting:
        parts.append(f"{len(bill.waiting)} pods wait for a node and cost nothing yet")
    if bill.problems:
        parts.append(f"{len(bill.problems)} not billed")
    if bill.lacks:
        parts.append(bill.lacks)
    return ", ".join(parts)


def _groups(bill: Bill, keys: Sequence[str]) -> Table:
    cost = f"Cost ({bill.sheet.currency})"
    sizes = ("vCPU", "GiB", "overhead vCPU", "overhead GiB", "vCPU-hours paid", "GiB-hours paid")
    table = _table("", [key.capitalize() for key in keys], ("Pods", *sizes, cost))
    for group in by(bill, keys):
        requests, overhead = group.requests, group.overhead
        amounts = (requests.cpu, requests.gib, overhead.cpu, overhead.gib, group.vcpu_hours, group.gib_hours)
        figures = (str(group.pods), *(amount(each, SIZE_DIGITS) for each in amounts), money(group.cost))
        _add(table, group.names, figures)
    return table


def _idle(bill: Bill) -> Table:
    table = _table("Idle", ("Node", "Price"), ("unused vCPU", "unused GiB", f"Cost ({bill.sheet.currency})"))
    for each in bill.idle:
        sizes = (amount(each.unused.cpu, SIZE_DIGITS), amount(each.unused.gib, SIZE_DIGITS))
        _add(table, (each.node, each.price), (*sizes, money(each.cost)))
    return table


def _comparison(bill: Bill) -> Table:
    currency = bill.sheet.currency
    figures = (f"As billed ({currency})", "Nodes", f"Cost ({currency})", f"of it idle ({currency})")
    table = _table("Were each tenant on nodes of its own", ("Tenant", "Node"), figures)
    for each in compare(bill):
        costs = (money(each.billed), str(each.nodes), money(each.cost), money(each.idle_cost))
        _add(table, (each.tenant, each.price), costs)
    return table


def _table(title: str, names: Iterable[str], figures: Iterable[str]) -> Table:
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in figures:
        table.add_column(name, justify="right")
    return table


def _add(table: Table, names: Iterable[str], figures: Iterable[str]) -> None:
    """A row; names come from tenants, so they stand as they are."""
    table.add_row(*(Text(printable(name)) for name in names), *figures)
