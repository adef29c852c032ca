"""No command takes an empty path for the current folder."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from gatekeeper_py.cli import gatekeeper
from gatekeeper_py.cli.pathname import Pathname
from tests.cli.support import run

EMPTY = "the path is empty, as of a variable that is not set. Name a file or folder"


@pytest.mark.parametrize(
    "arguments",
    [
        ("lint", ""),
        ("fmt", ""),
        ("test", "policies", ""),
        ("import", ""),
        ("audit", "--policies", "", "-f", "-"),
        ("review", "--policies", "policies", "-f", ""),
        ("audit", "decisions", ""),
        ("serve", "--policies", "policies", "--tls-cert", ""),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_refused(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert EMPTY in result.stderr


def test_any_other_is_what_click_makes_of_it() -> None:
    assert Pathname().convert(".", None, None) == "."


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner is not None
            yield from commands(inner, f"{name} {each}")


COMMANDS = dict(commands(gatekeeper, "gatekeeper"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_path_is_one(name: str) -> None:
    paths = [each.type for each in COMMANDS[name].params if isinstance(each.type, click.Path)]
    assert all(isinstance(each, Pathname) for each in paths)
