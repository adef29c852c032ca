"""`gatekeeper audit`: what exists, or is about to, and should not?

Only the options: what they ask for is imported when it is done, so that `--help` and completion are quick.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from gatekeeper_py.cli.options import (
    allow_no_objects_option,
    allow_no_policies_option,
    cluster_option,
    defaults_option,
    files_option,
    kubeconfig_option,
    output_option,
    policies_option,
    validate_option,
)

__all__ = ["command"]

FORMS: Final = (
    "table",
    "json",
    "csv",
    "markdown",
    "sarif",
    "junit",
    "policyreport",
    "openreports",
    "github",
    "html",
)
SEVERITIES: Final = ("critical", "high", "medium", "low")
"""Those of findings, the worst first."""


def _named(option: str, name: str, text: str) -> Callable[[Any], Any]:
    """An option that narrows the report, repeatable."""
    return click.option(option, name, multiple=True, metavar="NAME", help=f"{text} May be repeated.")


class _Audit(click.Command):
    """`audit`; of `audit cost` what follows belongs to the bill."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of whichever is asked for."""
        if args[:1] != ["cost"]:
            return super().make_context(info_name, args, parent, **extra)
        from gatekeeper_py.cli import cost

        return cost.command.make_context(f"{info_name} cost", args[1:], parent, **extra)


@click.command("audit", cls=_Audit)
@policies_option
@cluster_option
@output_option(*FORMS)
@files_option(required=False)
@kubeconfig_option
@click.option(
    "--existing", is_flag=True, help="Take -f for what exists: judge it as it is, and tell what drifted."
)
@defaults_option
@validate_option
@_named("--tenant", "tenants", "Report only objects of this tenant.")
@_named("--namespace", "namespaces", "Report only objects in this namespace.")
@_named("--kind", "kinds", "Report only objects of this kind.")
@_named("--policy", "names", "Report only findings of this policy.")
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default=SEVERITIES[-1],
    help="Report only findings as severe as this, and those of no severity.",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="Exit code 1 for any finding as severe as this. [default: for what would be denied]",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An earlier report (-o json): tell what is new, unchanged and fixed; exit code 1 for what is new.",
)
@allow_no_policies_option
@allow_no_objects_option
@click.option("--allow-not-audited", is_flag=True, help="Exit code 2 no more for what cannot be audited.")
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

    context.exit(audit(**given))
