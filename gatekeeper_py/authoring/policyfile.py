"""Policies and suites as the text of a file, as those that ship: a comment block, then the documents."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gatekeeper_py.manifests.dumping import PlainDumper

__all__ = ["Expression", "Inline", "comment_block", "file_text"]

WIDTH = 118
"""Characters of a line of the comment block."""
LONGEST_LINE = 110
"""Characters of an expression, or of a list, that stands on one line."""


PROSE = re.compile(r"[A-Za-z][\w.;'()/-]*( [\w.;'()/-]+)+", re.ASCII)
"""Two words and more, without a character that YAML reads in its own way."""


class Expression(str):
    """CEL: in quotes where it is short, and as a block where it is not."""

    __slots__ = ()


class Inline(dict[str, Any]):
    """A mapping that is written on one line."""


def comment_block(summary: str, parts: Mapping[str, str], notes: Sequence[str] = ()) -> str:
    """A summary, labelled parts below each other, and notes, each line behind `# `."""
    wide = max(map(len, parts), default=0) + 2
    paragraphs = [textwrap.fill(summary, WIDTH)]
    labelled = [
        textwrap.fill(f"{label}:".ljust(wide) + text, WIDTH, subsequent_indent=" " * wide)
        for label, text in parts.items()
    ]
    if labelled:
        paragraphs.append("\n".join(labelled))
    paragraphs += [textwrap.fill(note, WIDTH) for note in notes]
    lines = "\n\n".join(paragraphs).split("\n")
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def file_text(comment: str, documents: Sequence[Mapping[str, Any]]) -> str:
    """The comment, and the documents with `---` between them."""
    texts = [
        yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1 << 30, allow_unicode=True)
        for document in documents
    ]
    return comment + "---\n".join(texts)


_PLAIN = PlainDumper.yaml_representers[str]


class _Dumper(PlainDumper):
    """Short lists and `Inline` mappings on one line, everything else below each other."""


def _expression(dumper: _Dumper, text: Expression) -> yaml.ScalarNode:
    tag = "tag:yaml.org,2002:str"
    plain = dumper.analyze_scalar(str(text)).allow_block_plain and " #" not in text and ": " not in text
    if len(text) > LONGEST_LINE or (not plain and ('"' in text or "\\" in text)):
        return dumper.represent_scalar(tag, str(text), style=">")
    return dumper.represent_scalar(tag, str(text), style=None if plain else '"')


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    tag = "tag:yaml.org,2002:str"
    if PROSE.fullmatch(text):
        return dumper.represent_scalar(tag, text)
    if '"' in text and "\n" not in text and "\\" not in text:
        return dumper.represent_scalar(tag, text, style="'")
    return _PLAIN(dumper, text)


def _sequence(dumper: _Dumper, values: Sequence[Any]) -> yaml.SequenceNode:
    short = sum(len(str(value)) + 2 for value in values) < LONGEST_LINE
    scalars = not any(isinstance(value, dict | list) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=short and scalars)


def _inline(dumper: _Dumper, value: Inline) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", dict(value), flow_style=True)


_Dumper.add_representer(Expression, _expression)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _sequence)
_Dumper.add_representer(Inline, _inline)
