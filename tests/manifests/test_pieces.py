"""A text cut between its documents says the same as the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.manifests import pieces
from gatekeeper_py.manifests.manifest import read_all_text
from gatekeeper_py.manifests.pieces import cut, file_pieces, read_piece

YAML = """\
# the first
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  text: |
    ---
    {}
    {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
data: {1: x}
--- # the third is no object
nothing: here
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
"""
JSON = """\
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
{
  "apiVersion": "v1",
  "kind": "List",
  "items": [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"x": "}"}}
  ]
}
{"apiVersion": "v1", "kind": "ConfigMap"
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}}
"""
DIRECTED = "%YAML 1.1\n---\napiVersion: v1\nkind: A\n...\n%YAML 1.1\n---\napiVersion: v1\nkind: B\n"


def blocks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def told(text: bytes, path: str, size: int) -> tuple[list[object], list[str]]:
    found = [read_piece(piece) for piece in cut(path, blocks(text, size))]
    manifests = [manifest for reading in found for manifest in reading.manifests]
    places = [
        (
            each.object,
            each.source.line,
            each.source.column,
            each.source.locate(("metadata", "name")),
            each.warnings,
        )
        for each in manifests
    ]
    return list(places), [str(problem) for reading in found for problem in reading.problems]


def whole(text: bytes, path: str) -> tuple[list[object], list[str]]:
    found = read_all_text(text, path)
    places = [
        (
            each.object,
            each.source.line,
            each.source.column,
            each.source.locate(("metadata", "name")),
            each.warnings,
        )
        for each in found.manifests
    ]
    return list(places), [str(problem) for problem in found.problems]


@pytest.mark.parametrize("text", [YAML, YAML.replace("\n", "\r\n"), JSON, DIRECTED, "", "\n\n", "a: ["])
@given(size=st.integers(1, 400), least=st.integers(1, 300))
def test_pieces_say_what_the_whole_says(text: str, size: int, least: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", least)
        assert told(text.encode(), "all.yaml", size) == whole(text.encode(), "all.yaml")


def test_a_text_is_cut_where_it_can_be() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 1)
        found = [piece.data for piece in cut("x", [YAML.encode(), b""])]
    assert len(found) == 2
    assert b"".join(found) == YAML.encode()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_text_in_another_encoding_is_not_cut(encoding: str) -> None:
    text = ("\ufeff" + YAML).encode(encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 1)
        assert [piece.data for piece in cut("x", blocks(text, 7))] == [text]


def test_a_file_is_read_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_bytes(YAML.encode() * 2000)
    found = list(file_pieces(path))
    assert len(found) > 1
    assert b"".join(piece.data for piece in found) == path.read_bytes()
    assert all(len(piece.data) <= 2 * pieces.PIECE for piece in found)
    assert [piece.above for piece in found[:2]] == [0, found[0].data.count(b"\n")]
