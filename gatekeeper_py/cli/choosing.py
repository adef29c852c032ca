"""Names that an option gives of what there is: a misspelt one is an error, and no report about nothing."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator

from gatekeeper_py.cli.exits import InputError

__all__ = ["demand_known", "strangers"]

FEW = 12
"""As many names as a line can tell; of more, only those are told that are nearly the one given."""
UNKNOWN = "{} {}: there is no such {}; {}"


def demand_known(option: str, names: Iterable[str], known: Collection[str], noun: str) -> None:
    """Raise `InputError` for the first name that is not known."""
    for told in strangers(option, names, known, noun):
        raise InputError(told)


def strangers(option: str, names: Iterable[str], known: Collection[str], noun: str) -> Iterator[str]:
    """What to say of each name that is not known."""
    for name in names:
        if name not in known:
            yield UNKNOWN.format(option, name, noun, _instead(name, known))


def _instead(name: str, known: Collection[str]) -> str:
    if near := difflib.get_close_matches(name, known, 3):
        return f"did you mean {' or '.join(near)}?"
    if len(known) <= FEW:
        return f"there are {', '.join(sorted(known)) or 'none'}"
    return f"none of the {len(known)} is called alike"
