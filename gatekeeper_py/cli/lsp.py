"""`gatekeeper lsp`: the language server of policies, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.pathname import Pathname

__all__ = ["command"]

LIBRARIES = ("pygls", "lsprotocol")
LACKING = "the language server needs pygls: pip install 'gatekeeper_py[editor]'"


@click.command("lsp")
@click.option(
    "--policies",
    metavar="DIR",
    type=Pathname(path_type=Path, file_okay=False, exists=True),
    help="Folder that is looked at as a whole. [default: policies in the workspace, or the file's folder]",
)
def command(policies: Path | None) -> None:
    """Serve editors over standard input and output, as the Language Server Protocol has it.

    docs/editors.md says how VS Code and Neovim start it.
    """
    try:
        from gatekeeper_py.authoring.editor.language_server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LIBRARIES:
            raise
        raise InputError(LACKING) from error
    make_server(policies).start_io()
