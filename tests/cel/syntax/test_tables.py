"""The tables that ship are those that Lark would make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lark
import pytest

from gatekeeper_py.cel.syntax import tables
from gatekeeper_py.cel.syntax.parser import _Builder

LOCK = Path(__file__).parents[3] / "requirements" / "runtime.txt"


def test_the_locked_lark_made_the_file() -> None:
    """Where this fails after a change of grammar or lock: python -m tests.cel.syntax.derive_tables."""
    if f"\nlark=={lark.__version__} " not in LOCK.read_text(encoding="utf-8"):
        pytest.skip(f"lark {lark.__version__} is not the locked one")
    assert json.loads(tables.FILE.read_bytes())["of"] == tables.identity()


def test_what_the_file_holds_reads_as_what_lark_would_make() -> None:
    shipped, made = tables.shipped(Texts()), tables.made(Texts())
    assert shipped is not None
    for text in TEXTS:
        assert shipped.parse(text) == made.parse(text)


class Texts:
    """Puts nothing together: rules and their parts."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda children: (name, children)


TEXTS = [
    "a.b['c'].?d[?0].e(1, -2u, 3.5e1) + b'x' == r'\\d' && !has(a.b) ? [1, ?x] : {'k': v, ?'o': w}",
    "T.name{f: 1, ?g: 2}.all(x, x in y || x >= 0x1F)",
    "true || null == false",
]


def test_tables_of_another_grammar_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tables.shipped(_Builder()) is not None
    monkeypatch.setattr(tables, "_grammar", lambda: "another")
    assert tables.shipped(_Builder()) is None


def test_tables_of_another_lark_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lark.__version__", "0.0.1")
    assert tables.shipped(_Builder()) is None
