"""Build JSON Patch paths: `jsonpatch.escapeKey` (apiserver/pkg/cel/library/jsonpatch.go)."""

from __future__ import annotations

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import STRING
from gatekeeper_py.cel.evaluation import costs

__all__ = ["LIBRARY"]


def _escape_key(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


LIBRARY = Library(
    "kubernetes.jsonpatch",
    functions=(
        Function(
            "jsonpatch.escapeKey",
            (
                Overload(
                    "string_jsonpatch_escapeKey_string",
                    (STRING,),
                    STRING,
                    _escape_key,
                    cost=costs.traversal,
                ),
            ),
        ),
    ),
)
