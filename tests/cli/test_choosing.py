"""Names that options give."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from gatekeeper_py.cli.choosing import demand_known
from gatekeeper_py.cli.exits import InputError

MANY = [f"policy-{number}" for number in range(13)]


@pytest.mark.parametrize(
    ("name", "known", "instead"),
    [
        ("foo", ["fooo", "bar"], "did you mean fooo?"),
        ("foo", ["fooo", "fo", "bar"], "did you mean fooo or fo?"),
        ("foo", ["b", "a"], "there are a, b"),
        ("foo", [], "there are none"),
        ("foo", MANY, "none of the 13 is called alike"),
    ],
)
def test_a_name_that_is_not_known_is_an_error(name: str, known: Collection[str], instead: str) -> None:
    with pytest.raises(InputError) as raised:
        demand_known("--tenant", [*known, name], known, "tenant")
    assert str(raised.value) == f"--tenant {name}: there is no such tenant; {instead}"


def test_names_that_are_known_are_none() -> None:
    demand_known("--tenant", ["foo"], ["foo"], "tenant")
