"""What people read in a terminal, of objects that a hostile tenant may have written."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.objects.resource import ABSENT
from gatekeeper_py.policy.admission.changes import Change
from gatekeeper_py.policy.admission.text import MAX_VALUE, change_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode", "plain ünïcode"),
        ("two\nlines", "two\nlines"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("tab\there", "tab\\there"),
        ("back\u202ewards", "back\\u202ewards"),
        ("nul\0", "nul\\x00"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_nothing_is_left_that_a_terminal_would_obey(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (ABSENT, "kata", "spec.x: kata"),
        ("runc", "kata", "spec.x: runc -> kata"),
        ("runc", ABSENT, "spec.x: runc -> removed"),
        (ABSENT, "", 'spec.x: ""'),
        (None, {"a": [1, True]}, 'spec.x: null -> {"a":[1,true]}'),
        (ABSENT, "\x1b[31m", "spec.x: \\x1b[31m"),
        (ABSENT, "y" * (MAX_VALUE + 1), "spec.x: " + "y" * (MAX_VALUE - 3) + "..."),
    ],
)
def test_a_change_is_one_short_line(before: Any, after: Any, line: str) -> None:
    assert change_line(Change("spec.x", before, after)) == line
