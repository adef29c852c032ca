"""What a new policy shall be: the answers to the questions of `gatekeeper new`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from gatekeeper_py.authoring.scaffold.location import Location
from gatekeeper_py.authoring.scaffold.refusal import CannotDraft
from gatekeeper_py.authoring.scaffold.topic import Target

__all__ = ["TEMPLATES", "Blueprint", "Template"]

Template = Literal["validating", "mutating", "param", "tenant", "reference", "look-up"]
TEMPLATES: Final[tuple[Template, ...]] = get_args(Template)
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A DNS label: it names the policy, its binding and its files."""
OF_TENANTS: Final = frozenset({"tenant", "reference", "look-up"})
"""Templates whose policies hold for tenants, and so for what stands in namespaces."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One policy that is to be written."""

    name: str
    template: Template
    targets: tuple[Target, ...]
    location: Location | None = None
    """The field it is about; references and counts are about whole objects."""
    values: tuple[bool | int | str, ...] = ()
    """validating, param: the allowed ones, and none means any; mutating: the one that is filled in."""
    may_be_absent: bool = False
    limit: int = 10
    """look-up: how many there may be in a namespace."""
    stops: str = ""
    """What the policy is for, in words."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise CannotDraft(f"{self.name!r} names no policy. Write small letters, digits and dashes")
        if not self.targets:
            raise CannotDraft("name a resource that the policy is about")
        wide = [each.served.resource.resource for each in self.targets if not each.served.namespaced]
        if wide and self.template in OF_TENANTS:
            what = f"{wide[0]} are in no namespace, so they are no tenant's"
            raise CannotDraft(f"{what}. Take another resource, or the template validating")

    @property
    def field(self) -> Location:
        """The field, of templates that are about one."""
        if self.location is None:
            raise CannotDraft(f"the template {self.template} is about a field. Name it with --field")
        return self.location
