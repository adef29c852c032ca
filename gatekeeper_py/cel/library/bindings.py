"""`cel.bind(x, value, expression)` (cel-go ext/bindings.go). Kubernetes has it not: an extra."""

from __future__ import annotations

from gatekeeper_py.cel.declarations import Library
from gatekeeper_py.cel.macros import BINDINGS

__all__ = ["LIBRARY"]

LIBRARY = Library("cel.lib.ext.cel.bindings", macros=BINDINGS)
