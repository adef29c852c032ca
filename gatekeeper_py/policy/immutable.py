"""Dataclasses that nobody changes, made quickly: a review makes a dozen of them, some of twenty fields.

At run time a frozen dataclass sets each field by a call, which took a twelfth of a review. That nobody
changes these is seen by the type checker alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as immutable
    from dataclasses import replace
else:
    from dataclasses import dataclass

    def immutable(*, frozen, slots):
        """What makes such a class."""
        return dataclass(slots=slots, unsafe_hash=frozen)

    def replace(value, /, **changes):
        """`dataclasses.replace` of an instance of such a class, in half the time."""
        made = object.__new__(type(value))
        for name in value.__slots__:
            setattr(made, name, getattr(value, name))
        for name, new in changes.items():
            setattr(made, name, new)
        return made


__all__ = ["immutable", "replace"]
