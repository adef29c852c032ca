"""Kyverno's patterns as CEL: an object is like a pattern when every field of the pattern is there and alike.

A value is like a pattern, unlike it, or passed over: a condition of the pattern does not hold for it
(kyverno/pkg/engine/validate/validate.go, pkg/engine/anchor/handlers.go). Passed over is a list all of whose
items are; a rule is when its whole pattern is, and then it has nothing against the object.

    (field)   a condition: what is unlike it passes the map over
    <(field)  the same, but holds what is absent for alike
    =(field)  alike, where it is there
    ^(field)  a list with an item like each of these, where it is there
    X(field)  absent
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper_py.authoring.migration.carried import CannotCarry, glob_condition, literal
from gatekeeper_py.authoring.migration.logic import FALSE, TRUE, Condition, every, negated, some
from gatekeeper_py.authoring.migration.textpattern import Scalar, absent_is_like, text_condition
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.naming import cel_identifier
from gatekeeper_py.objects.schema import Form, Schema

__all__ = ["Outcome", "Value", "pattern_outcome"]

ANCHOR = re.compile(r"(?P<mark>[=X^+<]?)\((?P<name>.+)\)")
WILDCARD = re.compile(r"[*?]")
KEYED = ("labels", "annotations")
"""Maps below metadata whose keys may have wildcards."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """When a value is like a pattern, passed over, and either of both; else it is unlike."""

    like: Condition
    skipped: Condition
    accepted: Condition

    @classmethod
    def of(cls, like: Condition) -> Outcome:
        """Of what passes nothing over."""
        return cls(like, FALSE, like)


@dataclass(frozen=True, slots=True)
class Value:
    """A place in an object: CEL that reads it, and what may be there in each kind; () when unknown."""

    root: str
    schemas: tuple[Schema, ...] = ()

    @property
    def form(self) -> Form | None:
        """What it is in every kind, where that is one thing."""
        forms = {schema.form for schema in self.schemas}
        return forms.pop() if len(forms) == 1 and Form.ANY not in forms else None

    @property
    def scalar(self) -> Scalar:
        """As no list and no map."""
        kinds = {schema.scalar for schema in self.schemas}
        return Scalar(self.root, kinds.pop() if self.form is Form.SCALAR and len(kinds) == 1 else "")

    def field(self, name: str) -> Value:
        """A field of it."""
        found = [schema.field(name) for schema in self.schemas]
        root = f"{self.root}.{name}" if _is_selected(name) else f"{self.root}[{literal(name)}]"
        return Value(root, tuple(each for each in found if each is not None))

    def has(self, name: str) -> Condition:
        """Whether a field is there."""
        if _is_selected(name):
            return Condition(f"has({self.root}.{name})")
        return Condition(f"{literal(name)} in {self.root}", "==")

    def item(self, name: str) -> Value:
        """An item of it, in a loop."""
        return Value(name, tuple(each.items for each in self.schemas if each.items is not None))

    def entry(self, key: str) -> Value:
        """What a map has at a key, in a loop over keys."""
        return Value(
            f"{self.root}[{key}]", tuple(each.values for each in self.schemas if each.values is not None)
        )


def _is_selected(name: str) -> bool:
    """Whether CEL reads a field of this name by a dot: `namespace` is no variable, but a field."""
    return name == "namespace" or cel_identifier(name)


def pattern_outcome(pattern: Any, value: Value, path: FieldPath) -> Outcome:
    """What the pattern says of a value, in CEL. Raises `CannotCarry`."""
    return _Translation().value(pattern, value, path)


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of a pattern: `=(field)`."""

    text: str
    name: str
    mark: str | None
    """`=`, `X`, `^`, `<`; empty for a condition; None for a plain field."""


def _key(text: str, path: FieldPath) -> _Key:
    anchor = ANCHOR.fullmatch(text.strip())
    if anchor and anchor["mark"] == "+":
        raise CannotCarry(path, f"{text}, which is for mutation")
    if "{{" in text or "$(" in text:
        raise CannotCarry(path, "a variable in a pattern")
    return _Key(text, anchor["name"], anchor["mark"]) if anchor else _Key(text, text, None)


class _Translation:
    """One pattern; its loops have variables of their own."""

    def __init__(self) -> None:
        self._loops = 0

    def _variable(self) -> str:
        self._loops += 1
        return "item" if self._loops == 1 else f"item{self._loops}"

    def value(self, pattern: Any, value: Value, path: FieldPath) -> Outcome:
        """Of a value that is there."""
        if isinstance(pattern, Mapping):
            return self._map(pattern, value, path) if value.form in (None, Form.MAP) else Outcome.of(FALSE)
        if isinstance(pattern, list):
            return self._list(pattern, value, path)
        return Outcome.of(self._scalar(pattern, value, path))

    def _map(self, pattern: Mapping[str, Any], value: Value, path: FieldPath) -> Outcome:
        """Conditions first, then what else has an anchor, then plain fields."""
        keys = {text: _key(text, (*path, text)) for text in sorted(pattern)}
        made = {text: self._entry(keys[text], pattern[text], value, (*path, text)) for text in keys}
        conditions = [made[text].like for text in keys if keys[text].mark == ""]
        anchored = [made[text] for text in keys if keys[text].mark in ("=", "X", "^")]
        plain = [made[text] for text in _in_order(keys, pattern)]
        rest = _sequence([_anchors(anchored, counted=bool(conditions)), *plain])
        unmet = negated(every(conditions))
        return Outcome(
            like=every([*conditions, rest.like]),
            skipped=some([unmet, rest.skipped]),
            accepted=some([unmet, rest.accepted]),
        )

    def _entry(self, key: _Key, pattern: Any, value: Value, path: FieldPath) -> Outcome:
        keyed = _is_keyed(path[:-1])
        if keyed and not isinstance(pattern, str):
            raise CannotCarry(path, "a label or annotation whose pattern is no text: Kyverno passes it over")
        if WILDCARD.search(key.name):
            if not keyed or key.mark not in (None, "=", "X"):
                raise CannotCarry(path, "a field with a wildcard in its name")
            return Outcome.of(self._keys(key, pattern, value, path))
        return self._field(key, pattern, value, path)

    def _field(self, key: _Key, pattern: Any, value: Value, path: FieldPath) -> Outcome:
        there, inner = value.has(key.name), value.field(key.name)
        match key.mark:
            case "X":
                return Outcome.of(negated(there))
            case "^":
                return Outcome.of(some([negated(there), self._existing(pattern, inner, path)]))
            case "=":
                _demand_no_global(pattern, path)
                return _where_it_is(there, self.value(pattern, inner, path))
            case "<":
                like = some([negated(there), self.value(pattern, inner, path).like])
                return Outcome(like, negated(like), TRUE)
            case "":
                return Outcome.of(every([there, self.value(pattern, inner, path).like]))
        return self._plain(pattern, there, inner, path)

    def _plain(self, pattern: Any, there: Condition, value: Value, path: FieldPath) -> Outcome:
        """A field without an anchor: it must be there, but for patterns that absence is like."""
        if pattern == "*":
            return Outcome.of(there)
        found = self.value(pattern, value, path)
        if pattern is None or (isinstance(pattern, str) and absent_is_like(pattern)):
            return Outcome.of(some([negated(there), found.like]))
        return Outcome(
            like=every([there, found.like]),
            skipped=every([there, found.skipped]),
            accepted=every([there, found.accepted]),
        )

    def _keys(self, key: _Key, pattern: str, value: Value, path: FieldPath) -> Condition:
        """Labels or annotations of a name with wildcards. Kyverno takes any one; here all must be alike."""
        name = self._variable()
        named = Condition(glob_condition(name, [key.name]))
        some_are = Condition(f"{value.root}.exists({name}, {named})")
        if key.mark == "X":
            return negated(some_are)
        alike = self._scalar(pattern, value.entry(name), path)
        all_alike = Condition(f"{value.root}.all({name}, {some([negated(named), alike])})")
        return every([all_alike] if key.mark == "=" or alike == TRUE else [some_are, all_alike])

    # --- lists

    def _list(self, pattern: Sequence[Any], value: Value, path: FieldPath) -> Outcome:
        if len(pattern) != 1:
            raise CannotCarry(path, "a list of several patterns" if pattern else "a list of no pattern")
        if isinstance(pattern[0], list):
            raise CannotCarry((*path, 0), "a list in a list")
        if value.form not in (None, Form.LIST):
            return Outcome.of(FALSE)
        is_list = TRUE if value.form else Condition(f"type({value.root}) == list", "==")
        name = self._variable()
        item = value.item(name)
        if not isinstance(pattern[0], Mapping):
            one = _Items(value.root, name, Outcome.of(self._one(pattern[0], item.scalar, (*path, 0))))
        else:
            one = _Items(value.root, name, self.value(pattern[0], item, (*path, 0)))
        return one.outcome(is_list)

    def _existing(self, pattern: Any, value: Value, path: FieldPath) -> Condition:
        """Whether a list has an item like each of the patterns."""
        if not isinstance(pattern, list) or not all(isinstance(each, Mapping) for each in pattern):
            raise CannotCarry(path, "an existence anchor without a list of maps")
        if value.form not in (None, Form.LIST):
            return FALSE
        found = [] if value.form else [Condition(f"type({value.root}) == list", "==")]
        for index, each in enumerate(pattern):
            name = self._variable()
            like = self.value(each, value.item(name), (*path, index)).like
            found.append(Condition(f"{value.root}.exists({name}, {like})"))
        return every(found)

    # --- scalars

    def _scalar(self, pattern: Any, value: Value, path: FieldPath) -> Condition:
        """A pattern that is no list and no map: every item of a list must be like it, a map never is."""
        match value.form:
            case Form.SCALAR:
                return self._one(pattern, value.scalar, path)
            case Form.MAP:
                return FALSE
            case Form.LIST:
                return self._each(pattern, value, path)
        is_list = f"type({value.root}) == list"
        one = self._one(pattern, value.scalar, path)
        return some(
            [
                every([Condition(is_list, "=="), self._each(pattern, value, path)]),
                every([negated(Condition(is_list, "==")), one]),
            ]
        )

    def _each(self, pattern: Any, value: Value, path: FieldPath) -> Condition:
        name = self._variable()
        item = value.item(name)
        one = FALSE if item.form in (Form.MAP, Form.LIST) else self._one(pattern, item.scalar, path)
        return _Items(value.root, name, Outcome.of(one)).outcome(TRUE).like

    def _one(self, pattern: Any, scalar: Scalar, path: FieldPath) -> Condition:
        if pattern is None:
            return _nothing(scalar)
        if isinstance(pattern, bool):
            return _bool(pattern, scalar)
        if isinstance(pattern, int):
            return _whole_number(pattern, scalar)
        if isinstance(pattern, str):
            return text_condition(pattern, scalar, path)
        raise CannotCarry(path, f"a pattern of {pattern!r}")


@dataclass(frozen=True, slots=True)
class _Items:
    """What a pattern says of each item of a list."""

    root: str
    name: str
    of_each: Outcome

    def outcome(self, is_list: Condition) -> Outcome:
        """No item may be unlike; a list is passed over when it has items and all of them are."""
        accepted = self._all(self.of_each.accepted)
        if self.of_each.skipped == FALSE:
            return Outcome.of(every([is_list, accepted]))
        there = Condition(f"size({self.root}) > 0", "==")
        skipped = every([is_list, there, self._all(self.of_each.skipped)])
        one_like = Condition(f"{self.root}.exists({self.name}, {self.of_each.like})")
        like = every([is_list, accepted, some([negated(there), one_like])])
        return Outcome(like, skipped, every([is_list, accepted]))

    def _all(self, condition: Condition) -> Condition:
        return TRUE if condition == TRUE else Condition(f"{self.root}.all({self.name}, {condition})")


def _where_it_is(there: Condition, found: Outcome) -> Outcome:
    """`=(field)`."""
    absent = negated(there)
    return Outcome(
        like=some([absent, found.like]),
        skipped=every([there, found.skipped]),
        accepted=some([absent, found.accepted]),
    )


def _anchors(outcomes: Sequence[Outcome], *, counted: bool) -> Outcome:
    """Fields with an anchor: the map is passed over when all of them are, and no condition held."""
    accepted = every(each.accepted for each in outcomes)
    if counted or not outcomes or any(each.skipped == FALSE for each in outcomes):
        return Outcome.of(accepted)
    skipped = every(each.skipped for each in outcomes)
    if len(outcomes) == 1:
        return outcomes[0]
    return Outcome(every([accepted, negated(skipped)]), skipped, accepted)


def _sequence(outcomes: Sequence[Outcome]) -> Outcome:
    """One after the other: the first that is not alike decides."""
    rest = Outcome.of(TRUE)
    for each in reversed(outcomes):
        accepted = (
            each.accepted
            if rest.accepted == TRUE
            else some([each.skipped, every([each.like, rest.accepted])])
        )
        rest = Outcome(
            like=every([each.like, rest.like]),
            skipped=some([each.skipped, every([each.like, rest.skipped])]),
            accepted=accepted,
        )
    return rest


def _in_order(keys: Mapping[str, _Key], pattern: Mapping[str, Any]) -> Iterable[str]:
    """Plain and global fields as Kyverno comes to them: those with anchors inside first, from the last on."""
    order: deque[str] = deque()
    for text, key in keys.items():
        if key.mark == "<" or (key.mark is None and _has_anchors(pattern[text])):
            order.appendleft(text)
        elif key.mark is None:
            order.append(text)
    return order


def _has_anchors(pattern: Any) -> bool:
    if isinstance(pattern, Mapping):
        return any(ANCHOR.fullmatch(key.strip()) or _has_anchors(each) for key, each in pattern.items())
    return isinstance(pattern, list) and any(map(_has_anchors, pattern))


def _demand_no_global(pattern: Any, path: FieldPath) -> None:
    """What a global anchor below `=(field)` passes over depends on the names of the fields beside it."""
    if isinstance(pattern, Mapping):
        for key, each in pattern.items():
            if key.strip().startswith("<("):
                raise CannotCarry((*path, key), f"the global anchor {key} below another")
            _demand_no_global(each, (*path, key))
    elif isinstance(pattern, list):
        for index, each in enumerate(pattern):
            _demand_no_global(each, (*path, index))


def _is_keyed(path: FieldPath) -> bool:
    """Whether this place of a pattern has labels or annotations."""
    names = [_bare(str(each)) for each in path[-2:]]
    return len(names) == 2 and names[0] == "metadata" and names[1] in KEYED


def _bare(text: str) -> str:
    anchor = ANCHOR.fullmatch(text.strip())
    return anchor["name"] if anchor else text


def _nothing(scalar: Scalar) -> Condition:
    """The pattern null: what Go holds for nothing."""
    match scalar.kind:
        case "boolean":
            return Condition(f"!{scalar.root}")
        case "integer" | "number":
            return Condition(f"{scalar.root} == 0", "==")
        case "":
            return Condition(f"{scalar.root} in [dyn(null), dyn(''), dyn(0), dyn(false)]", "==")
    return Condition(f"{scalar.text} == ''", "==")


def _bool(pattern: bool, scalar: Scalar) -> Condition:
    if scalar.kind == "boolean":
        return Condition(scalar.root if pattern else f"!{scalar.root}")
    return Condition(f"{scalar.root} == {str(pattern).lower()}", "==") if not scalar.kind else FALSE


def _whole_number(pattern: int, scalar: Scalar) -> Condition:
    """A number, or a text that Go reads as one."""
    match scalar.kind:
        case "integer" | "number":
            return Condition(f"{scalar.root} == {pattern}", "==")
        case "boolean":
            return FALSE
    sign = "-" if pattern < 0 else "[+-]?" if pattern == 0 else "\\+?"
    return Condition(f"{scalar.text}.matches({literal(f'^{sign}0*{abs(pattern)}$')})")
