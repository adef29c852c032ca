"""A field by its path: what stands there by the kinds' schemas, how CEL reads it, how an object gets it."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper_py.authoring.scaffold.refusal import CannotDraft
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.objects.schema import Form, Schema

__all__ = ["Location", "Step", "literal", "locate"]

WRITTEN = re.compile(r"\[(?P<key>[^\]]*)\]|\.?(?P<name>[^.\[\]]+)")
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
TYPES: Final = {"boolean": bool, "integer": int, "number": int}
"""What Python makes of a scalar of each kind; of every other, text."""

CONTAINERS: Final = "containers"
BESIDE: Final = ("initContainers", "ephemeralContainers")
"""The other lists of containers of a pod, whose images run as well."""
OF_ANY_CONTAINER: Final = frozenset({"image", "securityContext"})
"""Fields of which a rule is worth nothing while another list of containers may say what it likes."""


@dataclass(frozen=True, slots=True)
class Step:
    """A field, or a key of a map of texts; `items`: the rest holds for each item of the list there."""

    name: str
    key: bool = False
    items: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """`metadata.labels[example.com/team]`, `spec.containers[].image`: at most one list."""

    text: str
    steps: tuple[Step, ...]
    type: type[bool] | type[int] | type[str]
    choices: tuple[str, ...] = ()
    """All texts that may stand there, where there are only some."""

    @property
    def list_steps(self) -> tuple[Step, ...]:
        """The steps to the list; none where there is no list."""
        for index, step in enumerate(self.steps, 1):
            if step.items:
                return self.steps[:index]
        return ()

    @property
    def item_steps(self) -> tuple[Step, ...]:
        """The steps within an item, or from the object."""
        return self.steps[len(self.list_steps) :]

    @property
    def lists(self) -> tuple[tuple[Step, ...], ...]:
        """The steps to the list, and to those beside it for which the same must hold; none without a list."""
        steps = self.list_steps
        if not self.is_of_any_container:
            return (steps,) if steps else ()
        return steps, *((*steps[:-1], Step(name, items=True)) for name in BESIDE)

    @property
    def is_of_any_container(self) -> bool:
        """Whether it is a field of containers that init and ephemeral containers must not escape."""
        steps, within = self.list_steps, self.item_steps
        return bool(steps and within) and steps[-1].name == CONTAINERS and within[0].name in OF_ANY_CONTAINER

    @property
    def named(self) -> str:
        """The field as messages name it."""
        if not self.is_of_any_container:
            return self.text
        return f"{'.'.join(step.name for step in self.item_steps)} of a container"

    def read(self, root: str) -> str:
        """CEL for the field as an optional, or for the list it is in."""
        return chain(root, self.list_steps or self.steps)

    def value(self, text: str) -> bool | int | str:
        """A value of the field's type, from the text of a command line."""
        if self.type is bool and text in ("true", "false"):
            return text == "true"
        if self.type is int and re.fullmatch(r"-?\d+", text):
            return int(text)
        if self.type is str:
            return text
        raise CannotDraft(f"{self.text} is no {text!r}. Give {_words(self.type)}")

    def applied(self, body: Object, value: object) -> Object:
        """A copy of an object with the value there, in every item of the list; None removes it."""
        made = copy.deepcopy(body)
        _put(made, self.steps, value)
        return made

    def beside(self, body: Object, name: str, value: object) -> Object:
        """A copy of an object with one more container, in the list beside, that has the value."""
        made = copy.deepcopy(body)
        holder: Any = made
        for step in self.list_steps[:-1]:
            holder = holder[step.name]
        added = {**copy.deepcopy(holder[CONTAINERS][0]), "name": "other"}
        _put(added, self.item_steps, value)
        holder[name] = [added]
        return made

    def nested(self, value: object) -> dict[str, Any]:
        """An object with nothing but the value."""
        return self.applied({}, value)


def locate(text: str, schemas: Sequence[Schema]) -> Location:
    """A field that all kinds have. Raises `CannotDraft` with what was meant."""
    steps = tuple(_steps(text))
    places = list(schemas)
    found: list[Step] = []
    for step in steps:
        meant = _by_schema(step, places)
        places = [place for place in (_inner(place, meant) for place in places) if place is not None]
        if len(places) < len(schemas):
            raise CannotDraft(_unknown(text, step, found, schemas))
        found.append(meant)
    if sum(step.items for step in found) > 1:
        raise CannotDraft(f"{text} goes through two lists. Name a field in one, and write the rest by hand")
    if not found or any(place.form not in (Form.SCALAR, Form.ANY) for place in places):
        raise CannotDraft(f"{text} is no single value. Name a field in it, with [] behind a list")
    chosen = [set(place.choices) for place in places]
    return Location(text, tuple(found), _type(places), tuple(sorted(set.intersection(*chosen) - {""})))


def _steps(text: str) -> Iterator[Step]:
    """The steps as they are written; `[]` belongs to the step before."""
    pieces = list(WRITTEN.finditer(text))
    if "".join(piece[0] for piece in pieces) != text:
        raise CannotDraft(f"{text!r} is no path. Write one like spec.containers[].image")
    for index, piece in enumerate(pieces):
        lists = index + 1 < len(pieces) and pieces[index + 1]["key"] == ""
        if piece["name"]:
            yield Step(piece["name"], items=lists)
        elif piece["key"]:
            yield Step(piece["key"], key=True, items=lists)


def _by_schema(step: Step, places: Sequence[Schema]) -> Step:
    """`metadata.labels.team` means the key team of the labels."""
    is_key = all(place.form is Form.MAP and step.name not in place.fields for place in places)
    return Step(step.name, (is_key and not step.items) or step.key, step.items)


def _inner(place: Schema, step: Step) -> Schema | None:
    found = place.field(step.name)
    if found is None or not step.items:
        return found
    return found.items if found.takes_list else None


def _unknown(text: str, step: Step, before: Sequence[Step], schemas: Sequence[Schema]) -> str:
    places = list(schemas)
    for each in before:
        places = [inner for place in places if (inner := _inner(place, each)) is not None]
    known = {name for place in places for name in place.fields}
    near = difflib.get_close_matches(step.name, known, 1)
    meant = f"Did you mean {near[0]}?" if near and near[0] != step.name else "Name one that all of them have"
    return f'{text}: not every kind has "{step.name}" there{" as a list" if step.items else ""}. {meant}'


def _type(places: Sequence[Schema]) -> type[bool] | type[int] | type[str]:
    types = {TYPES.get(place.scalar, str) for place in places}
    return types.pop() if len(types) == 1 else str


def _words(kind: type) -> str:
    return "true or false" if kind is bool else "a whole number"


def chain(root: str, steps: Sequence[Step]) -> str:
    """CEL for what is below a value, as an optional."""
    text = root
    for step in steps:
        named = NAME.fullmatch(step.name) and not step.key
        text += f".?{step.name}" if named else f"[?{literal(step.name)}]"
    return text


def literal(value: object) -> str:
    """A value as CEL writes it."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return str(value).lower()


def _put(body: dict[str, Any], steps: Sequence[Step], value: object) -> None:
    step, *rest = steps
    if step.items:
        items = body.setdefault(step.name, [{} if rest else value])
        if rest:
            for item in items:
                _put(item, rest, value)
        else:
            body[step.name] = [] if value is None else [value]
    elif rest:
        _put(body.setdefault(step.name, {}), rest, value)
    elif value is None:
        body.pop(step.name, None)
    else:
        body[step.name] = value
