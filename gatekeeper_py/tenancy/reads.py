"""Which fields of the objects of a cluster loaded policies read: what is kept of each in memory.

Every expression is followed from its look-ups on, through fields, variables and macros. A field counts as
read whole as soon as something is done with it that is not understood here, be it compared, printed, walked
through key by key or handed to a function: at worst too much is kept, never too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from gatekeeper_py.cel import tree
from gatekeeper_py.objects.projection import EACH, IDENTITY, WHOLE, Projection, union
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.model import MutatingPolicy, ValidatingPolicy
from gatekeeper_py.tenancy import ceiling
from gatekeeper_py.tenancy.lookups import look_up, stated, words
from gatekeeper_py.tenancy.reach import READ
from gatekeeper_py.tenancy.usage import word_is_used

__all__ = ["read_by"]

Place: TypeAlias = tuple[GroupVersionKind, tuple[str, ...]]
"""A kind, and the steps to a field of its objects."""

CONDITION: Final = "_?_:_"
PLUS: Final = "_+_"
PASSING: Final = frozenset({"dyn", "value", "orValue", "or", "of", PLUS, CONDITION})
"""Functions that give back what they were given, of one of their arguments or all in a row."""
INDEX: Final = frozenset({"_[_]", "_[?_]"})
IN: Final = "@in"
PRESENT: Final = Projection()
"""Whether it is there, and no more."""
LOOKING: Final[Mapping[str, Projection]] = {"hasValue": PRESENT, "isProtected": READ}
"""Functions that read so much of what they are asked about."""
VARIABLES: Final = "variables"


@dataclass(frozen=True, slots=True)
class _Value:
    """What may be known of a value: where in objects it stands, what its elements are, which text it is."""

    places: frozenset[Place] = frozenset()
    elements: _Value | None = None
    texts: frozenset[str] | None = None
    """The texts it may be; None when nobody knows."""


NOTHING: Final = _Value()


def read_by(policies: PolicySet, *, ceilings: bool = True) -> Mapping[GroupVersionKind, Projection]:
    """What has to be kept of every kind that policies look up; `ceilings` says whether some tenant has one.

    A kind is one in all its versions: what is read in one is kept in all.
    """
    kept: dict[GroupVersionKind, Projection] = {}
    for kind, projection in _reads(policies, ceilings):
        kept[kind] = union((kept.get(kind, IDENTITY), projection))
    names: dict[str, list[Projection]] = {}
    for kind, projection in kept.items():
        names.setdefault(kind.kind, []).append(projection)
    return {kind: union(names[kind.kind]) for kind in kept}


def _reads(policies: PolicySet, ceilings: bool) -> Iterator[tuple[GroupVersionKind, Projection]]:
    every: tuple[ValidatingPolicy | MutatingPolicy, ...] = (*policies.validating, *policies.mutating)
    for policy in every:
        yield from _of_policy(policy)
        if ceilings and word_is_used(policy, "ceilingExcess"):
            yield ceiling.POD, ceiling.READ


def _of_policy(policy: ValidatingPolicy | MutatingPolicy) -> Iterator[tuple[GroupVersionKind, Projection]]:
    if policy.param_kind is not None:
        yield policy.param_kind, WHOLE
    reader = _Reader()
    for path, expression in stated(policy):
        value = reader.value(expression.program.tree, {})
        match path:
            case (_, "variables", int(index), _):
                reader.variables[policy.variables[index].name] = value
            case _:
                reader.use(value)
        yield from ((kind, READ) for kind in words(expression.program.tree))
    for (kind, steps), much in reader.read:
        yield kind, Projection.at(steps, much)


Names: TypeAlias = Mapping[str, _Value]
"""The variables that macros have given a value."""


@dataclass(slots=True)
class _Reader:
    """Follows the expressions of one policy."""

    variables: dict[str, _Value] = field(default_factory=dict)
    read: list[tuple[Place, Projection]] = field(default_factory=list)
    """Places that are read, and how much of each."""

    def value(self, node: tree.Node, names: Names) -> _Value:
        """What is known of a node's value."""
        match node:
            case tree.Literal(value=str(text)):
                return _Value(texts=frozenset({text}))
            case tree.Identifier(name=name, absolute=False):
                return names.get(name, NOTHING)
            case tree.Select():
                return self._selected(node, names)
            case tree.Call():
                return self._called(node, names)
            case tree.ListLiteral(elements=elements):
                return _Value(elements=_together(self.value(each, names) for each in elements))
            case tree.Comprehension():
                return self._comprehended(node, names)
            case tree.Binding(variable=variable, value=value, body=body):
                return self.value(body, {**names, variable: self.value(value, names)})
        self._use_all(tree.children(node), names)
        return NOTHING

    def use(self, value: _Value) -> None:
        """Whatever may be in the value counts."""
        self._read(value.places, WHOLE)
        if value.elements is not None:
            self.use(value.elements)

    def _read(self, places: Iterable[Place], much: Projection) -> None:
        self.read += ((place, much) for place in places)

    def _use_all(self, nodes: Iterable[tree.Node], names: Names) -> None:
        for node in nodes:
            self.use(self.value(node, names))

    def _selected(self, node: tree.Select, names: Names) -> _Value:
        operand = node.operand
        if isinstance(operand, tree.Identifier) and operand.name == VARIABLES and VARIABLES not in names:
            return self.variables.get(node.field, NOTHING)
        found = self._member(self.value(operand, names), (node.field,))
        return NOTHING if node.test else found

    def _member(self, value: _Value, fields: Iterable[str]) -> _Value:
        """A field of a value; what a list written down is asked for counts whole."""
        if value.elements is not None:
            self.use(value.elements)
        places = frozenset((kind, (*steps, name)) for kind, steps in value.places for name in fields)
        self._read(places, PRESENT)
        return _Value(places)

    def _element(self, value: _Value) -> _Value:
        """Every element of a list; should it be a map, `Projection.keep` keeps it whole."""
        found = (self._member(_Value(value.places), (EACH,)),) if value.places else ()
        return _together((*found, value.elements) if value.elements is not None else found)

    def _called(self, node: tree.Call, names: Names) -> _Value:
        if (kind := look_up(node)) is not None:
            return self._looked_up(node, kind, names)
        if node.function in INDEX:
            return self._indexed(*node.arguments, names=names)
        if node.function == IN:
            self._find(*node.arguments, names=names)
            return NOTHING
        if node.function == "size":
            self._count(node, names)
            return NOTHING
        given = node.arguments if node.target is None else (node.target, *node.arguments)
        if node.function in LOOKING:
            self._read(self.value(given[0], names).places, LOOKING[node.function])
            return NOTHING
        if node.function not in PASSING:
            self._use_all(given, names)
            return NOTHING
        if node.function == CONDITION:
            self._use_all(given[:1], names)
            given = given[1:]
        found = _together(self.value(each, names) for each in given)
        return replace(found, texts=None) if node.function == PLUS else found

    def _looked_up(self, node: tree.Call, kind: GroupVersionKind, names: Names) -> _Value:
        found = _Value(frozenset({(kind, ())}))
        self._read(found.places, PRESENT)
        values = [self.value(each, names) for each in node.arguments]
        for value in values:
            self.use(value)
        if node.function == "list":
            return _Value(elements=found)
        if node.function == "isTaken":
            self._take(found, values[2])
            return NOTHING
        return found

    def _take(self, found: _Value, path: _Value) -> None:
        """`cluster.isTaken` reads the field that its third argument names."""
        for text in path.texts or ():
            found_at = found
            for step in text.split("."):
                found_at = self._member(found_at, (step,))
            self.use(found_at)
        if path.texts is None:
            self.use(found)

    def _indexed(self, operand: tree.Node, index: tree.Node, *, names: Names) -> _Value:
        value, at = self.value(operand, names), self.value(index, names)
        self.use(at)
        return self._element(value) if at.texts is None else self._member(value, at.texts)

    def _find(self, sought: tree.Node, where: tree.Node, *, names: Names) -> None:
        """`'field' in map` asks whether a field is there; a list is kept whole by `Projection.keep`."""
        what, value = self.value(sought, names), self.value(where, names)
        self.use(what)
        if what.texts is None:
            self.use(value)
        else:
            self._member(value, what.texts)

    def _count(self, node: tree.Call, names: Names) -> None:
        """How many elements there are."""
        counted = node.target if node.target is not None else node.arguments[0]
        self._element(self.value(counted, names))

    def _comprehended(self, node: tree.Comprehension, names: Names) -> _Value:
        whole = self.value(node.range, names)
        inside = {**names, **dict.fromkeys(node.variables, NOTHING), node.variables[-1]: self._element(whole)}
        if node.condition is not None:
            self.use(self.value(node.condition, inside))
        if node.kind is tree.ComprehensionKind.FILTER:
            return whole
        result = NOTHING if node.result is None else self.value(node.result, inside)
        if node.kind in (tree.ComprehensionKind.MAP, tree.ComprehensionKind.TRANSFORM_LIST):
            return _Value(elements=result)
        self.use(result)
        return NOTHING


def _together(values: Iterable[_Value]) -> _Value:
    """What may be any of several values."""
    all_of = tuple(values)
    elements = [each.elements for each in all_of if each.elements is not None]
    texts = [each.texts for each in all_of if each.texts is not None]
    return _Value(
        frozenset().union(*(each.places for each in all_of)),
        _together(elements) if elements else None,
        frozenset().union(*texts) if texts and len(texts) == len(all_of) else None,
    )
