"""The table on a terminal."""

from __future__ import annotations

import re

import pytest

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import json
from gatekeeper_py.audit.reports.table import report
from tests.audit.support import EVERYTHING, NASTY, WEB

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def plain(outcome: Outcome, width: int | None = None) -> list[str]:
    return [" ".join(line.split()) for line in COLOURS.sub("", report(outcome, width)).splitlines()]


def test_it_is_by_tenant_and_policy_the_worst_first() -> None:
    rows = plain(EVERYTHING)
    assert rows[0] == "Tenant Policy Action Severity Objects"
    assert rows[2] == "(cluster-wide) (error) deny Node n1 (apps/web 1.yaml:2): no tenancy"
    assert rows[-7:] == [
        "foo no-host deny critical Deployment foo/web (apps/web 1.yaml:2): uses the host",
        "foo pinned warn low Deployment foo/web (apps/web 1.yaml:2): pin the image",
        "foo (drift) drift Deployment foo/web (apps/web 1.yaml:2): metadata.labels.team: foo",
        "Not audited:",
        "secrets.yaml:4:2: not valid YAML. Correct the line",
        "v1 Secret: may not be listed",
        "4 objects, 2 violating, 2 not audited",
    ]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_it_fits_the_terminal_and_cuts_no_name(width: int) -> None:
    text = COLOURS.sub("", report(EVERYTHING, width))
    table = text.partition("Not audited")[0]
    assert max(map(len, table.splitlines())) <= width
    assert "\u2026" not in table


def test_nothing_in_it_steers_the_terminal() -> None:
    assert "\x1b" not in COLOURS.sub("", report(Outcome((NASTY,)), 80))


def test_what_is_new_is_marked() -> None:
    earlier = json.baseline(json.report(Outcome((NASTY,))))
    rows = plain(Outcome((WEB, NASTY), baseline=earlier))
    assert "foo no-host deny critical new: Deployment foo/web (apps/web 1.yaml:2): uses the host" in rows
    assert rows[-1] == "2 objects, 1 violating, 3 new, 1 unchanged, 0 fixed"
