"""What a hostile tenant sends: objects that cost much more than their bytes, as long as the API server takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.benchmarks.webhook.process import review_of

__all__ = ["PAYLOADS", "widget"]

SIZE = 2_900_000
"""Bytes of an object: the API server's limit is 3 MiB."""

Spec = dict[str, Any]


def _filled(unit: str) -> str:
    return unit * (SIZE // len(unit))


PAYLOADS: Mapping[str, Callable[[], Spec]] = {
    "one namespace again and again": lambda: {"namespaces": _filled("foo,")},
    "many namespaces": lambda: {"namespaces": ",".join(f"n{number:x}" for number in range(SIZE // 6))},
    "a list of namespaces": lambda: {"namespaces": ["foo"] * (SIZE // 6)},
    "empty objects": lambda: {"list": [{}] * (SIZE // 3)},
    "small objects": lambda: {"list": [{"a": 0}] * (SIZE // 8)},
    "empty lists": lambda: {"list": [[]] * (SIZE // 3)},
    "many fields": lambda: {f"k{number:x}": 0 for number in range(SIZE // 10)},
    "one text of wide letters": lambda: {"text": "x" * (SIZE - 4) + "\N{GRINNING FACE}"},
}


def widget(spec: Spec, name: str = "web", namespace: str = "foo") -> dict[str, Any]:
    """A custom resource."""
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def creation(spec: Spec) -> bytes:
    """The review of its creation, 2.9 MB."""
    return review_of("Widget", "widgets", widget(spec))


def update(spec: Spec) -> bytes:
    """The review of an update that changes little, at the very end: 5.8 MB."""
    old, new = widget(spec), widget({**spec, "zz": 1})
    return review_of("Widget", "widgets", new, operation="UPDATE", oldObject=old)
