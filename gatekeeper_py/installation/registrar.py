"""Has the API server ask the engine, and not before it has been seen to reach it.

The configurations are there from the installation on and hold no webhook. First comes one that is about a
ConfigMap of the engine's own and nothing else; the engine writes that ConfigMap, as a dry run, and when the
API server says that the engine answered, the real webhooks take the place of the trial. From then on they are
kept as they should be: with the authorities of the moment, and the trusted tenants of the policies in force.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from gatekeeper_py.installation.access import Access, AccessError
from gatekeeper_py.installation.identifiers import CONFIG_MAP, CONFIGURATIONS, NAME, NAMESPACE, REACH
from gatekeeper_py.objects.resource import GroupVersion, GroupVersionKind, Object
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.webhook.app import REACHED
from gatekeeper_py.webhook.registration import Client, configurations, trial

__all__ = ["NotReached", "NotRegistered", "Registrar", "is_registered", "is_same"]

REACH_SECONDS: Final = 10.0
"""How long to wait for the API server to notice the trial: it watches configurations, and takes a second.
Well below the duration of the Lease, which is not renewed meanwhile."""

REACH_PAUSE: Final = 0.5


UNNOTICED: Final = "it has not noticed the trial"


class NotRegistered(Exception):
    """There is no webhook configuration to fill in; the message says what to do."""


class NotReached(Exception):
    """The API server could not call the engine; the message says what it said."""


class Registrar:
    """Fills in both webhook configurations."""

    def __init__(
        self,
        access: Access,
        url: str = "",
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._access = access
        self._url = url
        """Where a server outside the cluster listens; empty for the Service."""
        self._clock, self._pause = clock, pause

    def register(
        self,
        authorities: bytes,
        tenancy: Tenancy,
        conversions: Iterable[GroupVersion] = (),
        policies: PolicySet | None = None,
    ) -> bool:
        """Have both be as they should for these policies; whether anything was written.

        `authorities` is the PEM of those whom the API server is to trust. Raises `NotReached` when nothing is
        registered yet and the API server does not reach the engine; then nothing is.
        """
        client = Client(self._url, base64.b64encode(authorities).decode("ascii"))
        wanted = configurations(client, tenancy, conversions, policies)
        present = [self._read(kind) for kind in CONFIGURATIONS]
        if all(map(is_same, present, wanted)):
            return False
        if not all(map(is_registered, present)):
            self._try(client, present[1])
            present[1] = self._read(CONFIGURATIONS[1])
        for before, after in zip(present, wanted, strict=True):
            if not is_same(before, after):
                self._access.replace({**before, "webhooks": after["webhooks"]})
        return True

    def _read(self, kind: GroupVersionKind) -> Object:
        found = self._access.get(kind, NAME)
        if found is None:
            raise NotRegistered(
                f"there is no {kind.kind} {NAME}: nothing is asked. Install it: gatekeeper install"
            )
        return found

    def _try(self, client: Client, validating: Object) -> None:
        """Register the trial, and have the API server call it; take it away when it does not."""
        self._access.replace({**validating, "webhooks": [trial(client)]})
        deadline = self._clock() + REACH_SECONDS
        said = self._write_reach()
        while REACHED not in said and self._clock() <= deadline:
            self._pause(REACH_PAUSE)
            said = self._write_reach()
        if REACHED in said:
            return
        self._access.replace({**self._read(CONFIGURATIONS[1]), "webhooks": []})
        raise NotReached(f"the API server does not reach the engine, so nothing is registered: {said}")

    def _write_reach(self) -> str:
        """What the API server says to a dry run that the trial is about."""
        found = self._access.get(CONFIG_MAP, REACH, NAMESPACE)
        if found is None:
            raise NotRegistered(f"there is no ConfigMap {NAMESPACE}/{REACH}. Install it: gatekeeper install")
        try:
            self._access.replace(found, dry_run=True)
        except AccessError as error:
            return str(error)
        return UNNOTICED


def is_registered(configuration: Object) -> bool:
    """Whether it holds more than nothing or the trial."""
    names = [webhook["name"] for webhook in configuration.get("webhooks") or []]
    return bool(names) and names != [trial(Client())["name"]]


def is_same(present: Object, wanted: Object) -> bool:
    """Whether the API server would make no difference between them."""
    return _defaulted(present.get("webhooks") or []) == _defaulted(wanted["webhooks"])


def _defaulted(webhooks: Sequence[Object]) -> list[dict[str, Any]]:
    """With what the API server fills in (apis/admissionregistration/v1/defaults.go); we say all the rest."""
    return [{"objectSelector": {}, **webhook} for webhook in webhooks]
