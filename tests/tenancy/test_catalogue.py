"""Every row of the catalogue finds what it is for, and a row that goes missing is missed.

`named.yaml` has an object of each kind with whatever it can name, and what that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper_py.tenancy.catalogue import path_steps
from gatekeeper_py.tenancy.references import references


def load(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


CATALOGUE = load(files("gatekeeper_py.tenancy").joinpath("catalogue.yaml").read_text(encoding="utf-8"))
CASES = load(Path(__file__).with_name("named.yaml").read_text(encoding="utf-8"))
OBJECTS: dict[str, dict[str, Any]] = {}
for case in CASES:
    version, _, _ = case["object"]["apiVersion"].rpartition("/")
    OBJECTS[".".join(filter(None, (case["object"]["kind"], version)))] = case["object"]


def said(reference: Mapping[str, str]) -> str:
    kind = ".".join(filter(None, (reference["kind"], reference["group"])))
    return f"{kind or '?'} {reference['namespace']}/{reference['name']}"


def names(body: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reference in references(body):
        found.setdefault(reference["path"], []).append(said(reference))
    return found


@pytest.mark.parametrize("case", CASES, ids=OBJECTS)
def test_an_object_names_all_of_that_and_nothing_else(case: dict[str, Any]) -> None:
    listed = {path: said if isinstance(said, list) else [said] for path, said in case["names"].items()}
    assert names(case["object"]) == listed


Row = tuple[str, str, str]
"""A kind or a shape, how its field refers, and the field's path."""


def shown(owner: str, table: Mapping[str, Any], value: Any) -> Iterator[Row]:
    """The rows of a kind or a shape whose field is there, with those of the shapes it uses."""
    for how, fields in table.items():
        for path in fields:
            for held in at(value, path_steps(path)):
                yield owner, how, path
                if how == "use":
                    shape = fields[path]
                    yield from shown(shape, CATALOGUE["shapes"][shape], held)


def at(value: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a path: nothing, one value, or one for each item of a list."""
    if not steps:
        yield value
    elif steps[0] == "[]":
        for item in value if isinstance(value, list) else ():
            yield from at(item, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from at(value[steps[0]], steps[1:])


def test_every_row_of_the_catalogue_has_a_field_that_shows_it() -> None:
    owners = {**CATALOGUE["kinds"], **CATALOGUE["shapes"]}
    written = {(owner, how, path) for owner, table in owners.items() for how in table for path in table[how]}
    found = {row for kind, body in OBJECTS.items() for row in shown(kind, CATALOGUE["kinds"][kind], body)}
    assert written - found == set()
