"""What is to be audited, on its way to the disk: texts piece by piece, read by all processors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gatekeeper_py.audit.aggregation import unknown_groups
from gatekeeper_py.audit.spool import Record, Spool, is_kept
from gatekeeper_py.audit.workers import spread
from gatekeeper_py.manifests.manifest import Manifest, Problem, Source
from gatekeeper_py.manifests.pieces import Piece, read_piece
from gatekeeper_py.objects.resource import Object

__all__ = ["Advance", "Intake", "take", "take_objects"]

Advance = Callable[[int], None]
"""Told how much more is done."""


@dataclass(slots=True)
class Intake:
    """What was taken in, besides what the spool holds."""

    objects: int = 0
    kept: list[Manifest] = field(default_factory=list)
    """Those that stay in memory too: see `is_kept`."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Read:
    """Of one piece."""

    text: int
    records: tuple[Record, ...]
    kept: tuple[Manifest, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def take(
    intake: Intake,
    spool: Spool,
    pieces: Iterable[Piece],
    workers: int,
    advance: Advance = lambda _: None,
    meanwhile: Callable[[], object] | None = None,
) -> None:
    """Read pieces of text into a spool; `advance` is told of objects, for `meanwhile` see `spread`."""
    texts = ((piece, spool.add_text(piece)) for piece in pieces)
    for read in spread(_read, texts, workers, meanwhile):
        spool.add(read.records, read.text)
        intake.objects += len(read.records)
        intake.kept += read.kept
        intake.problems += read.problems
        intake.warnings += read.warnings
        advance(len(read.records))


def take_objects(intake: Intake, spool: Spool, objects: Iterable[Object], where: str = "cluster") -> None:
    """Put objects of a cluster into a spool; what another server serves there cannot be among them."""
    manifests = [Manifest(value, Source(where, 0, 0)) for value in objects]
    spool.add(map(Record.of, manifests))
    intake.objects += len(manifests)
    intake.kept += (manifest for manifest in manifests if is_kept(manifest.kind))
    intake.problems += unknown_groups(manifest.object for manifest in manifests)


def _bare(manifest: Manifest) -> Manifest:
    """Without the text that it stands in."""
    source = manifest.source
    return Manifest(manifest.object, Source(source.path, source.line, source.column))


def _read(given: tuple[Piece, int]) -> _Read:
    piece, text = given
    found = read_piece(piece)
    return _Read(
        text,
        tuple(Record.of(manifest, number) for number, manifest in enumerate(found.manifests)),
        tuple(map(_bare, filter(lambda manifest: is_kept(manifest.kind), found.manifests))),
        found.problems,
        tuple(warning for manifest in found.manifests for warning in manifest.warnings),
    )
