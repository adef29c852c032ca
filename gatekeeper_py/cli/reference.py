"""All commands and options as a page: `python -m gatekeeper_py.cli.reference > docs/commands.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from gatekeeper_py.cli import COMMANDS, cost, gatekeeper

__all__ = ["APART", "page"]

APART: Mapping[str, click.Command] = {"audit cost": cost.command}
"""Commands that click does not know for what they are: `audit` takes other options without a word behind."""
HEAD = """\
# Commands

Made by `python -m gatekeeper_py.cli.reference > docs/commands.md`. Every command has `--help`. Exit codes:
0 all is well, 1 something is denied or violates, 2 bad input.
"""


def page() -> str:
    """Markdown: a section a command."""
    context = click.Context(gatekeeper, info_name="gatekeeper")
    sections = [
        section
        for name in sorted(COMMANDS)
        if (command := gatekeeper.get_command(context, name)) is not None
        for section in _sections(command, click.Context(command, context, info_name=name))
    ]
    for name, command in APART.items():
        sections += _sections(command, click.Context(command, context, info_name=name))
    return "\n".join([HEAD, *sections])


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    """Of a command, or of each command of a group."""
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _sections(inner, click.Context(inner, context, info_name=name))
        return
    usage = command.get_usage(context).removeprefix("Usage: ")
    rows = [row for parameter in command.params if (row := _row(parameter, context))]
    table = ["", "| option | |", "|---|---|", *rows] if rows else []
    text = "\n".join(" ".join(line.split()) for line in (command.help or "").splitlines())
    yield "\n".join(
        [f"## {context.command_path}", "", f"    {' '.join(usage.split())}", "", text.strip(), *table, ""]
    )


def _row(parameter: click.Parameter, context: click.Context) -> str | None:
    record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
    if record is None:
        return None
    names, told = (text.replace("|", "\\|") for text in record)
    return f"| `{names}` | {told} |"


if __name__ == "__main__":
    print(page(), end="")
