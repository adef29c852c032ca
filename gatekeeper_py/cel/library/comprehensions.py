"""Comprehensions with two variables (cel-go ext/comprehensions.go).

The macros become nodes of the tree; nothing of it is called at run time.
"""

from __future__ import annotations

from gatekeeper_py.cel.checking.declarations import Library
from gatekeeper_py.cel.syntax.macros import TWO_VARIABLES

__all__ = ["LIBRARY"]

LIBRARY = Library("cel.lib.ext.comprev2", macros=TWO_VARIABLES)
