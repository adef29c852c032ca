"""`gatekeeper new`: a policy with its binding, comment block and suite, from a few answers."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gatekeeper_py.cli.exits import InputError
from gatekeeper_py.cli.pathname import Pathname

if TYPE_CHECKING:
    from gatekeeper_py.authoring.scaffold.blueprint import Blueprint, Template
    from gatekeeper_py.objects.resource import Object

__all__ = ["command"]

TEMPLATES: Final[tuple[Template, ...]] = ("validating", "mutating", "param", "tenant", "reference", "look-up")
ABOUT_A_FIELD = frozenset({"validating", "mutating", "param", "tenant"})
WITH_VALUES = frozenset({"validating", "mutating", "param"})
MANY = 10
"""Objects in a namespace, where nobody says how many."""
FIELD = "metadata.labels[example.com/team]"
"""What is proposed where nobody names a field: every kind has labels."""


@click.command("new")
@click.argument("name")
@click.option("--template", type=click.Choice(TEMPLATES), help="What sort of policy; asked when absent.")
@click.option(
    "--resource", "resources", multiple=True, metavar="NAME", help="pods, deployments.apps. May be repeated."
)
@click.option("--field", metavar="PATH", help="metadata.labels[example.com/team], spec.containers[].image.")
@click.option(
    "--value", "values", multiple=True, metavar="VALUE", help="Allowed, or filled in. May be repeated."
)
@click.option("--may-be-absent", is_flag=True, help="Admit what has no value.")
@click.option("--limit", type=click.IntRange(1, 100), help="How many there may be in a namespace (look-up).")
@click.option("--stops", default="", metavar="TEXT", help="What the policy is for, in words.")
@click.option(
    "--crd",
    "crds",
    multiple=True,
    metavar="FILE",
    type=Pathname(path_type=Path),
    help="A CustomResourceDefinition. May be repeated.",
)
@click.option(
    "--dir",
    "folder",
    default=".",
    metavar="DIR",
    type=Pathname(path_type=Path),
    help="Where the files go. [default: .]",
)
def command(
    name: str,
    *,
    template: Template | None,
    resources: tuple[str, ...],
    field: str | None,
    values: tuple[str, ...],
    may_be_absent: bool,
    limit: int | None,
    stops: str,
    crds: tuple[Path, ...],
    folder: Path,
) -> None:
    """Write NAME.yaml, a policy with its binding, and NAME_test.yaml, the suite that shows it.

    What no option says is asked on a terminal. The templates: a field has an allowed value (validating), or a
    value where it is absent (mutating), or one that a ConfigMap allows (param), or names the tenant (tenant);
    an object names nothing of another tenant (reference); there are so many in a namespace (look-up). What is
    written passes `gatekeeper lint` and `gatekeeper test`; go on from there.

    Exit code 0: written, 2: it cannot be drafted, or a file is there already (nothing is overwritten).
    """
    from gatekeeper_py.authoring.scaffold.drafted import drafted, faults
    from gatekeeper_py.authoring.scaffold.refusal import CannotDraft

    definitions = _definitions(crds)
    given = _Given(template, resources, field, values, limit, stops)
    try:
        blueprint = _blueprint(name, given, definitions, may_be_absent=may_be_absent)
        files = drafted(blueprint, definitions).files
    except CannotDraft as error:
        raise InputError(str(error)) from error
    _write(folder, files)
    told = faults(folder / f"{name}_test.yaml")
    if told:
        raise InputError("\n".join(["written, and not right yet:", *told]))
    cases = files[f"{name}_test.yaml"].count("\n  - name: ")
    click.echo(f"{folder / name}.yaml, {folder / name}_test.yaml: {cases} cases pass, nothing to lint")


@dataclass(frozen=True, slots=True)
class _Given:
    """The options that are asked for when they are absent."""

    template: Template | None
    resources: tuple[str, ...]
    field: str | None
    values: tuple[str, ...]
    limit: int | None
    stops: str


def _blueprint(
    name: str, given: _Given, definitions: Mapping[str, Object], *, may_be_absent: bool
) -> Blueprint:
    """What options and answers come to. Raises `CannotDraft` when they do not fit together."""
    from gatekeeper_py.authoring.scaffold.blueprint import Blueprint
    from gatekeeper_py.authoring.scaffold.location import locate
    from gatekeeper_py.authoring.scaffold.topic import find_target

    answers = _Answers(asks=is_terminal())
    template = given.template or answers.template()
    words = given.resources or answers.resources()
    targets = tuple(find_target(word, definitions) for word in words)
    schemas = [each.schema for each in targets]
    about_a_field = template in ABOUT_A_FIELD
    location = locate(given.field or answers.field(), schemas) if about_a_field else None
    asks_values = template in WITH_VALUES and given.field is None
    values = given.values or (answers.values() if asks_values else ())
    return Blueprint(
        name=name,
        template=template,
        targets=targets,
        location=location,
        values=tuple(location.value(each) for each in values) if location else (),
        may_be_absent=may_be_absent,
        limit=given.limit or (answers.limit() if template == "look-up" else MANY),
        stops=given.stops or answers.stops(),
    )


class _Answers:
    """What is asked on a terminal; elsewhere an option that has no default is an error."""

    def __init__(self, *, asks: bool) -> None:
        self._asks = asks

    def template(self) -> Template:
        """One of the templates."""
        self._demand("--template")
        chosen: Template = click.prompt("Template", TEMPLATES[0], type=click.Choice(TEMPLATES))
        return chosen

    def resources(self) -> list[str]:
        """One resource at least."""
        self._demand("--resource")
        return str(click.prompt("Resources, with spaces between", "pods")).split()

    def field(self) -> str:
        """The field it is about."""
        return str(click.prompt("Field", FIELD)) if self._asks else FIELD

    def values(self) -> list[str]:
        """The values, none where there are none."""
        return str(click.prompt("Values, with spaces between", "")).split() if self._asks else []

    def limit(self) -> int:
        """How many there may be."""
        return (
            int(click.prompt("How many in a namespace", MANY, type=click.IntRange(1, 100)))
            if self._asks
            else MANY
        )

    def stops(self) -> str:
        """What it is for."""
        return str(click.prompt("What does it stop", "")) if self._asks else ""

    def _demand(self, option: str) -> None:
        if not self._asks:
            raise InputError(f"name {option}; on a terminal it is asked")


def is_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()


def _definitions(paths: Sequence[Path]) -> dict[str, Object]:
    """CustomResourceDefinitions by the kind they define."""
    from gatekeeper_py.cli.sources import input_errors
    from gatekeeper_py.manifests.manifest import read
    from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION

    with input_errors():
        manifests = read(paths)
    found = [each.object for each in manifests if each.kind == CUSTOM_RESOURCE_DEFINITION]
    if paths and not found:
        raise InputError(f"{paths[0]}: holds no CustomResourceDefinition")
    return {each["spec"]["names"]["kind"]: each for each in found}


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Each file anew: what is there already is not overwritten."""
    for name in files:
        if (folder / name).exists():
            raise InputError(
                f"{folder / name}: is there already, and nothing is overwritten. Take another name"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
