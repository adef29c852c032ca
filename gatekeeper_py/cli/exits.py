"""How a command ends when it cannot do what it was asked."""

from __future__ import annotations

from typing import IO, Any

import click

__all__ = ["BAD_INPUT", "DENIED", "InputError"]

DENIED = 1
"""Exit code: something is denied or violates."""

BAD_INPUT = 2
"""Exit code: the input or the command line cannot be used. click uses the same for wrong options."""


class InputError(click.ClickException):
    """Input that cannot be used: each line says where, what, and what to do. Exit code 2."""

    exit_code = BAD_INPUT

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message on stderr, as it is: editors jump to `file:line:column`."""
        click.echo(self.format_message(), file=file, err=file is None)
