"""What is known of custom kinds: which are judged by rules, which are harmless, and which only a grant opens.

The data and the meaning of its words stand in `custom.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

import yaml

from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS

__all__ = ["ANY_KIND", "CustomKind", "Judgement", "custom_kind", "known_kinds"]

Judgement: TypeAlias = Literal["built-in", "ruled", "harmless", "powerful", "unknown"]
ANY_KIND = "*"
"""Stands for the kinds of a group that are not named; at the front of a group, for what precedes a dot."""


@dataclass(frozen=True, slots=True)
class CustomKind:
    """What is known of a kind."""

    judgement: Judgement
    reason: str = ""
    """Why it is harmless, or what power it has."""
    rules: tuple[str, ...] = ()
    """The policies that read it; those for every kind are not named."""
    version: str = ""
    """Of the project whose schema or source was read; empty when the kind is known by its purpose only."""


BUILT_IN = CustomKind("built-in", "Kubernetes' own, every field of which the policies know")
UNKNOWN = CustomKind("unknown", "no rule reads it; it is scanned")


def custom_kind(group: str, kind: str) -> CustomKind:
    """What is known of a kind, by its own entry or by one for the rest of its group."""
    if group in BUILT_IN_GROUPS:
        return BUILT_IN
    known = known_kinds()
    return next((known[key] for key in _keys(group, kind) if key in known), UNKNOWN)


def _keys(group: str, kind: str) -> Iterator[tuple[str, str]]:
    """Where an entry for a kind may stand, the closest first."""
    yield group, kind
    yield group, ANY_KIND
    rest = group
    while "." in rest:
        rest = rest.partition(".")[2]
        yield f"{ANY_KIND}.{rest}", kind
        yield f"{ANY_KIND}.{rest}", ANY_KIND


@cache
def known_kinds() -> Mapping[tuple[str, str], CustomKind]:
    """Every entry, by group and kind."""
    text = files(__package__).joinpath("custom.yaml").read_text(encoding="utf-8")
    data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {(group, kind): known for group, entry in data.items() for kind, known in _of_group(entry)}


def _of_group(entry: Mapping[str, Any]) -> Iterator[tuple[str, CustomKind]]:
    version = str(entry.get("read", ""))
    for kind, rules in entry.get("ruled", {}).items():
        yield kind, CustomKind("ruled", "its references are understood", tuple(rules), version)
    for kind, reason in entry.get("harmless", {}).items():
        yield kind, CustomKind("harmless", reason, (), version)
    for kind, reason in entry.get("powerful", {}).items():
        yield kind, CustomKind("powerful", reason, (), version)
