"""Parts of objects that are alike are kept once: the pods of a Deployment differ in little but names."""

from __future__ import annotations

from typing import Any, Final

import orjson

from gatekeeper_py.objects.resource import Object

__all__ = ["Pool"]

MOST: Final = 20_000
"""Parts that are remembered. When there are more it is begun anew: what is kept by then stays shared."""
LONGEST: Final = 1024
"""Characters of JSON of a part that is remembered: longer ones are seldom alike."""


class Pool:
    """Finds for a part of an object one that is equal, and has been seen before. Parts are never changed."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}

    def share(self, obj: Object) -> Object:
        """The object, its fields and those of its metadata replaced by equal ones."""
        return {
            name: self._parts_of(value) if name == "metadata" else self._same(value)
            for name, value in obj.items()
        }

    def _parts_of(self, metadata: Any) -> Any:
        if not isinstance(metadata, dict):
            return metadata
        return {name: self._same(value) for name, value in metadata.items()}

    def _same(self, value: Any) -> Any:
        if type(value) not in (dict, list):
            return value
        text = orjson.dumps(value).decode()  # the bytes would keep the room in which orjson wrote them
        if len(text) > LONGEST:
            return value
        if len(self._parts) >= MOST:
            self._parts.clear()
        return self._parts.setdefault(text, value)
