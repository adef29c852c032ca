"""Has a tenant's own API server ask the engine, and keeps it so whatever its administrator does.

The tenant is administrator there: it may narrow or delete the registration at any time. That is seen within
seconds, told and set right. Nothing rests on it: what comes down is judged again at the host.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lightkube.config.kubeconfig import SingleConfig

from gatekeeper_py.cluster.bounds import FOREIGN, Exceeded
from gatekeeper_py.cluster.connection import Connection, Refused
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.installation.identifiers import CONFIGURATIONS
from gatekeeper_py.installation.registrar import is_same
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Served
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.webhook.log import Log
from gatekeeper_py.webhook.planes import Connect, Plane, Planes
from gatekeeper_py.webhook.registration import Client, configurations, control_plane_site
from gatekeeper_py.webhook.revision import InForce

__all__ = ["STATIC", "Known", "PlaneRegistrar", "register", "registration_of"]

STATIC: Final = ".static.k8s.io"
"""How names end of what an API server reads from files, and of nothing else (KEP-5793)."""

LOOK: Final = 5.0
"""Seconds between two looks at a registration."""

ANSWER_SECONDS: Final = 30.0
"""How long one look may take, whatever the API server does meanwhile."""

TOLD_SECONDS: Final = 3600.0
"""How long health tells of a registration that was set right."""

WriteEvent = Callable[[dict[str, Any]], None]


def registration_of(
    document: ControlPlane, in_force: InForce, client: Client, suffix: str = ""
) -> list[Object]:
    """Both configurations for a control plane, as the policies in force there want them."""
    site = control_plane_site(document.name, document.platform_namespaces, suffix)
    loaded = in_force.loaded
    return configurations(client, loaded.tenancy, loaded.conversions(), loaded.policies, site)


@dataclass(slots=True)
class Known:
    """What is known of one control plane's registration."""

    written: list[Object] | None = None
    """As we last saw or wrote it."""
    restored_at: float | None = None
    told: str = ""
    """What was said when it was set right last."""
    busy: bool = False
    begun: float = 0.0


@dataclass(slots=True)
class PlaneRegistrar:
    """Looks at every control plane's registration, at each in a thread of its own."""

    planes: Planes
    connect: Connect
    client: Callable[[], Client | None]
    """Where tenants' API servers find the engine, and whom they trust; None while nobody knows."""
    log: Log
    write_event: WriteEvent | None = None
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, Known] = field(default_factory=dict, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="control-plane-registration", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK):
            self.look_all()

    def look_all(self) -> None:
        """Begin a look at each; one that hangs keeps no other waiting."""
        planes = self.planes.all
        self._known = {each.name: self._known.get(each.name, Known()) for each in planes}
        for plane in planes:
            known = self._known.setdefault(plane.name, Known())
            if known.busy:
                self._trouble(plane, SILENT.format(self.clock() - known.begun))
                continue
            known.busy, known.begun = True, self.clock()
            threading.Thread(target=self._look, args=(plane, known), daemon=True).start()

    def _look(self, plane: Plane, known: Known) -> None:
        try:
            self.look(plane, known)
        finally:
            known.busy = False

    def look(self, plane: Plane, known: Known | None = None) -> None:
        """One look; whatever goes wrong is told, and tried again at the next."""
        known = known or self._known.setdefault(plane.name, Known())
        document, in_force, client = plane.document, plane.policies.in_force, self.client()
        if document is None or document.registration != "api" or plane.reason or client is None:
            return
        assert in_force is not None
        try:
            wanted = registration_of(document, in_force, client)
            found = asyncio.run(self._kept(document, wanted, known.written))
        except Exception as error:  # whatever a tenant's API server sends
            self._trouble(plane, UNKNOWN.format(str(error) or type(error).__name__))
            return
        known.written = wanted
        self._conclude(plane, known, found)

    async def _kept(
        self, document: ControlPlane, wanted: Sequence[Object], written: Sequence[Object] | None
    ) -> str:
        """Have it be as it should; what somebody had done to it, empty where nobody had."""
        return await register(self.connect(document), wanted, written)

    def _conclude(self, plane: Plane, known: Known, done: str) -> None:
        if done:
            known.restored_at = self.clock()
            plane.restored += 1
            when = datetime.now(UTC).isoformat(timespec="seconds")
            known.told = RESTORED.format(done, when)
            self._trouble(plane, known.told, anew=True)
            self._announce(plane)
        elif known.restored_at is None or self.clock() - known.restored_at > TOLD_SECONDS:
            plane.registration = ""
        else:
            plane.registration = known.told

    def _trouble(self, plane: Plane, problem: str, *, anew: bool = False) -> None:
        if anew or not plane.registration:
            self.log.error("control plane's registration", control_plane=plane.name, problem=problem)
        plane.registration = problem

    def _announce(self, plane: Plane) -> None:
        if self.write_event is None:
            return
        try:
            self.write_event(_event(plane))
        except Exception as error:  # an Event is a courtesy: log and metrics tell it, too
            self.log.warning("event not written", control_plane=plane.name, error=type(error).__name__)


async def register(
    config: SingleConfig, wanted: Sequence[Object], written: Sequence[Object] | None = None
) -> str:
    """Have an API server hold both configurations; what somebody had done to those written before, if at all.

    Raises `ClusterError`, and `TimeoutError` when it does not answer.
    """
    async with asyncio.timeout(ANSWER_SECONDS):
        connection = Connection(config, FOREIGN)
        try:
            return await _keep(connection, wanted, written)
        except (Refused, Exceeded) as error:
            raise ClusterError(str(error)) from error
        finally:
            await connection.close()


async def _keep(connection: Connection, wanted: Sequence[Object], written: Sequence[Object] | None) -> str:
    done = ""
    for index, (kind, value) in enumerate(zip(CONFIGURATIONS, wanted, strict=True)):
        before = await connection.get(_served(kind), "", value["metadata"]["name"])
        if before is not None and is_same(before, value):
            continue
        if written is not None and not (before is not None and is_same(before, written[index])):
            done = "deleted" if before is None else done or "changed"
        if before is None:
            await connection.create(_served(kind), "", value)
        else:
            name = value["metadata"]["name"]
            await connection.replace(_served(kind), "", name, {**before, "webhooks": value["webhooks"]})
    return done


def _served(kind: GroupVersionKind) -> Served:
    served = Kinds.builtin().served(kind)
    assert served is not None
    return served


def _event(plane: Plane) -> dict[str, Any]:
    """The Event at the host, about the document (core/v1); what is in no namespace is told in default."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "registration-", "namespace": "default"},
        "involvedObject": {
            "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
            "kind": "ControlPlane",
            "name": plane.name,
        },
        "type": "Warning",
        "reason": "RegistrationRestored",
        "message": plane.registration,
        "action": "Restored",
        "source": {"component": "gatekeeper-py"},
        "reportingComponent": "gatekeeper-py",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


# --- what users are told ---------------------------------------------------------------------------------

RESTORED: Final = "its registration was {} by somebody there, and has been set right at {}"
SILENT: Final = "its API server has not answered for {:.0f} s"
UNKNOWN: Final = "whether its API server asks the engine is not known: {}"
