"""Which of several replicas keeps certificates and registration: the holder of a Lease.

Safety does not hang on it: the Secret is replaced only in the version that was read, and what is registered
is the same whoever writes it. Without it replicas whose policies differ for a moment, in a rollout or while
kubelets bring a ConfigMap, would write their registrations over each other's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gatekeeper_py.installation.access import Access, Conflict
from gatekeeper_py.installation.identifiers import LEASE, NAME, NAMESPACE
from gatekeeper_py.objects.resource import Object

__all__ = ["DURATION", "Lease", "LeaseLost"]

DURATION: Final = 30
"""Seconds after which a Lease that nobody renews may be taken: three looks of the holder."""


class LeaseLost(Exception):
    """There is no Lease to hold; the message says what to do."""


class Lease:
    """As client-go's leaderelection: a foreign Lease has run out when it has not changed for its duration on
    our own clock, so that clocks which differ do no harm."""

    def __init__(self, access: Access, identity: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._identity = identity
        self._clock = clock
        self._seen: tuple[str, float] = ("", 0.0)
        """Version of the Lease, and when we first saw it."""

    def hold(self) -> bool:
        """Take or renew it; False while it is another replica's."""
        found = self._read()
        spec = found.get("spec") or {}
        holder = spec.get("holderIdentity")
        if holder and holder != self._identity and not self._run_out(found):
            return False
        return self._write(found, self._identity)

    def give_up(self) -> None:
        """Let another have it at once."""
        found = self._read()
        if (found.get("spec") or {}).get("holderIdentity") == self._identity:
            self._write(found, "")

    def _read(self) -> Object:
        found = self._access.get(LEASE, NAME, NAMESPACE)
        if found is None:
            raise LeaseLost(f"there is no Lease {NAMESPACE}/{NAME}. Install it: gatekeeper install")
        return found

    def _run_out(self, found: Object) -> bool:
        version, now = found["metadata"]["resourceVersion"], self._clock()
        if version != self._seen[0]:
            self._seen = (version, now)
        return now - self._seen[1] > DURATION

    def _write(self, found: Object, holder: str) -> bool:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {**(found.get("spec") or {}), "holderIdentity": holder, "leaseDurationSeconds": DURATION}
        try:
            self._access.replace({**found, "spec": {**spec, "renewTime": now}})
        except Conflict:
            return False
        return True
