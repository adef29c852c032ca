"""Report and ClusterReport of OpenReports (openreports.io/v1alpha1), shaped as those of the working group."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import policyreport
from gatekeeper_py.audit.reports.policyreport import Dialect

__all__ = ["OPEN_REPORTS", "pieces", "report"]

OPEN_REPORTS = Dialect("openreports.io/v1alpha1", "Report", "ClusterReport")


def report(outcome: Outcome) -> str:
    """A List as JSON."""
    return "".join(pieces(outcome))


def pieces(outcome: Outcome) -> Iterator[str]:
    """The same, a report at a time."""
    return policyreport.pieces(outcome, OPEN_REPORTS)
