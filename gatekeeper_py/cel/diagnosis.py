"""What is wrong with a text that does not parse, in the words of cel-go's parser."""

from __future__ import annotations

from gatekeeper_py.cel.source import Issues

__all__ = ["diagnose"]


def diagnose(issues: Issues) -> None:
    """Add to `issues` why their text is no expression."""
    issues.add(len(issues.text), "Syntax error: mismatched input '<EOF>'")
