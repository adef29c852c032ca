"""Which labels and annotations an object hands on to what is made from it.

Controllers copy metadata out of templates: of pods, claims, jobs, Secrets, Services, virtual machines. So a
mark counts wherever it may become metadata, however deep, in kinds of Kubernetes and in those of others.
Selectors only ask for labels, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gatekeeper_py.tenancy.tenant import GROUP

__all__ = ["Mark", "marks"]

TAGS = ("labels", "annotations")
"""How the names of maps of labels and annotations end: podLabels and commonAnnotations are such, too."""
SELECTING = ("selector", "selectors", "selectorterms", "matchlabels", "matchexpressions", "affinity")
"""How the names of fields end that ask for labels and give none."""
PREFIXES = (f"{GROUP}/", "capsule.clastix.io/", "projectcapsule.dev/")
"""Of keys that mean the same wherever they stand: a map of labels may be called anything."""
ENTRY_KEYS = ("key", "name")
"""Where an item of a list of labels has its key."""
OWN = frozenset(("metadata", "status"))
"""Parts of an object that are handed on to nothing: rules of their own judge them."""


class Mark(NamedTuple):
    """A label or an annotation, and the map it stands in."""

    path: str
    key: str
    value: str


def marks(body: Mapping[str, Any]) -> Iterator[Mark]:
    """All labels and annotations below an object's own, in no order."""
    stack = [(value, key, _is_map_of_tags(key)) for key, value in body.items() if key not in OWN]
    while stack:
        value, path, tags = stack.pop()
        if type(value) is dict:
            for key, item in value.items():
                if tags or key.startswith(PREFIXES):
                    yield Mark(path, key, item if type(item) is str else "")
                if type(item) in (dict, list) and not key.lower().endswith(SELECTING):
                    stack.append((item, f"{path}.{key}", _is_map_of_tags(key)))
        elif type(value) is list:
            for index, item in enumerate(value):
                if tags:
                    yield from _entry(item, f"{path}[{index}]")
                if type(item) in (dict, list):
                    stack.append((item, f"{path}[{index}]", False))


def _is_map_of_tags(key: str) -> bool:
    return key.lower().endswith(TAGS)


def _entry(item: Any, path: str) -> Iterator[Mark]:
    """An item of a list of labels: `{name: key, value: v}`, or `key=v` as text."""
    if type(item) is dict:
        for field in ENTRY_KEYS:
            if type(item.get(field)) is str:
                yield Mark(path, item[field], str(item.get("value", "")))
    elif type(item) is str:
        key, _, value = item.partition("=")
        yield Mark(path, key.strip(), value.strip())
