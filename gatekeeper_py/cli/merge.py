"""`gatekeeper audit merge`: several reports as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from gatekeeper_py.audit.outcome import Outcome, Rest
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.cli.reporting import conclude, read_report
from gatekeeper_py.cli.reportoptions import TREND, report_options
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.manifests.undefined import together
from gatekeeper_py.tenancy.isolation import LEVELS, Level

__all__ = ["command", "merged"]


@click.command("merge")
@click.argument("reports", nargs=-1, required=True, metavar="REPORT...", type=Pathname(path_type=Path))
@report_options
@TREND
@click.pass_context
def command(
    context: click.Context,
    reports: tuple[Path, ...],
    output: str,
    fail_on: str | None,
    baseline: Path | None,
    allow_not_audited: bool,
    trend: tuple[Path, ...],
) -> None:
    """Put reports (-o json) together, of the shards of one cluster or of several clusters, in any form.

    What one of them could not look at is not audited; and neither is a shard that is not among them.

    Exit code 0: clean, 1: something would be denied, 2: error, or something was not audited.
    """
    outcome = merged([read_report(path) for path in reports])
    conclude(context, outcome, output, fail_on, baseline, allow_not_audited=allow_not_audited, trend=trend)


def merged(outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome of several. An object that two of them list at the same place is listed once."""
    listed = {(item.target, item.tenant): item for outcome in outcomes for item in outcome.audited}
    problems = dict.fromkeys(problem for outcome in outcomes for problem in outcome.not_audited)
    classes: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        classes.update(outcome.rest.runtime_classes)
    return Outcome(
        tuple(listed.values()),
        (*problems, *_missing_shards(outcomes)),
        rest=Rest(sum(outcome.rest.objects for outcome in outcomes), classes),
        time=max(outcome.time for outcome in outcomes),
        isolation=_isolation(outcomes),
        undefined=together(each for outcome in outcomes for each in outcome.undefined),
    )


def _isolation(outcomes: Sequence[Outcome]) -> Mapping[str, Level]:
    """Of a class that two clusters have, what it gives in the weaker one."""
    found: dict[str, Level] = {}
    for outcome in outcomes:
        for name, level in outcome.isolation.items():
            found[name] = min(found.get(name, level), level, key=LEVELS.index)
    return found


def _missing_shards(outcomes: Sequence[Outcome]) -> Iterator[Problem]:
    given = {outcome.shard for outcome in outcomes}
    for of in sorted({of for _, of in given}):
        for index in range(of):
            if (index, of) not in given:
                yield Problem(f"shard {index}/{of}", 0, 0, "its report is not among these", "Add it")
