"""Type inference: which type may stand where another is wanted, and what type parameters then are.

The relation is cel-go's (checker/types.go): symmetric where one side is dyn, null for whatever may be null,
wrappers as their primitives.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gatekeeper_py.cel.checking.types import DURATION, DYN, TIMESTAMP, Kind, Type, parameter

__all__ = ["Substitution", "is_dynamic", "more_general", "unwrap_optional"]

_FLEXIBLE = frozenset({Kind.DYN, Kind.ERROR})
_NULLABLE = frozenset({Kind.OPAQUE, Kind.OPTIONAL, Kind.OBJECT, Kind.WRAPPER, Kind.NULL})
_GENERIC = frozenset({Kind.OPAQUE, Kind.OPTIONAL, Kind.LIST, Kind.MAP})


def is_dynamic(of: Type) -> bool:
    """Whether a value of the type may be anything: dyn, any, or the type of what is in error."""
    return of.kind in _FLEXIBLE


def unwrap_optional(of: Type) -> tuple[Type, bool]:
    """The type within an optional type, and whether it was one."""
    if of.kind is Kind.OPTIONAL:
        return of.parameters[0], True
    return of, False


def _primitive(of: Type) -> Type:
    return of.parameters[0] if of.kind is Kind.WRAPPER else of


def _nullable(of: Type) -> bool:
    return of.kind in _NULLABLE or of in (TIMESTAMP, DURATION)


def _is_general(general: Type, special: Type) -> bool:
    """Whether the first type is the second one or has dyn or a parameter where the second says more.

    They may stand for each other: what is of one kind has one name and as many parameters.
    """
    if general.kind in (Kind.DYN, Kind.PARAMETER):
        return True
    general, special = _primitive(general), _primitive(special)
    if general.kind is not special.kind:
        return False
    return general.kind is Kind.TYPE or all(map(_is_general, general.parameters, special.parameters))


def more_general(left: Type, right: Type) -> Type:
    """The more general of two types that may stand for each other."""
    return left if _is_general(left, right) else right


class Substitution:
    """What is known of the type parameters of one expression."""

    def __init__(self) -> None:
        self._bound: dict[str, Type] = {}
        self._journal: list[tuple[str, Type | None]] = []
        self._fresh = 0

    def fresh(self) -> Type:
        """A new type parameter, of which nothing is known."""
        self._fresh += 1
        return parameter(f"_var{self._fresh - 1}")

    def bound(self, of: Type) -> Type | None:
        """What a type parameter stands for, one step; None when that is not known."""
        return self._bound.get(of.name) if of.kind is Kind.PARAMETER else None

    def instantiate(self, types: Sequence[Type]) -> list[Type]:
        """The types of a signature with their parameters renamed to fresh ones."""
        renamed: dict[str, Type] = {}
        return [self._rename(of, renamed) for of in types]

    def _rename(self, of: Type, renamed: dict[str, Type]) -> Type:
        if of.kind is Kind.PARAMETER:
            if of.name not in renamed:
                renamed[of.name] = self.fresh()
            return renamed[of.name]
        if not of.parameters:
            return of
        return Type(of.kind, of.name, tuple(self._rename(part, renamed) for part in of.parameters))

    def resolve(self, of: Type, *, final: bool = False) -> Type:
        """The type with all known parameters filled in; when `final`, unknown ones are dyn."""
        while (known := self.bound(of)) is not None:
            of = known
        if of.kind is Kind.PARAMETER:
            return DYN if final else of
        if not of.parameters:
            return of
        parts = []
        for part in of.parameters:
            parts.append(self.resolve(part, final=final))
        return Type(of.kind, of.name, tuple(parts))

    def survey(self, of: Type, limit: int) -> tuple[bool, bool]:
        """Whether the resolved type has more than `limit` parts, and whether one of them is not known yet.

        Parts that repeat count each time.
        """
        pending = [of]
        count = 0
        open_ended = False
        while pending and count <= limit:
            count += 1
            part = pending.pop()
            known = self.bound(part)
            open_ended |= known is None and part.kind is Kind.PARAMETER
            pending.extend(part.parameters if known is None else (known,))
        return count > limit, open_ended

    def assignable(self, left: Type, right: Type) -> bool:
        """Whether one type may stand for the other; learns of parameters only when it may."""
        return self.all_assignable((left,), (right,))

    def all_assignable(self, left: Sequence[Type], right: Sequence[Type]) -> bool:
        """Whether each type may stand for its counterpart, all at once."""
        if self._unify_all(left, right):
            self._journal.clear()
            return True
        while self._journal:
            name, previous = self._journal.pop()
            if previous is None:
                del self._bound[name]
            else:
                self._bound[name] = previous
        return False

    def _bind(self, name: str, to: Type) -> None:
        self._journal.append((name, self._bound.get(name)))
        self._bound[name] = to

    def _unify_all(self, left: Sequence[Type], right: Sequence[Type]) -> bool:
        return len(left) == len(right) and all(map(self._unify, left, right))

    def _unify(self, left: Type, right: Type) -> bool:
        if right.kind is Kind.PARAMETER:
            valid, known = self._substitutes(left, right)
            if valid or known:
                return valid
        if left.kind is Kind.PARAMETER:
            return self._substitutes(right, left)[0]
        if is_dynamic(left) or is_dynamic(right):
            return True
        if left.kind is Kind.NULL:
            return _nullable(right)
        if right.kind is Kind.NULL:
            return _nullable(left)
        left, right = _primitive(left), _primitive(right)
        if left.kind is not right.kind or left.name != right.name:
            return False
        return left.kind not in _GENERIC or self._unify_all(left.parameters, right.parameters)

    def _substitutes(self, of: Type, variable: Type) -> tuple[bool, bool]:
        """Whether the parameter `variable` may stand for a type, and whether it was already known."""
        if of.kind is Kind.PARAMETER and of.name == variable.name:
            return True, True
        known = self._bound.get(variable.name)
        if known is None:
            if self._occurs(variable, of):
                return False, False
            self._bind(variable.name, of)
            return True, False
        if of == known:
            return True, True
        if not self._unify(of, known):
            return False, True
        merged = more_general(of, known)
        if not self._occurs(variable, merged):
            self._bind(variable.name, merged)
        return True, True

    def _occurs(self, variable: Type, within: Type) -> bool:
        """Whether the type mentions the parameter: no parameter may be a part of itself."""
        if within == variable:
            return True
        known = self.bound(within)
        if known is not None:
            return self._occurs(variable, known)
        return any(map(partial(self._occurs, variable), within.parameters))
