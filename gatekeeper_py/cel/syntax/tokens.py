"""The tokens of the language: one table for the parser (by way of Lark) and for the diagnosis of bad texts.

Names, patterns and order are those of cel-go 0.26 (parser/gen/CEL.g4). Messages list expected tokens in this
order.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "CONSTANTS",
    "END",
    "NAMED",
    "ORDER",
    "READER",
    "RELATIONS",
    "RESERVED",
    "TOKENS",
    "UNFINISHED",
    "Token",
    "terminals",
]

END = "<EOF>"
"""Stands behind the last token."""

RELATIONS = ("==", "!=", "in", "<", "<=", ">=", ">")
SYMBOLS = ("&&", "||", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":", "+", "*", "/", "%")
WORDS = ("true", "false", "null")

RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let"}
    | {"loop", "package", "namespace", "null", "return", "true", "var", "void", "while"}
)
"""Words that name no variable and no function; fields and methods may be called so."""


class Token(NamedTuple):
    """A kind of token that a pattern describes."""

    name: str
    pattern: str
    priority: int = 0
    """Among patterns that can begin alike the higher goes first, so that the longest token is read."""
    hidden: bool = False
    """Stands between tokens and means nothing."""


_ESCAPE = r"""\\(?:[abfnrtv"'\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"""
# In these patterns no backslash stands before a quote: Lark would drop it.
_QUOTED = "|".join(
    (
        rf'"""(?:{_ESCAPE}|[^\\])*?"""',
        rf"'''(?:{_ESCAPE}|[^\\])*?'''",
        rf'"(?:{_ESCAPE}|[^"\n\r\\])*"',
        rf"'(?:{_ESCAPE}|[^'\n\r\\])*'",
        r'[rR](?:"""[\s\S]*?"""|"[^"\n\r]*")',
        r"[rR](?:'''[\s\S]*?'''|'[^'\n\r]*')",
    )
)
_EXPONENT = r"[eE][+-]?[0-9]+"
_WHOLE = r"0x[0-9a-fA-F]+|[0-9]+"

TOKENS = (
    Token("WHITESPACE", r"[\t \r\n\f]+", hidden=True),
    Token("COMMENT", r"//[^\n]*", 2, hidden=True),
    Token("NUM_FLOAT", rf"(?:[0-9]+\.[0-9]+|\.[0-9]+)(?:{_EXPONENT})?|[0-9]+{_EXPONENT}", 4),
    Token("NUM_INT", _WHOLE, 2),
    Token("NUM_UINT", rf"(?:{_WHOLE})[uU]", 3),
    Token("STRING", _QUOTED, 2),
    Token("BYTES", rf"[bB](?:{_QUOTED})", 2),
    Token("IDENTIFIER", r"[_a-zA-Z][_a-zA-Z0-9]*"),
    Token("ESC_IDENTIFIER", r"`[a-zA-Z0-9_.\-/ ]+`"),
)

CONSTANTS = (*WORDS, "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES")
"""The kinds of tokens that are values."""

NAMED = frozenset({END, *(token.name for token in TOKENS)})
"""The kinds of tokens that have a name, where others are called by their text."""

ORDER = (END, *RELATIONS, *SYMBOLS, *WORDS, *(token.name for token in TOKENS if not token.hidden))
"""All kinds of tokens, as cel-go's grammar numbers them."""


def terminals() -> str:
    """The terminals of Lark's grammar; it finds texts such as `==` in the rules themselves."""
    lines = [f"{_definition(token.name)}.{token.priority}: /{_slashes(token.pattern)}/" for token in TOKENS]
    return "\n".join([*lines, *(f"%ignore {token.name}" for token in TOKENS if token.hidden)])


def _definition(name: str) -> str:
    """cel-python's rules bring an identifier of their own."""
    return f"%override {name}" if name == "IDENTIFIER" else name


def _slashes(pattern: str) -> str:
    return pattern.replace("/", r"\/")


def _reader() -> re.Pattern[str]:
    by_priority = sorted(TOKENS, key=lambda token: -token.priority)
    texts = sorted({*RELATIONS, *SYMBOLS}, key=len, reverse=True)
    words = "|".join((*(text for text in texts if text.isalpha()), *WORDS))
    symbols = "|".join(re.escape(text) for text in texts if not text.isalpha())
    patterns = [f"(?P<{token.name}>{token.pattern})" for token in by_priority]
    return re.compile(
        "|".join((rf"(?P<word>(?:{words})(?![_a-zA-Z0-9]))", *patterns, f"(?P<symbol>{symbols})"))
    )


READER = _reader()
"""Matches one token; the name of the group is its kind, or `word` or `symbol` when its text is."""

_PARTIAL_ESCAPE = r"\\(?:[0-3][0-7]?|[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?"

UNFINISHED = re.compile(
    rf'"(?:{_ESCAPE}|[^\\"\n\r])*(?:{_PARTIAL_ESCAPE})?'
    rf"|'(?:{_ESCAPE}|[^\\'\n\r])*(?:{_PARTIAL_ESCAPE})?"
    r"|`[a-zA-Z0-9_.\-/ ]*|[=&|]|"
)
"""How far a token gets that comes to nothing."""
