"""`gatekeeper audit`: what exists, or is about to, and should not?

Only the options: what they ask for is done in `auditing.py`, so that `--help` need not import it.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import click

from gatekeeper_py.cli import collector_paused
from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.options import (
    F,
    allow_no_objects_option,
    allow_no_policies_option,
    cluster_option,
    defaults_option,
    duration_of,
    files_option,
    kubeconfig_option,
    policies_option,
    requester_options,
    shard_option,
    since_option,
    validate_option,
)
from gatekeeper_py.cli.processors import processors
from gatekeeper_py.cli.reportoptions import NO_FAIL, TREND, report_options, scope_options

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


WATCH_OPTIONS: Final = ("every", "host", "port", "max_view_age")
"""What is asked for with --watch alone."""


def watch_options(function: F) -> F:
    """`--watch`, and how."""
    options = (
        click.option("--watch", is_flag=True, help="Go on auditing --kubeconfig: see above."),
        click.option(
            "--every",
            callback=duration_of,
            default="10m",
            show_default=True,
            metavar="TIME",
            help="With --watch: how often everything is judged again, whatever changes.",
        ),
        click.option(
            "--host",
            default="127.0.0.1",
            show_default=True,
            help="With --watch: address to listen on. Nobody logs in: see docs/background.md.",
        ),
        click.option(
            "--port",
            default=8088,
            show_default=True,
            type=click.IntRange(0, 65535),
            help="With --watch: 0 takes a free one.",
        ),
        click.option(
            "--max-view-age",
            default=30,
            show_default=True,
            metavar="SECONDS",
            type=click.IntRange(15),
            help="With --watch: how old what is known of a kind may be. All goes well at 12 s.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("audit", cls=_WithSubcommands)
@policies_option
@cluster_option
@report_options
@NO_FAIL
@TREND
@files_option(required=False)
@kubeconfig_option
@click.option(
    "--control-plane",
    metavar="NAME",
    help="What exists at a tenant's own API server, which this ControlPlane of --policies or --kubeconfig "
    "describes. The host is --kubeconfig, or --cluster.",
)
@click.option(
    "--existing", is_flag=True, help="Take -f for what exists: judge it as it is, and tell what drifted."
)
@defaults_option
@requester_options
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
    default=processors,
    help="Processes that judge. [default: one a processor]",
)
@allow_no_policies_option
@allow_no_objects_option
@watch_options
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Review what exists in a live cluster (--kubeconfig), or what authors are about to submit (-f).

    What exists is judged as it is, as if it were created now; the report also says what mutating policies
    would change (drift). Files are judged as they would be admitted, mutation first, as `review` does. All
    objects of -f and --cluster exist at the same time.

    With --control-plane that is what exists at a tenant's own API server, judged as it is answered there. One
    that does not answer is not audited.

    `gatekeeper audit cost` says what each tenant's pods cost.

    With --watch it goes on: an object of --kubeconfig is judged when it appears or changes, --write keeps its
    report as it is, and a port serves the page, /report.json, /metrics, /healthz and /readyz in plain HTTP.
    Whoever reaches that port reads the names of all tenants' objects.

    Exit code 0: clean, 1: something would be denied, 2: error, or something was not audited.
    """
    if given.pop("watch"):
        _watch(context, given)
        return
    for name in WATCH_OPTIONS:
        if _is_given(context, name):
            raise InputError(f"--{name.replace('_', '-')} goes with --watch")
        given.pop(name)
    with collector_paused():
        from gatekeeper_py.cli.auditing import audit

    audit(context, **given)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


WATCHED: Final = frozenset(("policies", "kubeconfig", "write", "watch", "allow_no_policies", *WATCH_OPTIONS))
"""Options that --watch knows. It has no exit code to speak of, and so nothing not to fail for."""


def _watch(context: click.Context, given: dict[str, Any]) -> None:
    for parameter in context.command.params:
        name = str(parameter.name)
        if name not in WATCHED and _is_given(context, name):
            raise InputError(f"{parameter.opts[-1]} does not go with --watch, which audits all of a cluster")
    if given["kubeconfig"] is None:
        raise InputError("--watch needs the --kubeconfig of a cluster")
    from gatekeeper_py.cli.auditing import DIALECTS
    from gatekeeper_py.cli.watching import Watch, watch
    from gatekeeper_py.webhook.origin import Demands

    none = given["allow_no_policies"]
    watch(
        Watch(
            dialect=None if given["write"] is None else DIALECTS[given["write"]],
            demands=Demands(policies=not none, tenants=False),
            **{name: given[name] for name in ("policies", "kubeconfig", *WATCH_OPTIONS)},
        )
    )
