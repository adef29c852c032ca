"""Which labels and annotations an object hands on to what is made from it.

Controllers copy metadata out of templates: of pods, claims, jobs, Secrets, Services, virtual machines. So a
mark counts wherever it may become metadata, however deep, in kinds of Kubernetes and in those of others; in
the latter in texts as well. Selectors only ask for labels, and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from gatekeeper_py.objects.remembered import remembered
from gatekeeper_py.tenancy.catalogue import BUILT_IN_GROUPS
from gatekeeper_py.tenancy.forms import Place
from gatekeeper_py.tenancy.tenant import GROUP
from gatekeeper_py.tenancy.written import key_within, written_marks

__all__ = ["Mark", "marks"]

TAGS = ("labels", "annotations")
"""How the names of maps of labels and annotations end: podLabels and commonAnnotations are such, too."""
SELECTORS = ("selector", "selectors", "selectorterms", "matchlabels", "matchexpressions", "affinity")
"""How the names of fields end that ask for labels and give none."""
PREFIXES = (f"{GROUP}/", "capsule.clastix.io/", "projectcapsule.dev/")
"""Of keys that mean the same wherever they stand: a map of labels may be called anything."""
ENTRY_KEYS = ("key", "name")
"""Where an item of a list of labels has its key."""
TAGGED, SELECTING, PLAIN = "tagged", "selecting", "plain"
INNER = frozenset((dict, list))
"""What may hold something further in."""
LONGEST_KEY = 64
"""Characters of a field's name whose meaning is kept."""
OWN = frozenset(("metadata", "status"))
"""Parts of an object that are handed on to nothing: rules of their own judge them."""


Way: TypeAlias = "tuple[Way | None, str | int]"
"""How to get to a container: to the one around it, then by a key or an index. Most ways are never written."""

START = Place(None, "", 0)
"""Where an object begins."""


class Mark(NamedTuple):
    """A label or an annotation, and the map it stands in."""

    path: str
    key: str
    value: str


def marks(body: Mapping[str, Any]) -> Iterator[Mark]:
    """All labels and annotations below an object's own, in no order; raises `Unreadable` at one too deep."""
    has_texts = str(body.get("apiVersion", "")).rpartition("/")[0] not in BUILT_IN_GROUPS
    stack: list[tuple[Any, Way, bool]] = [
        (value, (None, key), _field(key) is TAGGED)
        for key, value in body.items()
        if key not in OWN and type(value) in INNER
    ]
    while stack:
        value, way, tags = stack.pop()
        if has_texts:
            yield from _written(value, way, tags=tags)
        path = ""  # written once, and only where a mark is
        if type(value) is dict:
            for key, item in value.items():
                if tags or ("/" in key and key.startswith(PREFIXES)):
                    path = path or _path(way)
                    yield Mark(path, key, item if type(item) is str else "")
                if item and type(item) in INNER and (field := _field(key)) is not SELECTING:
                    stack.append((item, (way, key), field is TAGGED))
        else:
            for index, item in enumerate(value):
                if tags:
                    path = path or _path(way)
                    yield from _entry(item, f"{path}[{index}]")
                if item and type(item) in INNER:
                    stack.append((item, (way, index), False))


def _written(value: Any, way: Way, *, tags: bool) -> Iterator[Mark]:
    """The marks in the texts of a container, and in names of its fields that end with one."""
    for step, item in value.items() if type(value) is dict else enumerate(value):
        if type(item) is not str or (type(step) is str and _field(step) is SELECTING):
            continue
        if type(step) is str and not tags and (key := key_within(step)):
            yield Mark(_path(way), key, item)
        for key, said in written_marks(item):
            yield Mark(_path((way, step)), key, said or _said_beside(value, item, key))


def _said_beside(value: Any, item: str, key: str) -> str:
    """The value of a key that stands alone in a field of its own: `{key: a, value: b}`."""
    return str(value.get("value", "")) if type(value) is dict and item == key else ""


def _path(way: Way) -> str:
    """A way in words: `spec.template.metadata.labels`."""
    place = START
    for step in reversed([*_steps(way)]):
        place = place.below(f".{step}" if isinstance(step, str) else f"[{step}]")
    return place.path()


def _steps(way: Way | None) -> Iterator[str | int]:
    while way is not None:
        way, step = way
        yield step


@remembered(LONGEST_KEY)
def _field(key: str) -> str:
    """What the name of a field says of what it holds."""
    lower = key.lower()
    if lower.endswith(TAGS):
        return TAGGED
    return SELECTING if lower.endswith(SELECTORS) else PLAIN


def _entry(item: Any, path: str) -> Iterator[Mark]:
    """An item of a list of labels: `{name: key, value: v}`, or `key=v` as text."""
    if type(item) is dict:
        for field in ENTRY_KEYS:
            if type(item.get(field)) is str:
                yield Mark(path, item[field], str(item.get("value", "")))
    elif type(item) is str:
        key, _, value = item.partition("=")
        yield Mark(path, key.strip(), value.strip())
