from __future__ import annotations

import base64
import json
import string
import zlib
from typing import Any

import pytest

from gatekeeper_py.authoring.playground.sheet import LONGEST, NotASheet, Sheet


def test_a_sheet_is_what_a_page_sends() -> None:
    sheet = Sheet.read({"policy": "a", "operation": "UPDATE"})
    assert sheet == Sheet(policy="a", operation="UPDATE")
    assert sheet.plain == {"policy": "a", "operation": "UPDATE"}


def test_a_link_holds_the_whole_sheet() -> None:
    sheet = Sheet(policy="é😀" * 1000, user="eve")
    packed = base64.urlsafe_b64decode(sheet.fragment + "==")
    assert json.loads(zlib.decompress(packed, wbits=-zlib.MAX_WBITS)) == sheet.plain
    assert set(sheet.fragment) <= {*string.ascii_letters, *string.digits, "-", "_"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "a sheet is an object"),
        ({"polcy": ""}, "a sheet has no polcy"),
        ({"policy": 1}, "policy is no text"),
        ({"policy": "x" * (LONGEST + 1)}, "policy is longer than 262144 characters"),
        ({"operation": "PATCH"}, "operation is none of CREATE, UPDATE, DELETE, CONNECT"),
    ],
)
def test_anything_else_is_refused(value: Any, said: str) -> None:
    with pytest.raises(NotASheet) as error:
        Sheet.read(value)
    assert str(error.value) == said
