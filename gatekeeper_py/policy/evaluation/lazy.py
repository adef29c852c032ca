"""A value that is made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["lazy"]

T = TypeVar("T")


class lazy(Generic[T]):  # as functools.cached_property
    """`functools.cached_property` without its lock, as Python 3.12 has it: for what one thread keeps."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = ""
        self.__doc__ = make.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, _owner: type | None = None) -> T:
        """Make it, and have it found from now on without asking here."""
        value = instance.__dict__[self._name] = self._make(instance)
        return value
