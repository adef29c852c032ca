"""The `gatekeeper` command: one module a subcommand, imported only when it is asked for."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gatekeeper_py import __version__
from gatekeeper_py.cli.exits import BAD_INPUT

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["COMMANDS", "COMPLETION_VARIABLE", "PROGRAM", "collector_paused", "main"]

PROGRAM = "gatekeeper"
COMPLETION_VARIABLE = "_GATEKEEPER_COMPLETE"
"""What a shell asks by; see `completion`."""

COMMANDS: dict[str, str] = {
    "audit": "Say what already exists and should not.",
    "certs": "Make certificates for development.",
    "completion": "Print what lets a shell complete commands and options.",
    "coverage": "Say how every kind that a cluster serves is judged.",
    "explain": "Show what every part of a policy's expressions gives.",
    "fmt": "Lay out policies and the CEL in them.",
    "import": "Turn policies of Kyverno and OPA Gatekeeper into native ones.",
    "init": "Draft a first folder of policies for a cluster.",
    "install": "Print or apply what the engine needs in a cluster.",
    "lint": "Say what is wrong with policies, tenants and suites.",
    "new": "Write a new policy and its suite.",
    "lsp": "Serve editors: findings, completion, hover, quick fixes.",
    "playground": "Try policies on a page of this machine while you type.",
    "review": "Decide about manifests or AdmissionReviews.",
    "schemas": "Print the JSON Schema of policies, tenants and suites.",
    "serve": "Answer the API server over HTTPS.",
    "status": "Show a running server on one screen.",
    "tenants": "Render what belongs into a tenant's namespaces.",
    "test": "Run the test suites of policies.",
    "uninstall": "Take the engine out of a cluster.",
}
"""Subcommands with their one-line help, here so that `gatekeeper --help` imports none of them."""


MODULES = {"import": "importing"}
"""Modules of commands that Python lets no module be called."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Import what a command needs in this: modules stay, and to look for garbage among them took a tenth of
    the time of an import."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class LazyGroup(click.Group):
    """Imports `gatekeeper_py.cli.<name>` when the subcommand `<name>` runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - of click
        """Every subcommand, by name."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - of click
        """The subcommand's `command`, or None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        with collector_paused():
            module = importlib.import_module(f"gatekeeper_py.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What may stand next: a key must not take as long as importing every subcommand."""
        from click.shell_completion import CompletionItem

        commands = sorted(COMMANDS.items())
        named = [CompletionItem(name, help=told) for name, told in commands if name.startswith(incomplete)]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - of click
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="gatekeeper", message="%(prog)s %(version)s")
def gatekeeper() -> None:
    """Admission control and tenancy policies for Kubernetes.

    Exit codes: 0 all is well, 1 something is denied or violates, 2 bad input.
    """


def main() -> None:
    """Run the command line; the exit code says the outcome. An error of ours is one line, not a traceback."""
    try:
        gatekeeper.main(prog_name=PROGRAM, complete_var=COMPLETION_VARIABLE)
    except Exception as error:
        if os.environ.get("GATEKEEPER_DEBUG"):
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename}:{frame.lineno}"
        click.echo(f"internal error: {type(error).__name__}: {error} at {place}", err=True)
        click.echo("Please report it; GATEKEEPER_DEBUG=1 shows the whole traceback.", err=True)
        sys.exit(BAD_INPUT)
