"""`gatekeeper audit decisions`: who was denied what, by the logs of the server."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from gatekeeper_py.audit.denials import Denials
from gatekeeper_py.audit.outcome import Outcome, Scope
from gatekeeper_py.cli.options import since_option
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.cli.reporting import conclude
from gatekeeper_py.cli.reportoptions import report_options, scope_options
from gatekeeper_py.cli.sources import STANDARD_INPUT, read_policies
from gatekeeper_py.manifests.folder import opened
from gatekeeper_py.manifests.manifest import STDIN, ManifestError, Problem

__all__ = ["command"]


@click.command("decisions")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...|-", type=Pathname(allow_dash=True))
@click.option(
    "--policies",
    metavar="DIR",
    type=Pathname(path_type=Path),
    help="Folder of the policies: with it, findings have their severity and category.",
)
@click.option("--user", "users", multiple=True, metavar="NAME", help="Only of this user. May be repeated.")
@scope_options
@since_option
@report_options
@click.pass_context
def command(
    context: click.Context,
    logs: tuple[str, ...],
    policies: Path | None,
    users: tuple[str, ...],
    scope: Scope,
    since: datetime | None,
    output: str,
    fail_on: str | None,
    baseline: Path | None,
    allow_not_audited: bool,
) -> None:
    """Read decision logs, `-` for standard input: who was denied what, by tenant, policy, user and time.

    kubectl logs -n gatekeeper-system -l app.kubernetes.io/name=gatekeeper --tail=-1 |
    gatekeeper audit decisions -

    Exit code 0: nothing was denied, 1: something was, 2: error, or a log holds no decision or lacks some.
    """
    denials = Denials(_annotations(policies) if policies is not None else {}, since)
    unread = [problem for log in logs for problem in _take(denials, log)]
    found = denials.outcome()
    told = scope.select(item for item in found.audited if not users or item.target.asked_as in users)
    outcome = Outcome(told, (*unread, *found.not_audited), rest=found.rest)
    conclude(context, outcome, output, fail_on, baseline, allow_not_audited=allow_not_audited)


def _take(denials: Denials, log: str) -> Iterator[Problem]:
    """Read one log, or say why it cannot be read."""
    if log == STANDARD_INPUT:
        denials.take(STDIN, sys.stdin.buffer)
        return
    try:
        with opened(Path(log)) as file:
            denials.take(log, file)
    except ManifestError as error:
        yield from error.problems


def _annotations(policies: Path) -> Mapping[str, Mapping[str, str]]:
    """Those of every policy, by its name."""
    found: list[Mapping[str, Any]] = [each.object.get("metadata") or {} for each in read_policies(policies)]
    return {str(each["name"]): each["annotations"] for each in found if each.get("annotations")}
