"""Memory that is settled is passed over by the collector; what was loaded before is not kept for ever."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from gatekeeper_py.webhook.memory import frugal, settle, trim


class Loop:
    """Something in a circle, which only the collector frees."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_there_is_passed_over() -> None:
    settle()
    assert gc.get_freeze_count() > 0


def test_what_an_older_load_has_left_is_freed() -> None:
    settled = Loop()
    settle()
    seen = weakref.ref(settled)
    del settled
    gc.collect()
    assert seen() is not None
    settle()
    assert seen() is None


def test_glibc_is_asked_where_there_is_one() -> None:
    frugal()
    trim()
