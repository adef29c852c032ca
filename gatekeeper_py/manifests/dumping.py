"""YAML that every reader takes for what it is: kubectl's reader knows other plain words than PyYAML's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

__all__ = ["PlainDumper", "dump_all"]

PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*|[A-Za-z][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]+", re.ASCII)
"""Strings that may stand without quotes, unless they are one of the words below."""

WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""What some reader of YAML 1.1 or 1.2 takes for a boolean, null or number, in lower case."""


def dump_all(documents: Iterable[Any]) -> str:
    """Documents as one stream, keys in their order."""
    text: str = yaml.dump_all(
        documents, Dumper=PlainDumper, sort_keys=False, width=1 << 30, allow_unicode=True, explicit_start=True
    )
    return text


class PlainDumper(yaml.SafeDumper):
    """Quotes what could be misread, writes texts of several lines as blocks, and never uses anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - of PyYAML
        """Anchors are legal, but few people read them."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - of PyYAML
        """Indent lists below their key."""
        return super().increase_indent(flow, False)


def _string(dumper: PlainDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text and text == text.strip(" \t\r") and "\r" not in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    plain = PLAIN.fullmatch(text) and text.lower() not in WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


PlainDumper.add_representer(str, _string)
