"""What may stand at the cursor in an expression, each with its type and what it means.

What hovers over a word is the proposal of that name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gatekeeper_py.authoring.editor.fragment import Fragment
from gatekeeper_py.authoring.editor.outline import Outline
from gatekeeper_py.authoring.editor.vocabulary import FIELDS, FUNCTIONS, MACROS, VARIABLES
from gatekeeper_py.authoring.lint.shapes import Shapes
from gatekeeper_py.cel import (
    BOOL,
    DYN,
    INT,
    STRING,
    Function,
    Kind,
    Overload,
    Type,
    list_of,
    map_of,
    tree,
)
from gatekeeper_py.objects.schema import Form, Schema

__all__ = ["Proposal", "proposals"]

Sort = Literal["variable", "field", "function", "macro", "keyword"]

WORDS: Mapping[str, str] = {"true": "bool", "false": "bool", "null": "null"}
SCALARS: Mapping[str, Type] = {"boolean": BOOL, "integer": INT}
"""All others are strings, or either."""
OWN = "variables"
PATCH_FIELDS: Mapping[str, str] = {
    "op": "What is done: add, remove, replace, move, copy or test.",
    "path": "Where, as a JSON pointer; `jsonpatch.escapeKey` writes a key.",
    "from": "Of move and copy: from where.",
    "value": "Of add, replace and test: what.",
}
NOT_ELSEWHERE = frozenset({"has"})
LISTED = frozenset({Kind.LIST, Kind.MAP, Kind.DYN})
OPTIONAL_MACROS = frozenset({"optMap", "optFlatMap"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """One word."""

    label: str
    sort: Sort
    detail: str
    """Its type, or how it is called."""
    text: str = ""
    """What it means."""


def proposals(outline: Outline, fragment: Fragment) -> list[Proposal]:
    """What may stand at the end of a fragment, each name once."""
    if fragment.message:
        found = _message_fields(outline, fragment.message)
    elif fragment.receiver:
        found = _members(outline, fragment)
    else:
        found = _names(outline, fragment)
    return list({each.label: each for each in reversed(list(found))}.values())[::-1]


# --- names ------------------------------------------------------------------------------------------------


def _names(outline: Outline, fragment: Fragment) -> Iterator[Proposal]:
    for name in fragment.variables:
        yield Proposal(name, "variable", "dyn", "A variable of the macro around it.")
    for name, kind in outline.environment.variables.items():
        if "." not in name:
            shown = "object" if name == OWN else _shown(kind, outline.shapes.get(name))
            yield Proposal(name, "variable", shown, VARIABLES.get(name, ""))
    for function in outline.environment.functions.values():
        if function.name.isidentifier() and not all(each.member for each in function.overloads):
            yield _function(function, member=False)
    yield from _namespaces(outline)
    yield Proposal("has", "macro", "has(field) -> bool", MACROS["has"])
    yield from (Proposal(word, "keyword", kind) for word, kind in WORDS.items())


def _namespaces(outline: Outline) -> Iterator[Proposal]:
    """What stands before the dot of functions such as `sets.contains`."""
    for name in outline.environment.functions:
        first, dot, _ = name.partition(".")
        if dot and first.isidentifier():
            yield Proposal(first, "keyword", f"{first}.…", "")


# --- members ----------------------------------------------------------------------------------------------


def _members(outline: Outline, fragment: Fragment) -> Iterator[Proposal]:
    qualified = list(_qualified(outline, fragment.receiver))
    yield from qualified
    if qualified and fragment.receiver not in outline.environment.variables:
        return
    if fragment.receiver == OWN:
        yield from _own(outline)
        return
    kind, shapes = _value(outline, fragment)
    kind = _refined(kind, shapes)
    yield from _fields(kind)
    yield from _shape_fields(shapes)
    if kind.kind is Kind.OBJECT:
        yield from _methods(outline, kind, {Kind.OBJECT})
        return
    yield from _methods(outline, kind, set(Kind))
    yield from _macros(kind)


def _qualified(outline: Outline, receiver: str) -> Iterator[Proposal]:
    """Functions and variables whose names have a dot in them."""
    for name, function in outline.environment.functions.items():
        if name.startswith(f"{receiver}."):
            label = name.removeprefix(f"{receiver}.")
            yield Proposal(label, "function", _signatures(name, function.overloads), FUNCTIONS.get(name, ""))
    for name, kind in outline.environment.variables.items():
        if name.startswith(f"{receiver}."):
            yield Proposal(name.removeprefix(f"{receiver}."), "variable", str(kind), VARIABLES.get(name, ""))


def _own(outline: Outline) -> Iterator[Proposal]:
    declared = outline.environment.variables.get(OWN)
    types = declared.fields or {} if declared is not None else {}
    for name, known in outline.variables.items():
        shown = _shown(types.get(name, DYN), known.shapes)
        yield Proposal(name, "variable", shown, f"```cel\n{known.text.strip()}\n```")


def _value(outline: Outline, fragment: Fragment) -> tuple[Type, Shapes]:
    """The type of the receiver and what it looks like, as far as that can be told."""
    for text, place in ((fragment.whole, fragment.place), (f"dyn({fragment.receiver})", 0)):
        program = outline.program(text)
        if program is None:
            continue
        node = _stand_in(program.tree, place)
        if node is not None:
            return program.checked.types.get(node, DYN), outline.look(program).get(node)
    return DYN, None


def _stand_in(node: tree.Node, place: int) -> tree.Node | None:
    """What `dyn()` at a place is given."""
    if isinstance(node, tree.Call) and node.function == "dyn" and node.span.start == place:
        return node.arguments[0]
    inner = (_stand_in(child, place) for child in tree.children(node))
    return next((each for each in inner if each is not None), None)


def _refined(kind: Type, shapes: Shapes) -> Type:
    """A type that the checker leaves open, by what the matched kinds have there."""
    if kind.kind is not Kind.DYN or not shapes:
        return kind
    forms = {shape.form for shape in shapes}
    if forms == {Form.LIST}:
        return list_of(DYN)
    if forms == {Form.MAP}:
        return map_of(STRING, DYN)
    if forms == {Form.SCALAR}:
        scalars = {shape.scalar for shape in shapes}
        return SCALARS.get(scalars.pop(), STRING) if len(scalars) == 1 else kind
    return kind


def _fields(kind: Type) -> Iterator[Proposal]:
    """The fields of a type; of an optional one those of its value."""
    if kind.kind is Kind.OPTIONAL:
        yield from _fields(kind.parameters[0])
    texts = FIELDS.get(kind.name, {})
    for name, inner in (kind.fields or {}).items():
        if name:
            yield Proposal(name, "field", str(inner), texts.get(name, ""))


def _shape_fields(shapes: Shapes) -> Iterator[Proposal]:
    for shape in shapes or ():
        if shape.form is Form.MAP:
            for name, inner in shape.fields.items():
                yield Proposal(name, "field", _form(inner), f"A field of {shape.type}." if shape.type else "")


def _methods(outline: Outline, kind: Type, of: set[Kind]) -> Iterator[Proposal]:
    """The methods that a value of a type has."""
    for function in outline.environment.functions.values():
        fit = [
            each
            for each in function.overloads
            if each.member and each.parameters[0].kind in of and _takes(each.parameters[0], kind)
        ]
        if fit and function.name.isidentifier():
            yield _function(Function(function.name, tuple(fit)), member=True)


def _takes(parameter: Type, given: Type) -> bool:
    """Whether a parameter takes a value of a type."""
    if Kind.DYN in (parameter.kind, given.kind) or Kind.PARAMETER in (parameter.kind, given.kind):
        return True
    if parameter.kind is not given.kind or len(parameter.parameters) != len(given.parameters):
        return False
    alike = parameter.name == given.name
    return alike and all(map(_takes, parameter.parameters, given.parameters))


def _macros(kind: Type) -> Iterator[Proposal]:
    for name, text in MACROS.items():
        fits = kind.kind is Kind.OPTIONAL if name in OPTIONAL_MACROS else kind.kind in LISTED
        if fits and name not in NOT_ELSEWHERE:
            yield Proposal(name, "macro", f"{name}(variable, expression)", text)


# --- messages ---------------------------------------------------------------------------------------------


def _message_fields(outline: Outline, message: str) -> Iterator[Proposal]:
    """The fields of `JSONPatch{` and of `Object.spec{`."""
    if message == "JSONPatch":
        yield from (Proposal(name, "field", "", text) for name, text in PATCH_FIELDS.items())
    steps = message.split(".")
    if steps[0] != "Object":
        return
    shapes = outline.shapes.get("object")
    for step in steps[1:]:
        inner = [shape.field(step) for shape in shapes or ()]
        shapes = tuple(_item(shape) for shape in inner if shape is not None)
    yield from _shape_fields(shapes)


def _item(shape: Schema) -> Schema:
    """Of a list, what stands in it: `Object.spec.containers` is one container."""
    return shape.items if shape.form is Form.LIST and shape.items is not None else shape


# --- how they are shown -----------------------------------------------------------------------------------


def _function(function: Function, *, member: bool) -> Proposal:
    fit = [each for each in function.overloads if each.member == member]
    return Proposal(
        function.name, "function", _signatures(function.name, fit), FUNCTIONS.get(function.name, "")
    )


def _signatures(name: str, overloads: Sequence[Overload]) -> str:
    return "\n".join(dict.fromkeys(_signature(name, overload) for overload in overloads))


def _signature(name: str, overload: Overload) -> str:
    given = overload.parameters[1:] if overload.member else overload.parameters
    receiver = f"{overload.parameters[0]}." if overload.member else ""
    return f"{receiver}{name}({', '.join(map(str, given))}) -> {overload.result}"


def _shown(kind: Type, shapes: Shapes) -> str:
    """The type; where it is open, what the matched kinds have there."""
    if kind.kind is not Kind.DYN or not shapes:
        return str(kind)
    return " | ".join(dict.fromkeys(map(_form, shapes)))


def _form(shape: Schema) -> str:
    if shape.form is Form.LIST:
        return f"list of {_form(shape.items)}" if shape.items is not None else "list"
    if shape.form is Form.MAP:
        return shape.type or "map"
    return shape.scalar or "any"
