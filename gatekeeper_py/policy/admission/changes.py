"""What a mutation changed, leaf by leaf, for people; and the author's manifest with just these changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gatekeeper_py.objects.resource import ABSENT, Object

__all__ = ["Change", "changes", "graft"]

SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; `ABSENT` where it is not there."""

    field: str
    """`spec.containers[0].image`, `metadata.labels[example.com/team]`."""
    before: Any
    after: Any


def changes(before: Any, after: Any) -> list[Change]:
    """Every leaf that differs, in the order of the objects' fields."""
    return list(_changes("", before, after))


def _changes(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    held = before if isinstance(before, dict) else {} if before is ABSENT and after else None
    if isinstance(after, dict) and held is not None:
        for key in (*held, *(key for key in after if key not in held)):
            yield from _changes(_below(path, key), held.get(key, ABSENT), after.get(key, ABSENT))
    elif isinstance(before, list) and isinstance(after, list) and len(before) <= len(after):
        for index, value in enumerate(after):
            yield from _changes(f"{path}[{index}]", before[index] if index < len(before) else ABSENT, value)
    else:
        yield Change(path, before, after)


def _below(path: str, key: str) -> str:
    if not SIMPLE_KEY.fullmatch(key):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def graft(author: Object, defaulted: Object, mutated: Object) -> Object:
    """The author's object with what turned `defaulted` into `mutated`: policies' changes without defaults.

    Where a default is taken from what policies change, it is written out: it would be another one afterwards.
    """
    given = author if defaulted == mutated else _with_derived(author, defaulted)
    grafted: Object = _graft(given, defaulted, mutated)
    return grafted


DERIVED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ReplicationController": (("spec", "selector"), ("metadata", "labels"))
}
"""By kind, the fields that default to the labels of the template (pkg/apis/core/v1/defaults.go)."""


def _with_derived(author: Object, defaulted: Object) -> Object:
    given = dict(author)
    for part, name in DERIVED.get(author.get("kind", ""), ()):
        inner, made = given.get(part) or {}, defaulted.get(part) or {}
        if not inner.get(name) and made.get(name):
            given[part] = {**inner, name: made[name]}
    return given


def _graft(author: Any, defaulted: Any, mutated: Any) -> Any:
    if defaulted == mutated:
        return author
    if isinstance(author, dict) and isinstance(defaulted, dict) and isinstance(mutated, dict):
        return _graft_map(author, defaulted, mutated)
    if isinstance(author, list) and isinstance(defaulted, list) and isinstance(mutated, list):
        return _graft_list(author, defaulted, mutated)
    return mutated


def _graft_list(author: list[Any], defaulted: list[Any], mutated: list[Any]) -> list[Any]:
    """Each item that policies left, or changed, as its author wrote it: what they added has no author.

    What the API server put behind the author's items it puts there again.
    """
    if len(author) == len(defaulted) == len(mutated):
        return [_graft(*items) for items in zip(author, defaulted, mutated, strict=True)]
    own, made = defaulted[: len(author)], defaulted[len(author) :]
    grafted, left = [], list(range(len(own)))
    for item in mutated:
        index = _origin(item, own, left)
        if index is not None:
            left.remove(index)
            grafted.append(_graft(author[index], own[index], item))
        elif item in made:
            made.remove(item)
        else:
            grafted.append(item)
    return grafted


IDENTITIES = (("name",), ("port", "protocol"))
"""Fields by which an item of a list is known, whatever else of it is changed; the ports of a Service have
both, and their names may be what is changed."""


def _origin(item: Any, own: list[Any], left: list[int]) -> int | None:
    """Which of the items that are left it was: the same, or else one that is known by the same."""
    same = [index for index in left if own[index] == item]
    alike = _alike(item, own, left) if isinstance(item, dict) else iter(())
    return next(chain(same, alike), None)


def _alike(item: Object, own: list[Any], left: list[int]) -> Iterator[int]:
    for fields in IDENTITIES:
        for index in left:
            if isinstance(own[index], dict) and _is_known_by(fields, item, own[index]):
                yield index


def _is_known_by(fields: tuple[str, ...], item: Object, other: Object) -> bool:
    return all(name in item and item[name] == other.get(name) for name in fields)


def _graft_map(author: Object, defaulted: Object, mutated: Object) -> Object:
    grafted: Object = {}
    for key, value in author.items():
        if key in mutated:
            grafted[key] = _graft(value, defaulted.get(key, ABSENT), mutated[key])
        elif key not in defaulted:
            grafted[key] = value  # the API server itself drops it; no policy did
    for key, value in mutated.items():
        if key not in author and (key not in defaulted or defaulted[key] != value):
            grafted[key] = _added(defaulted.get(key, ABSENT), value)
    return grafted


def _added(defaulted: Any, mutated: Any) -> Any:
    """What an author did not write at all: of a map only what policies changed."""
    both = isinstance(defaulted, dict) and isinstance(mutated, dict)
    return _graft_map({}, defaulted, mutated) if both else mutated
