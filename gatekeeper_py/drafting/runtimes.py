"""Which RuntimeClasses of a cluster isolate, by their handlers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper_py.drafting.sightings import name_in
from gatekeeper_py.objects.resource import Object
from gatekeeper_py.tenancy.isolation import DEFAULT_HANDLERS, Level

__all__ = ["Runtimes"]

PREFERRED: Final = "kata"
"""The default where there are several: what most installations call the plain one."""


NONE_ISOLATES: Final = """\
No RuntimeClass of this cluster isolates. While that is so, `enforce` refuses every pod of a tenant. Install a
runtime such as Kata Containers and name its class here as default and allowed; or name your handler under
`handlers` if it isolates; or write `isolation: none` to let pods share the nodes' kernel."""


@dataclass(frozen=True, slots=True)
class Runtimes:
    """The classes of a cluster with their handlers."""

    handlers: Mapping[str, str]

    @classmethod
    def of(cls, classes: Iterable[Object]) -> Runtimes:
        """From RuntimeClasses."""
        return cls({name_in(value): str(value.get("handler")) for value in sorted(classes, key=name_in)})

    def level(self, name: str) -> Level:
        """How well a class isolates; one that is not there does not."""
        return DEFAULT_HANDLERS.get(self.handlers.get(name, ""), "none")

    @property
    def isolation(self) -> Level:
        """What every tenant's pods can be asked for: virtual machines, unless only sandboxes are there."""
        levels = {self.level(name) for name in self.handlers}
        return "sandbox" if "sandbox" in levels and "vm" not in levels else "vm"

    @property
    def allowed(self) -> list[str]:
        """The classes that isolate so."""
        return [name for name in self.handlers if self.level(name) == self.isolation]

    def spec(self) -> dict[str, Any]:
        """The field `runtimeClasses` for all tenants; no default where no class isolates."""
        allowed = self.allowed
        if not allowed:
            return {"isolation": self.isolation}
        default = PREFERRED if PREFERRED in allowed else allowed[0]
        return {"default": default, "allowed": allowed, "isolation": self.isolation}

    def comments(self) -> Iterator[str]:
        """What a person should know of them."""
        for name, handler in self.handlers.items():
            level = self.level(name)
            how = f"gives isolation {level}" if level != "none" else "is not known to isolate"
            yield f"RuntimeClass {name}: handler {handler} {how}"
        if not self.allowed:
            yield from NONE_ISOLATES.splitlines()
