"""`gatekeeper test`: do the policies do what their suites say?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gatekeeper_py.cli import collector_paused
from gatekeeper_py.cli.pathname import Pathname

__all__ = ["command"]


@click.command("test")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=Pathname(path_type=Path))
@click.option("-v", "--verbose", is_flag=True, help="Name every case, not only those that fail.")
@click.option("-k", "chosen", default="", metavar="TEXT", help="Try only cases with this in path or name.")
@click.option("--allow-no-suites", is_flag=True, help="Go on when a path holds no suite.")
@click.option(
    "--junit",
    "report",
    metavar="FILE",
    type=Pathname(path_type=Path, dir_okay=False),
    help="Write how every case went as JUnit's XML.",
)
@click.option("--coverage", "covers", is_flag=True, help="Say which parts of the policies no case shows.")
@click.option(
    "--min-coverage",
    "least",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    help="Fail when less of the policies is shown.",
)
@click.option("--watch", "watches", is_flag=True, help="Go on: at each edit run again what it touches.")
@click.pass_context
def command(context: click.Context, /, paths: tuple[Path, ...], *, watches: bool, **options: Any) -> None:
    """Run the suites (*_test.yaml) among files and folders of policies.

    Exit code 0: all cases pass, 1: some fail or too little is covered, 2: a suite or its policies cannot be
    read.
    """
    with collector_paused():
        from gatekeeper_py.cli import testing

    if watches:
        testing.watch(paths, testing.Choice(**options))
    else:
        context.exit(testing.test(paths, testing.Choice(**options)))
