"""A text of many documents in pieces, cut between documents: what no memory holds is read piece by piece."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple

from gatekeeper_py.manifests.folder import LARGEST, opened
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem, Reading, read_all_text

__all__ = ["PIECE", "Piece", "cut", "file_pieces", "read_piece", "stream_pieces"]

PIECE = 256 << 10
"""Bytes that a piece has at the least, if the text has: some hundred objects."""

BETWEEN = re.compile(rb"\n(?=---[ \t\r\n])|(?<=\})\r?\n(?=\{)")
"""The end of a line between two documents. In YAML `---` begins no line of a document; JSON has no `}` that a
`{` follows without a comma."""

DIRECTIVE = re.compile(rb"^%", re.MULTILINE)
"""Stands before the `---` of its document: a text with one is not cut."""

TOO_LONG = f"one document is longer than {LARGEST} bytes"

WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""A text that begins so has its lines otherwise, and is not cut."""


class Piece(NamedTuple):
    """Whole documents of a text."""

    path: str
    data: bytes
    above: int = 0
    """Lines of the text before this piece."""


def file_pieces(path: Path) -> Iterator[Piece]:
    """The pieces of a plain file; raise `ManifestError` when it is none."""
    with opened(path) as file:
        yield from cut(str(path), _blocks(file))


def stream_pieces(path: str, stream: IO[bytes]) -> Iterator[Piece]:
    """The pieces of what is read once, while it comes."""
    return cut(path, _blocks(stream))


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.read(PIECE), b"")


def cut(path: str, blocks: Iterable[bytes]) -> Iterator[Piece]:
    """The text in pieces of whole documents, at least one."""
    kept, above, least = bytearray(), 0, PIECE
    for block in blocks:
        kept += block
        if len(kept) < least:
            continue
        at = _last_cut(bytes(kept))
        if at == 0 and len(kept) > LARGEST:
            raise ManifestError([Problem(path, above + 1, 1, TOO_LONG, "Split it")])
        if at == 0:
            least = 2 * len(kept)  # to look again for each block would take for ever
            continue
        yield Piece(path, bytes(kept[:at]), above)
        above += kept.count(b"\n", 0, at)
        del kept[:at]
        least = PIECE
    yield Piece(path, bytes(kept), above)


def _last_cut(text: bytes) -> int:
    """Where the last document begins; 0 when the text is one, or nobody can tell."""
    if text.startswith(WIDE) or DIRECTIVE.search(text):
        return 0
    return max((match.end() for match in BETWEEN.finditer(text)), default=0)


def read_piece(piece: Piece) -> Reading:
    """The objects of a piece, with their places in the whole text; what cannot be read costs only itself."""
    found = read_all_text(piece.data, piece.path)
    if not piece.above:
        return found
    return Reading(
        tuple(_lowered(manifest, piece.above) for manifest in found.manifests),
        tuple(_lower(problem, piece.above) for problem in found.problems),
    )


def _lowered(manifest: Manifest, lines: int) -> Manifest:
    warnings = tuple(_lower(warning, lines) for warning in manifest.warnings)
    return replace(manifest, source=manifest.source.lowered(lines), warnings=warnings)


def _lower(problem: Problem, lines: int) -> Problem:
    return replace(problem, line=problem.line + lines) if problem.line else problem
