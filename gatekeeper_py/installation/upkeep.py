"""What runs beside the server: its certificate is rotated, and its registration kept, every few seconds.

In this order, so that no caller ever meets a certificate that it cannot trust: follow the Secret, publish
whom to trust, and only then take the next step. Of several replicas the holder of the Lease does so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from gatekeeper_py.installation.custody import Custody
from gatekeeper_py.installation.lease import Lease
from gatekeeper_py.installation.registrar import Registrar
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.pki.rotation import Issued, certificates_in
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.tenant import Tenancy

__all__ = ["LOOK", "FromFile", "FromSecret", "Trust", "Upkeep"]

REGISTERED: Final = "registered: the API server asks this engine, as the policies in force want it"

LOOK: Final = 10.0
"""Seconds between two looks: a reading of two small objects each."""


class Trust(Protocol):
    """Whom the API server is to trust."""

    def authorities(self) -> bytes:
        """In PEM, as of now."""

    def advance(self) -> None:
        """Do what is due, once what `authorities` said has been published."""


@dataclass(slots=True)
class FromSecret:
    """The engine's own authorities."""

    custody: Custody
    _issued: Issued = field(default_factory=Issued, init=False)

    def authorities(self) -> bytes:
        """In PEM; the Secret is read for it."""
        self._issued = self.custody.follow()
        return self._issued.bundle

    def advance(self) -> None:
        """The next step of the rotation."""
        self.custody.advance(self._issued)


@dataclass(frozen=True, slots=True)
class FromFile:
    """The authorities of somebody else, who rotates them."""

    file: Path

    def authorities(self) -> bytes:
        """What the file holds; raises `ValueError` when that is nothing to trust."""
        content = self.file.read_bytes()
        if not certificates_in(content):
            raise ValueError(f"{self.file}: is no PEM certificate. --register-ca is the CA of --tls-cert")
        return content

    def advance(self) -> None:
        """Nothing: that is somebody else's."""


def _unknown() -> PolicySet | None:
    return None


@dataclass(slots=True)
class Upkeep:
    """The looks, in a thread of their own."""

    trust: Trust
    lease: Lease
    registrar: Registrar | None
    tenancy: Callable[[], Tenancy | None]
    """Of the policies in force; None while there are none."""
    tell: Callable[[str, str], None]
    """Gets a level and a message: what is wrong, once until it changes, and what was done."""
    conversions: Callable[[], frozenset[GroupVersion]] = frozenset
    """In which versions the policies in force have the API server ask."""
    policies: Callable[[], PolicySet | None] = _unknown
    """Those in force; None while nobody can tell what they need, and everything is asked."""
    published: bytes = field(default=b"", init=False)
    """Whom API servers are to trust, in PEM, as of the last look."""
    problem: str = field(default="", init=False)
    """What is wrong now."""
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and let another replica have the Lease."""
        self._stopping.set()
        self._thread.join(LOOK)

    def look(self) -> None:
        """One look; whatever goes wrong is told, and tried again at the next."""
        try:
            self._keep()
        except Exception as error:  # the server answers reviews whatever happens here
            self._trouble(str(error) or type(error).__name__)
        else:
            self.problem = ""

    def _keep(self) -> None:
        authorities = self.published = self.trust.authorities()
        if not self.lease.hold():
            return
        self._register(authorities)
        self.trust.advance()

    def _register(self, authorities: bytes) -> None:
        tenancy = self.tenancy()
        if self.registrar is None or tenancy is None:
            return
        if self.registrar.register(authorities, tenancy, self.conversions(), self.policies()):
            self.tell("info", REGISTERED)

    def _trouble(self, problem: str) -> None:
        if problem != self.problem:
            self.tell("error", problem)
        self.problem = problem

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(LOOK)
        try:
            self.lease.give_up()
        except Exception as error:  # it runs out by itself
            self.tell("warning", f"the Lease was not given up: {error}")
