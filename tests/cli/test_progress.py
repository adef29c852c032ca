"""A bar on a terminal, nothing anywhere else."""

from __future__ import annotations

import io

import pytest

from gatekeeper_py.cli.progress import stages


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "drawn"), [(Terminal(), True), (io.StringIO(), False)])
def test_only_a_terminal_is_shown_how_far_it_is(
    stream: io.StringIO, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with stages() as begin:
        advance = begin("Judging", 10)
        for _ in range(10):
            advance(1)
    assert ("Judging" in stream.getvalue()) == drawn
    assert bool(stream.getvalue()) == drawn
