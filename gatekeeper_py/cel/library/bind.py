"""`cel.bind(x, value, expression)` (cel-go ext/bindings.go). Kubernetes has it not: an extra."""

from __future__ import annotations

from gatekeeper_py.cel.checking.declarations import Library
from gatekeeper_py.cel.syntax.macros import BINDINGS

__all__ = ["LIBRARY"]

LIBRARY = Library("cel.lib.ext.cel.bindings", macros=BINDINGS)
