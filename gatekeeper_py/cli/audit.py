"""`gatekeeper audit`: what exists, or is about to, and should not?

Only the options: what they ask for is done in `auditing.py`, so that `--help` need not import it.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import click

from gatekeeper_py.cli.options import (
    allow_no_objects_option,
    allow_no_policies_option,
    cluster_option,
    defaults_option,
    files_option,
    kubeconfig_option,
    policies_option,
    shard_option,
    since_option,
    validate_option,
)
from gatekeeper_py.cli.reportoptions import NO_FAIL, report_options, scope_options

__all__ = ["command"]

KEPT: Final = ("policyreport", "openreports")
"""Forms of reports that a cluster may keep."""

SUBCOMMANDS = {
    "cost": "Bill each tenant for what its pods ask for.",
    "decisions": "Say by decision logs who was denied what.",
    "merge": "Put several reports together.",
}
"""What `audit` does besides auditing: modules of their own, imported when they are asked for."""


class _WithSubcommands(click.Command):
    """A command whose first argument may name one of its subcommands."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the subcommand, when one is named."""
        if not args or args[0] not in SUBCOMMANDS:
            return super().make_context(info_name, args, parent, **extra)
        found: click.Command = importlib.import_module(f"gatekeeper_py.cli.{args[0]}").command
        return found.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, and the subcommands."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(sorted(SUBCOMMANDS.items()))


def _processors() -> int:
    from gatekeeper_py.audit.workers import processors

    return processors()


@click.command("audit", cls=_WithSubcommands)
@policies_option
@cluster_option
@report_options
@NO_FAIL
@files_option(required=False)
@kubeconfig_option
@click.option(
    "--existing", is_flag=True, help="Take -f for what exists: judge it as it is, and tell what drifted."
)
@defaults_option
@validate_option
@scope_options
@click.option(
    "--write",
    type=click.Choice(KEPT),
    is_flag=False,
    flag_value="policyreport",
    help="Keep a report of every object in the cluster of --kubeconfig. [without a value: policyreport]",
)
@since_option
@shard_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=_processors,
    help="Processes that judge. [default: one a processor]",
)
@allow_no_policies_option
@allow_no_objects_option
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Review what exists in a live cluster (--kubeconfig), or what authors are about to submit (-f).

    What exists is judged as it is, as if it were created now; the report also says what mutating policies
    would change (drift). Files are judged as they would be admitted, mutation first, as `review` does. All
    objects of -f and --cluster exist at the same time.

    `gatekeeper audit cost` says what each tenant's pods cost.

    Exit code 0: clean, 1: something would be denied, 2: error, or something was not audited.
    """
    from gatekeeper_py.cli.auditing import audit

    audit(context, **given)
