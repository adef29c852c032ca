"""Report and ClusterReport of OpenReports (openreports.io/v1alpha1), shaped as those of the working group."""

from __future__ import annotations

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports.policyreport import Dialect, reports

__all__ = ["OPEN_REPORTS", "report"]

OPEN_REPORTS = Dialect("openreports.io/v1alpha1", "Report", "ClusterReport")


def report(outcome: Outcome) -> str:
    """A List as JSON."""
    return reports(outcome, OPEN_REPORTS)
