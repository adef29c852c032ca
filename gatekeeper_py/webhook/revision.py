"""The policies in force: swapped whole when the files change, kept when an edit is bad."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock, Thread
from typing import Literal, TypeAlias

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.cluster.view import ClusterView
from gatekeeper_py.engine import prepare
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.webhook.inventory import Inventory, contradictions, losses
from gatekeeper_py.webhook.registration import asks_for, purpose

__all__ = [
    "BadPolicies",
    "Enforce",
    "InForce",
    "Loaded",
    "Policies",
    "Reviewer",
    "Unsettled",
    "Webhook",
    "at_once",
]

Webhook: TypeAlias = Literal["mutate", "validate"]
"""Which of the two doors a review came through."""

Reviewer: TypeAlias = Callable[[AdmissionRequest, Webhook, float], Decision]
"""Decides one request before a deadline (`time.monotonic()` in seconds). Called from many threads."""


def nobody(_namespace: str) -> str:
    """Where no namespace is anybody's."""
    return ""


def every(_namespace: str) -> bool:
    """Where every namespace is known."""
    return True


class BadPolicies(Exception):
    """The files hold no set of policies that can be put in force; a problem is `file:line:column: what`."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Unsettled(BadPolicies):
    """The files hold less than what is in force, or change: perhaps somebody is writing them just now."""


def _nothing() -> tuple[str, ...]:
    return ()


def _empty() -> ClusterView:
    return Snapshot(complete=True)


def _never() -> Loaded | None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """One immutable set of policies over one picture of the cluster."""

    review: Reviewer
    count: int
    """Policies in the set."""
    owner: Callable[[str], str] = nobody
    """The tenant of a namespace, by name; empty for a namespace that is nobody's or unknown."""
    knows: Callable[[str], bool] = every
    """Whether a namespace is known to exist."""
    inquire: Callable[[str], bool] = every
    """Whether it is known if there is such a namespace; if not, the cluster is asked, without waiting."""
    conversions: Callable[[], frozenset[GroupVersion]] = frozenset
    """The versions in which policies judge what may be sent in others: the API server has to ask in them."""
    picture: Callable[[], tuple[object, ...]] = tuple
    """What of the cluster is seen at the moment: as long as it is the same, decisions are."""
    policies: PolicySet | None = None
    """What the set is made of; None where nobody registers it."""
    inventory: Inventory = field(default_factory=Inventory)
    tenancy: Tenancy = field(default_factory=Tenancy)
    view: Callable[[], ClusterView] = _empty
    """The cluster as decisions may know it at this moment."""
    warnings: Callable[[], tuple[str, ...]] = _nothing
    """What of it does nothing, as the cluster is now."""
    renew: Callable[[], Loaded | None] = _never
    """The same files over the tenants of the cluster as they are now; None when these are the same."""

    def is_asked(self, told: Iterable[GroupVersion]) -> bool:
        """Whether a registration whose path tells so asks about all that these policies need."""
        return self.policies is None or asks_for(told, _purpose(self))

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not in force though the set is: tenants that are bad or contested."""
        return self.tenancy.problems


KEPT_PURPOSES = 128
"""One for the host, and one for each control plane."""


@lru_cache(maxsize=KEPT_PURPOSES)
def _purpose(loaded: Loaded) -> GroupVersion:
    assert loaded.policies is not None
    return purpose(loaded.policies, loaded.tenancy)


@dataclass(frozen=True, slots=True)
class InForce:
    """A set that is in force."""

    loaded: Loaded
    loaded_at: float
    """Seconds since the epoch."""
    revision: int
    """Counts the sets this server has put in force, from 1."""


Enforce: TypeAlias = Callable[[InForce, Callable[[], None]], None]
"""Puts a set in force wherever reviews are decided, and here by the swap that it is given; or raises
`BadPolicies`, and the one before still is."""


def at_once(in_force: InForce, swap: Callable[[], None]) -> None:
    """In this process: the swap is all it takes. What the first reviews would have to make is made beside."""
    swap()
    if in_force.loaded.policies is not None:
        Thread(target=_prepare, args=(in_force.loaded.policies,), name="prepare", daemon=True).start()


class Policies:
    """Holds what is in force. `load` builds a new set or raises `BadPolicies`; the swap is one assignment."""

    def __init__(
        self, load: Callable[[], Loaded], *, demand_tenants: bool = True, in_force: InForce | None = None
    ) -> None:
        self._load = load
        self._demand_tenants = demand_tenants
        self._in_force = in_force
        self.enforce: Enforce = at_once
        self._refused: tuple[str, ...] = ()
        self._reloading = Lock()

    @property
    def in_force(self) -> InForce | None:
        """The last good set, or None when there never was one."""
        return self._in_force

    @contextmanager
    def not_reloading(self) -> Iterator[bool]:
        """Whether nothing is being loaded, and then for as long as it is entered; it does not wait."""
        held = self._reloading.acquire(blocking=False)
        try:
            yield held
        finally:
            if held:
                self._reloading.release()

    @property
    def problems(self) -> tuple[str, ...]:
        """What of the files and the cluster, as they are now, is not in force, and why."""
        return (*self._refused, *(self._in_force.loaded.problems if self._in_force else ()))

    def reload(self, *, at_rest: bool = False, unchanged: Callable[[], bool] = lambda: True) -> InForce:
        """Put the files as they are now in force, whole; or raise `BadPolicies` and keep those before.

        Raise `Unsettled` when they changed meanwhile, or lack what is in force and are not known to be
        `at_rest`. Tenants that are objects of the cluster do not wait for the files to be good.

        One at a time: of two at once, by a signal and by the watch, the one that read first might end last.
        """
        with self._reloading:
            return self._reload(at_rest, unchanged)

    def _reload(self, at_rest: bool, unchanged: Callable[[], bool]) -> InForce:
        try:
            loaded = self._load()
            self._compare(loaded, at_rest=at_rest)
            if not unchanged():
                raise Unsettled((CHANGING,))
            in_force = self._put_in_force(loaded)
        except Exception as error:  # an error of ours must not take the last good set out of force
            bad = _as_bad(error)
            self._refused = bad.problems
            if not isinstance(bad, Unsettled):
                self._renew()
            raise bad from error
        self._refused = ()
        return in_force

    def _renew(self) -> None:
        """Put the files that are in force over the tenants of the cluster as they are now."""
        with suppress(BadPolicies):
            loaded = self._in_force.loaded.renew() if self._in_force else None
            if loaded is not None:
                self._compare(loaded, at_rest=True)
                self._put_in_force(loaded)

    def _put_in_force(self, loaded: Loaded) -> InForce:
        revision = self._in_force.revision + 1 if self._in_force else 1
        in_force = InForce(loaded, time.time(), revision)

        def swap() -> None:
            self._in_force = in_force

        self.enforce(in_force, swap)
        return in_force

    def _compare(self, loaded: Loaded, *, at_rest: bool) -> None:
        """Raise when what is in force has more than what has been loaded, and that may be an accident."""
        if self._in_force is None:
            return
        before, after = self._in_force.loaded.inventory, loaded.inventory
        if problems := tuple(contradictions(before, after, demand_tenants=self._demand_tenants)):
            raise BadPolicies(problems)
        if not at_rest and (problems := tuple(losses(before, after))):
            raise Unsettled(tuple(f"{problem}. {WAITING}" for problem in problems))


def _prepare(policies: PolicySet) -> None:
    """Make what reviews would have to, and keep the garbage collector from looking through it ever after."""
    prepare(policies)
    gc.freeze()


def _as_bad(error: Exception) -> BadPolicies:
    if isinstance(error, BadPolicies):
        return error
    return BadPolicies((f"internal error while loading: {type(error).__name__}: {error}",))


CHANGING = "the files changed while they were read. They are read again"
WAITING = "It stays in force until the files have been at rest for a while"
