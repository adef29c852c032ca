"""Paths on the command line."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["Pathname"]

EMPTY = "the path is empty, as of a variable that is not set. Name a file or folder"


class Pathname(click.Path):
    """A path that is not empty, which Python takes for the current folder: it is a variable that is not set."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, as click makes it."""
        if value == "":
            self.fail(
                "the path is empty, as of a variable that is not set. Name a file or folder", param, ctx
            )
        return super().convert(value, param, ctx)
