"""Paths on the command line."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["Pathname"]

EMPTY = "the path is empty, as of a variable that is not set. Name a file or folder"


class Pathname(click.Path):
    """A path that is not empty: Python takes that for the current folder, whoever wrote it for another."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, as click makes it."""
        if value == "":
            self.fail(
                "the path is empty, as of a variable that is not set. Name a file or folder", param, ctx
            )
        return super().convert(value, param, ctx)
