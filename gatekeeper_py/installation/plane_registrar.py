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
from gatekeeper_py.cluster.connection import MOST_SAID, Connection, Refused
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.installation.identifiers import CONFIGURATIONS
from gatekeeper_py.installation.plane_folders import FolderError, PlaneFolders
from gatekeeper_py.installation.registrar import is_same
from gatekeeper_py.objects.kinds import Kinds
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Served
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.webhook.log import Log
from gatekeeper_py.webhook.planes import Connect, Plane, Planes
from gatekeeper_py.webhook.registration import Client, configurations, control_plane_site, origin_of
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

UNASKED_SECONDS: Final = 300.0
"""How long an API server may ask nothing before that is told: one that nobody uses asks nothing."""

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
    rests_until: float = 0.0
    """A look that took long is not followed by another at once."""
    open_since: float | None = None
    """Since when it has been looked at without having asked anything."""


@dataclass(slots=True)
class PlaneRegistrar:
    """Looks at every control plane's registration, at each in a thread of its own."""

    planes: Planes
    connect: Connect
    client: Callable[[], Client | None]
    """Where tenants' API servers find the engine, and whom they trust; None while nobody knows."""
    log: Log
    write_event: WriteEvent | None = None
    folders: PlaneFolders | None = None
    """Where the files of those are kept that read them; None where somebody else does that."""
    clock: Callable[[], float] = time.monotonic
    worked: Callable[[], float] = time.thread_time
    """Seconds that a look, in a thread of its own, has taken of a processor."""
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
            if self.clock() < known.rests_until:
                continue
            known.busy, known.begun = True, self.clock()
            threading.Thread(target=self._look, args=(plane, known), daemon=True).start()

    def _look(self, plane: Plane, known: Known) -> None:
        try:
            self.look(plane, known)
        finally:
            known.rests_until = self.clock() + FOREIGN.pause(self.worked())
            known.busy = False

    def look(self, plane: Plane, known: Known | None = None) -> None:
        """One look; whatever goes wrong is told, and tried again at the next."""
        known = known or self._known.setdefault(plane.name, Known())
        document, in_force, client = plane.document, plane.policies.in_force, self.client()
        if document is None or in_force is None or plane.reason:
            return
        if document.registration != "api":
            self._look_at_files(plane, known, document, in_force, client)
            return
        if client is None:
            return
        try:
            wanted = registration_of(document, in_force, client)
            found = asyncio.run(self._kept(document, wanted, known.written))
        except Exception as error:  # whatever a tenant's API server sends
            self._trouble(plane, UNKNOWN.format(str(error)[:MOST_SAID] or type(error).__name__))
            return
        known.written = wanted
        self._conclude(plane, known, found)

    def _look_at_files(
        self,
        plane: Plane,
        known: Known,
        document: ControlPlane,
        in_force: InForce,
        client: Client | None,
    ) -> None:
        """Keep its files where that is to be done, and tell what is old by what its API server asks."""
        problem = ""
        if document.registration == "static" and self.folders is not None and client is not None:
            problem = self._keep_files(self.folders, document, in_force, client)
        problem = problem or self._is_old(plane, known, document, client)
        if problem:
            self._trouble(plane, problem)
        else:
            plane.registration = ""

    def _keep_files(
        self, folders: PlaneFolders, document: ControlPlane, in_force: InForce, client: Client
    ) -> str:
        """What keeps them from being as they should."""
        try:
            if folders.keep(document.name, registration_of(document, in_force, client, STATIC)):
                self.log.info("control plane's files written", control_plane=document.name)
        except (FolderError, ValueError) as error:
            return NOT_KEPT.format(error, document.name)
        return ""

    def _is_old(self, plane: Plane, known: Known, document: ControlPlane, client: Client | None) -> str:
        """What its API server tells of its registration by the paths that it calls."""
        asked = plane.service.registered
        is_static = document.registration == "static"
        if asked is None:
            since = known.open_since = self.clock() if known.open_since is None else known.open_since
            silent = self.clock() - since
            return UNASKED.format(silent) if is_static and silent > UNASKED_SECONDS else ""
        remedy = FILES.format(document.name) if is_static else PRINT.format(document.name)
        if is_static and self.folders is not None:
            remedy = REREAD
        if plane.service.unregistered():
            return OLD_POLICIES.format(remedy)
        if is_static and client is not None and origin_of(client) not in asked:
            return OLD_ORIGIN.format(remedy)
        return ""

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
OLD_POLICIES: Final = "its registration is old: it asks for other policies than those in force. {}"
OLD_ORIGIN: Final = (
    "its registration is old: it was written for another address or another CA of the engine's than now. {}"
)
UNASKED: Final = (
    "its API server has asked nothing for {:.0f} s, as long as this server has looked: whether its files are "
    "there, and for these policies, is not known"
)
NOT_KEPT: Final = (
    "its files cannot be kept: {}. Have the engine's user write there, or write them again where its API "
    "server reads them: gatekeeper install --control-plane {} --manifests DIR"
)
FILES: Final = (
    "Write its files again: gatekeeper install --control-plane {} --manifests DIR, or have serve do it "
    "(--control-plane-manifests)"
)
PRINT: Final = "Print it again: gatekeeper install --control-plane {}"
REREAD: Final = "Its files have been written again; its API server has not read them yet"
SILENT: Final = "its API server has not answered for {:.0f} s"
UNKNOWN: Final = "whether its API server asks the engine is not known: {}"
