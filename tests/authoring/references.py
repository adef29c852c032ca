"""What a document names: commands, files, links. Only what stands as code counts; prose may say `make` in any sense."""

from __future__ import annotations

import re
from collections.abc import Iterator

FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)((?:    .*\n)+)")
SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


def code(page: str) -> list[str]:
    """The pieces of a page that are code: blocks line by line, and spans."""
    blocks = [*FENCED.findall(page), *INDENTED.findall(page)]
    rest = INDENTED.sub("", FENCED.sub("", page))
    return [line for block in blocks for line in block.splitlines()] + [
        " ".join(span.split()) for span in SPAN.findall(rest)
    ]


def make_targets(page: str) -> set[str]:
    """`demo` of `make demo`."""
    return {name for piece in code(page) for name in re.findall(r"(?:^|[;&|]) *make ([a-z0-9]+)", piece)}


def commands(page: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The words and the flags of every `gatekeeper ...`: `certs dev`, `--url`."""
    for piece in code(page):
        for call in re.findall(r"(?:^|[|;] *)gatekeeper ([a-z][^#|]*)", piece.strip()):
            words, flags = re.match(r"(?:[a-z]+ ?)+", call), re.findall(r"(?<!\S)--?[a-z][a-z-]*", call)
            yield tuple(words[0].split()) if words else (), tuple(flags)


def lone_flags(page: str) -> set[str]:
    """Flags that a page names without their command: `--client-ca`, `--client-ca FILE`."""
    return {piece.split()[0].split("=")[0] for piece in code(page) if re.match(r"--[a-z]", piece)}


def paths(page: str) -> set[str]:
    """What looks like a file or a folder of the checkout: `policies/`, `docs/testing.md`, `policy/admission`."""
    return {
        piece
        for piece in code(page)
        if re.fullmatch(r"(?:[\w-][\w.-]*/)+(?:[\w.-]+)?", piece)
        and not re.search(r"\.(?:dev|io|com)/", piece)
    }


def links(page: str) -> set[tuple[str, str]]:
    """Address and anchor of the links that lead into the checkout."""
    return set(LINK.findall(FENCED.sub("", page)))


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as forges and the site make them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
