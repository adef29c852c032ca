"""Expressions laid out: the same tokens, with white space that shows what belongs together."""

from gatekeeper_py.cel.layout.arrangement import LINE_WIDTH, lay_out

__all__ = ["LINE_WIDTH", "lay_out"]
