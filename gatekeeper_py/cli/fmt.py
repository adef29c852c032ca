"""`gatekeeper fmt`: policies laid out as those that ship."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from gatekeeper_py.cli.exits import BAD_INPUT, DENIED, InputError
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.policy.admission.text import printable

__all__ = ["command"]

YAML = frozenset({".yaml", ".yml"})


@click.command("fmt")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE|-...", type=Pathname(allow_dash=True))
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 where something would change.")
@click.option(
    "--diff", "shows", is_flag=True, help="Write nothing, show what would change; exit code as --check."
)
@click.pass_context
def command(context: click.Context, paths: tuple[str, ...], *, check: bool, shows: bool) -> None:
    """Lay out the YAML of policies and tenants, and the CEL in it; - is standard input to standard output.

    Nothing but white space changes, comments stay where they are, and what an author wrote on one line stays
    there while it fits into 120 columns. Suites (*_test.yaml) are their authors' and left as they are.

    Exit code 0: all is laid out, 1: --check or --diff found something, 2: a file cannot be read or laid out.
    """
    from gatekeeper_py.authoring.layout.filelayout import laid_out
    from gatekeeper_py.authoring.layout.nodes import CannotLayOut

    if paths == ("-",):
        _from_standard_input()
        return
    found = [Path(path) for path in paths]
    changed = failed = count = 0
    for path in _chosen(found):
        count += 1
        try:
            before = path.read_bytes().decode()
            after = laid_out(before)
        except (OSError, UnicodeDecodeError, CannotLayOut) as error:
            failed += 1
            click.echo(printable(f"{path}{_place(error)}: left as it is: {_reason(error)}"), err=True)
            continue
        if before != after:
            changed += 1
            _tell(path, before, after, shows=shows, check=check)
    click.echo(f"{count} files, {changed} {'to lay out' if check or shows else 'laid out'}", err=shows)
    context.exit(BAD_INPUT if failed else DENIED if changed and (check or shows) else 0)


def _chosen(paths: Iterable[Path]) -> list[Path]:
    """The YAML among files and folders, without suites."""
    from gatekeeper_py.cli.sources import input_errors
    from gatekeeper_py.manifests.manifest import files
    from gatekeeper_py.policy.loading.idle import nothing_in
    from gatekeeper_py.policy.loading.load import is_test

    with input_errors():
        found = [(path, [each for each in files(path) if each.suffix in YAML]) for path in paths]
    empty = [path for path, each in found if not each]
    if empty:
        raise InputError("\n".join(str(nothing_in(path)) for path in empty))
    return list(dict.fromkeys(file for _, each in found for file in each if not is_test(file)))


def _tell(path: Path, before: str, after: str, *, shows: bool, check: bool) -> None:
    if shows:
        lines = difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), str(path), str(path)
        )
        click.echo(printable("".join(lines)), nl=False)
        return
    if not check:
        try:
            path.write_bytes(after.encode())
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    click.echo(printable(str(path)))


def _from_standard_input() -> None:
    from gatekeeper_py.authoring.layout.filelayout import laid_out
    from gatekeeper_py.authoring.layout.nodes import CannotLayOut

    try:
        click.echo(laid_out(sys.stdin.buffer.read().decode()), nl=False)
    except (UnicodeDecodeError, CannotLayOut) as error:
        raise InputError(f"<stdin>{_place(error)}: cannot be laid out: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)


def _place(error: Exception) -> str:
    """Where in a file, as compilers write it."""
    from gatekeeper_py.authoring.layout.nodes import CannotLayOut

    return f":{error.line}:{error.column}" if isinstance(error, CannotLayOut) else ""
