"""The parser's tables, which take Lark a sixth of a second to make, made beforehand.

`tables.json` holds them for one grammar and one version of Lark, and says for which; where it is another,
they are made anew. `python -m tests.cel.syntax.derive_tables` writes the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper_py.cel.syntax.tokens import terminals

if TYPE_CHECKING:
    from lark import Lark

__all__ = ["FILE", "contents", "identity", "made", "shipped"]

FILE = Path(__file__).with_name("tables.json")
OPTIONS: Mapping[str, Any] = {
    "parser": "lalr",
    "lexer": "basic",
    "start": "expr",
    "keep_all_tokens": True,
    "maybe_placeholders": False,
}


def made(builder: object | None) -> Lark:
    """A parser made from the grammar, whose results `builder` puts together."""
    from lark import Lark

    return Lark(_grammar(), import_paths=[str(_celpy_folder())], transformer=builder, **OPTIONS)


def shipped(builder: object) -> Lark | None:
    """The same from the file; None when that is of another grammar or another Lark."""
    from lark import Lark

    content = json.loads(FILE.read_bytes())  # with integers of any length
    if content["of"] != identity():
        return None
    table = content["data"]["parser"]["parser"]
    table["tokens"] = _numbered(table["tokens"])
    table["states"] = {state: _numbered(actions) for state, actions in _numbered(table["states"]).items()}
    load: Callable[..., Lark] = Lark._load_from_dict  # what Lark's own standalone parsers are made with
    return load(content["data"], _numbered(content["memo"]), transformer=builder)


def _numbered(mapping: Mapping[str, Any]) -> dict[int, Any]:
    """JSON knows no numbers as keys."""
    return {int(key): value for key, value in mapping.items()}


def identity() -> str:
    """What tables depend on: our grammar, cel-python's, and how this Lark makes tables."""
    import lark

    parts = [lark.__version__, repr(sorted(OPTIONS.items())), _grammar()]
    parts += [file.read_text(encoding="utf-8") for file in sorted(_celpy_folder().glob("*.lark"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _grammar() -> str:
    rules = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return f"{rules}\n{terminals()}\n"


def _celpy_folder() -> Path:
    """Where cel-python keeps its grammar; importing the package would cost as much as making the tables."""
    spec = find_spec("celpy")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def contents() -> bytes:
    """What belongs into the file."""
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = made(None).memo_serialize([TerminalDef, Rule])
    data["options"]["import_paths"] = []  # of the machine where it was made
    return json.dumps({"of": identity(), "data": data, "memo": memo}, separators=(",", ":")).encode() + b"\n"
