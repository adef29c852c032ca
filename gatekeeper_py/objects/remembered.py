"""What a function says of short texts, kept for the next time: a tenant may send any text, of any length."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, TypeVar

__all__ = ["remembered"]

T = TypeVar("T")

MOST: Final = 4096
"""Texts of which is kept what was said: Kubernetes has fewer names of fields."""


def remembered(longest: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """A function that is asked once about each text of so many characters; of longer ones nothing is kept."""

    def remembering(function: Callable[[str], T]) -> Callable[[str], T]:
        known = lru_cache(MOST)(function)

        @wraps(function)
        def asked(text: str) -> T:
            return known(text) if len(text) <= longest else function(text)

        return asked

    return remembering
