"""`gatekeeper completion`: a shell completes commands, options and files.

The script asks `gatekeeper` itself at every key, and click answers from the parser by which the command line
is read: whatever a command takes is completed from the day on which it takes it.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from gatekeeper_py.cli import COMPLETION_VARIABLE, PROGRAM

__all__ = ["command"]

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes commands, options and files.

    \b
    bash:  eval "$(gatekeeper completion bash)" in ~/.bashrc (bash 4.4 or later)
    zsh:   eval "$(gatekeeper completion zsh)" in ~/.zshrc, after compinit
    fish:  gatekeeper completion fish > ~/.config/fish/completions/gatekeeper.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    script = made(context.find_root().command, {}, PROGRAM, COMPLETION_VARIABLE)
    click.echo(script.source_template % script.source_vars())
