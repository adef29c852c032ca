"""`gatekeeper import`: policies of Kyverno and OPA Gatekeeper as native ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from gatekeeper_py.cli.exits import DENIED, InputError
from gatekeeper_py.cli.pathname import Pathname
from gatekeeper_py.policy.admission.text import printable

__all__ = ["command"]


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=Pathname(path_type=Path))
@click.option(
    "--dir",
    "folder",
    required=True,
    metavar="DIR",
    type=Pathname(path_type=Path, file_okay=False),
    help="Where the native policies go, a file for each.",
)
@click.pass_context
def command(context: click.Context, paths: tuple[Path, ...], *, folder: Path) -> None:
    """Turn policies of other engines into native ones, with bindings and params.

    Kyverno's ValidatingPolicies; rules of its ClusterPolicies that are CEL or patterns, and the same
    for templates of pods; OPA Gatekeeper's ConstraintTemplates in CEL (K8sNativeValidation) with their
    constraints. What cannot be carried over is said line by line, and what it belongs to is left out whole.

    Exit code 0: everything is carried, 1: something is left out, 2: bad input; nothing is overwritten.
    """
    from gatekeeper_py.authoring.migration.migrated import translated
    from gatekeeper_py.cli.sources import input_errors
    from gatekeeper_py.manifests.manifest import read

    with input_errors():
        found = read(paths)
        made = translated(found)
    if not found:
        raise InputError(NOTHING.format(", ".join(map(str, paths))))
    _write(folder, made.files)
    for problem in made.otherwise:
        click.echo(printable(f"{problem}"), err=True)
    for problem in made.left_out:
        click.echo(printable(f"LEFT OUT {problem}"), err=True)
    click.echo(f"{len(made.files)} files in {folder}, {len(made.left_out)} left out")
    context.exit(DENIED if made.left_out or not made.files else 0)


NOTHING = "{}: holds nothing to import. Name the folder of Kyverno's policies, or of Gatekeeper's templates"


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name in files:
        if (folder / name).exists():
            what = f"{folder / name}: is there already, and nothing is overwritten"
            raise InputError(f"{what}. Name another --dir")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
