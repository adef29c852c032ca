"""The policies in force: swapped whole when the files change, kept when an edit is bad."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest

__all__ = ["BadPolicies", "InForce", "Loaded", "Policies", "Problem", "Review", "Webhook"]

Webhook: TypeAlias = Literal["mutate", "validate"]
"""Which of the two doors a review came through."""

Problem: TypeAlias = str
"""One reason why the files cannot be loaded: `file:line:column: what`."""

Review: TypeAlias = Callable[[AdmissionRequest, Webhook, float], Decision]
"""Decides one request before a deadline (`time.monotonic()` in seconds). Called from many threads."""


def nobody(_namespace: str) -> str:
    """Where no namespace is anybody's."""
    return ""


def every(_namespace: str) -> bool:
    """Where every namespace is known."""
    return True


class BadPolicies(Exception):
    """The files hold no set of policies that can be put in force."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Loaded:
    """What files and cluster hold now."""

    review: Review
    count: int
    """Policies in the set."""
    owner: Callable[[str], str] = nobody
    """The tenant of a namespace, by name; empty for a namespace that is nobody's or unknown."""
    knows: Callable[[str], bool] = every
    """Whether a namespace is known to exist."""
    inquire: Callable[[str], bool] = every
    """Whether it is known if there is such a namespace; if not, the cluster is asked, without waiting."""
    tenants: frozenset[str] = frozenset()
    """The names of declared tenants."""
    conversions: Callable[[], frozenset[GroupVersion]] = frozenset
    """The versions in which policies judge what may be sent in others: the API server has to ask in them."""


@dataclass(frozen=True, slots=True)
class InForce:
    """One immutable set of policies over one picture of the cluster."""

    loaded: Loaded
    loaded_at: float
    """Seconds since the epoch."""
    revision: int
    """Counts the sets this server has put in force, from 1."""


class Policies:
    """Holds what is in force. `load` builds a new set or raises `BadPolicies`; the swap is one assignment."""

    def __init__(self, load: Callable[[], Loaded]) -> None:
        self._load = load
        self._in_force: InForce | None = None
        self._problems: tuple[Problem, ...] = ()

    @property
    def in_force(self) -> InForce | None:
        """The last good set, or None when there never was one."""
        return self._in_force

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the files as they are now are not in force; empty when they are."""
        return self._problems

    def reload(self) -> InForce:
        """Put the files as they are now in force, whole; or raise `BadPolicies` and change nothing."""
        try:
            loaded = self._load()
        except BadPolicies as bad:
            self._problems = bad.problems
            raise
        except Exception as error:  # an error of ours must not take the last good set out of force
            self._problems = (f"internal error while loading: {type(error).__name__}: {error}",)
            raise BadPolicies(self._problems) from error
        revision = self._in_force.revision + 1 if self._in_force else 1
        self._in_force = InForce(loaded, time.time(), revision)
        self._problems = ()
        return self._in_force
