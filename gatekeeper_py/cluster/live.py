"""A cluster as it is now: watched in the background, seen as one immutable `Snapshot` at a time.

A thread of its own lists and watches each kind. Decisions read `view`, a plain attribute; they never wait for
the network. Until every kind has been listed once there is no view: `NotSynced` names what is missing, and
the webhook then refuses (fails closed). When the API server goes away, the last picture stays and `problems`
says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import orjson
from lightkube import AsyncClient, Client
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.core.resource import ApiInfo, ResourceDef
from lightkube.generic_resource import (
    GenericGlobalResource,
    GenericGlobalStatus,
    GenericNamespacedResource,
)
from lightkube.types import PatchType

from gatekeeper_py.cluster.snapshot import NAMESPACE, Snapshot
from gatekeeper_py.cluster.view import ClusterError, NotSynced
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Served

__all__ = [
    "BASE_KINDS",
    "ClusterError",
    "Listing",
    "LiveCluster",
    "NotSynced",
    "configuration",
    "list_cluster",
]

RBAC = "rbac.authorization.k8s.io"
BASE_KINDS = (
    CUSTOM_RESOURCE_DEFINITION,
    NAMESPACE,
    GroupVersionKind("node.k8s.io", "v1", "RuntimeClass"),
    GroupVersionKind(RBAC, "v1", "ClusterRole"),
    GroupVersionKind(RBAC, "v1", "ClusterRoleBinding"),
    GroupVersionKind(RBAC, "v1", "Role"),
    GroupVersionKind(RBAC, "v1", "RoleBinding"),
)
"""What every decision may ask about, whatever the policies say."""

PAGE = 500
"""Objects of one list request, as kubectl asks."""
WATCH_SECONDS = 240
"""After which the API server ends a watch; a quiet kind is then listed anew."""
SILENCE_SECONDS = WATCH_SECONDS + 20
"""A watch that says nothing for so long hangs on a dead connection."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
"""Seconds between attempts after an error, doubled each time."""
UNSERVED_PAUSE = 2.0
"""Seconds between looks for a kind that the cluster does not serve yet."""
STOP_SECONDS = 5.0
"""How long the connections may take to close: they do at once unless the network is gone."""
NOT_FOUND = 404
CONFLICT = 409
GONE = 410
"""The API server has forgotten the version to watch from."""

T = TypeVar("T")
Resource: TypeAlias = type[GenericGlobalResource] | type[GenericNamespacedResource]


def configuration(kubeconfig: Path | None) -> SingleConfig:
    """How to reach the cluster: a kubeconfig file, or (None) what a pod finds around it."""
    try:
        config = KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_env()
        single = config.get()
    except Exception as error:  # lightkube takes the file's shape for granted, and fails in many ways
        place = str(kubeconfig) if kubeconfig else "no kubeconfig, and not inside a cluster"
        raise ClusterError(f"{place}: {error}. Name a kubeconfig file with a current context.") from error
    if single is None:
        raise ClusterError(f"{kubeconfig}: names no current context")
    return single


def _reached(connect: Callable[[], T]) -> T:
    """A client; it reads certificates and credentials when it is made."""
    try:
        return connect()
    except (ConfigError, OSError, ValueError) as error:
        raise ClusterError(f"the kubeconfig cannot be used: {error}") from error


@dataclass(slots=True)
class _Kind:
    """How far the following of one kind has come."""

    kind: GroupVersionKind
    synced: bool = False
    problem: str = "not listed yet"
    task: asyncio.Task[None] | None = None
    heard: float = field(default_factory=time.monotonic)
    """When the API server last said something about the kind."""


class LiveCluster:
    """Follows the kinds it is told to. `start` and `stop` it; the rest may be called from any thread."""

    def __init__(self, config: SingleConfig, kinds: Iterable[GroupVersionKind] = ()) -> None:
        self._client = _reached(lambda: AsyncClient(config=config))
        self._kinds = {kind: _Kind(kind) for kind in (*BASE_KINDS, *kinds)}
        self._snapshot = Snapshot(complete=True)
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="cluster-watch", daemon=True)

    # --- what others ask ----------------------------------------------------------------------------

    @property
    def synced(self) -> bool:
        """Whether every kind has been listed at least once."""
        return all(state.synced for state in list(self._kinds.values()))

    @property
    def problems(self) -> Mapping[GroupVersionKind, str]:
        """Kinds that are not followed at the moment, and why."""
        return {state.kind: state.problem for state in list(self._kinds.values()) if state.problem}

    @property
    def ages(self) -> Mapping[GroupVersionKind, float]:
        """Seconds since the API server last said something about each kind."""
        now = time.monotonic()
        return {state.kind: now - state.heard for state in list(self._kinds.values())}

    @property
    def view(self) -> Snapshot:
        """The cluster as last seen; raises `NotSynced` before everything was seen once."""
        missing = [state for state in list(self._kinds.values()) if not state.synced]
        if missing:
            what = ", ".join(f"{state.kind.kind} ({state.problem})" for state in missing)
            raise NotSynced(f"the cluster has not been read yet: {what}")
        return self._snapshot

    @property
    def seen(self) -> Snapshot:
        """The cluster as far as it has been seen: for what decides nothing."""
        return self._snapshot

    def wait_until_synced(self, seconds: float) -> bool:
        """Whether everything has been seen once within this time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.synced, seconds)

    def follow(self, kinds: Iterable[GroupVersionKind]) -> None:
        """Follow these kinds too; until they are listed there is no view."""
        new = [kind for kind in kinds if kind not in self._kinds]
        self._kinds |= {kind: _Kind(kind) for kind in new}
        if self._loop is not None:
            for kind in new:
                self._loop.call_soon_threadsafe(self._begin, self._kinds[kind])

    def write_status(self, kind: GroupVersionKind, body: Object, seconds: float) -> None:
        """Merge into the status of an object without a namespace; raise `ClusterError`. It blocks.

        What is gone, or has changed since it was seen, is left alone: the watch tells of it soon.
        """
        served, loop = self._snapshot.served(kind), self._loop
        if served is None or loop is None:
            raise ClusterError(f"the cluster serves no {kind.kind}")
        name, status = body["metadata"]["name"], _status_of(served)
        patching = self._client.patch(status, name, body, patch_type=PatchType.MERGE)
        try:
            asyncio.run_coroutine_threadsafe(patching, loop).result(seconds)
        except ApiError as error:
            if error.status.code not in (NOT_FOUND, CONFLICT):
                raise ClusterError(str(error)) from error
        except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
            raise ClusterError(str(error) or type(error).__name__) from error

    def start(self) -> None:
        """Begin to follow, in the background."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it follows."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop following; the last view stays. A connection that will not close is left behind."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and self.running:
            with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
                loop.call_soon_threadsafe(stopping.set)
            self._thread.join(STOP_SECONDS)

    # --- the thread ---------------------------------------------------------------------------------

    def _main(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for state in list(self._kinds.values()):
            self._begin(state)
        await self._stopping.wait()
        tasks = [state.task for state in self._kinds.values() if state.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    def _begin(self, state: _Kind) -> None:
        if state.task is None:
            state.task = asyncio.create_task(self._follow(state))

    async def _follow(self, state: _Kind) -> None:
        """List, watch, and begin anew, for ever."""
        pause = FIRST_PAUSE
        while True:
            try:
                if await self._list_and_watch(state):
                    pause = FIRST_PAUSE
                    continue
                pause = UNSERVED_PAUSE if state.synced else FIRST_PAUSE
            except Exception as error:  # whatever it was, the next attempt may succeed
                self._failed(state, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _list_and_watch(self, state: _Kind) -> bool:
        """Until the watch ends; False at once when the cluster does not serve the kind."""
        served = await self._served(state)
        if served is None:
            return False
        resource = _resource(served)
        try:
            version = await self._list(state, resource)
        except ApiError as error:
            if error.status.code != NOT_FOUND:
                raise
            self._unserved(state)
            return False
        await self._watch(state, resource, version)
        return True

    async def _served(self, state: _Kind) -> Served | None:
        served = self._snapshot.served(state.kind)
        if served is None and self._kinds[CUSTOM_RESOURCE_DEFINITION].synced:
            self._unserved(state)
        return served

    def _unserved(self, state: _Kind) -> None:
        """A kind that does not exist has no objects: that is known, though it is worth a word."""
        self._replace(state, [])
        state.problem = f"the cluster serves no {state.kind.api_version} {state.kind.kind}"

    async def _list(self, state: _Kind, resource: Resource) -> str:
        """Replaces what is known of the kind; returns the version to watch from."""
        listed = self._client.list(resource, chunk_size=PAGE, **_everywhere(resource))  # type: ignore[call-overload]
        found = [_plain(value, state.kind) async for value in listed]
        self._replace(state, found)
        return str(listed.resourceVersion)

    async def _watch(self, state: _Kind, resource: Resource, version: str) -> None:
        """Follows changes until the API server forgets the version, or says nothing for long."""
        events = self._client.watch(  # type: ignore[call-overload]
            resource, resource_version=version, server_timeout=WATCH_SECONDS, **_everywhere(resource)
        )
        async with contextlib.aclosing(events):
            while True:
                try:
                    # Not wait_for: up to Python 3.11 it loses a cancellation that comes with an event.
                    async with asyncio.timeout(SILENCE_SECONDS):
                        event, value = await anext(events)
                except (TimeoutError, StopAsyncIteration):
                    return
                except ApiError as error:
                    if error.status.code == GONE:
                        return
                    raise
                self._change(state, event, _plain(value, state.kind))

    def _replace(self, state: _Kind, found: list[Object]) -> None:
        others = (
            value
            for other in self._kinds.values()
            if other.kind != state.kind
            for value in self._snapshot.held(other.kind)
        )
        self._publish(Snapshot((*others, *found), complete=True))
        with self._changed:
            state.synced, state.problem, state.heard = True, "", time.monotonic()
            self._changed.notify_all()

    def _change(self, state: _Kind, event: str, value: Object) -> None:
        if event == "DELETED":
            self._publish(self._snapshot.without_object(value))
        elif event in ("ADDED", "MODIFIED"):
            self._publish(self._snapshot.with_object(value))
        state.problem, state.heard = "", time.monotonic()

    def _publish(self, snapshot: Snapshot) -> None:
        with self._changed:
            self._snapshot = snapshot
            self._changed.notify_all()

    def _failed(self, state: _Kind, error: Exception) -> None:
        with self._changed:
            state.problem = f"{type(error).__name__}: {error}"
            self._changed.notify_all()


def _everywhere(resource: Resource) -> Mapping[str, str]:
    """In all namespaces, for resources that have any."""
    return {"namespace": "*"} if issubclass(resource, GenericNamespacedResource) else {}


@cache
def _resource(served: Served) -> Resource:
    """The class by which lightkube knows a resource; its objects stay plain dicts."""
    group, version, kind = served.kind
    verbs = ["get", "list", "watch", "global_list", "global_watch"]
    info = ApiInfo(resource=ResourceDef(group, version, kind), plural=served.resource.resource, verbs=verbs)
    base = GenericNamespacedResource if served.namespaced else GenericGlobalResource
    made: Resource = type(kind, (base,), {"_api_info": info})
    return made


@cache
def _status_of(served: Served) -> type[GenericGlobalStatus]:
    """The class by which lightkube knows the status of a resource without namespaces."""
    definition = ResourceDef(*served.kind)
    plural = served.resource.resource
    info = ApiInfo(resource=definition, parent=definition, plural=plural, verbs=["patch"], action="status")
    made: type[GenericGlobalStatus] = type(served.kind.kind, (GenericGlobalStatus,), {"_api_info": info})
    return made


def _plain(value: Mapping[str, Any], kind: GroupVersionKind) -> Object:
    """The object alone. Items of a list do not say what they are; nobody decides by managedFields."""
    made: Object = {**value, "apiVersion": kind.api_version, "kind": kind.kind}
    metadata = made.get("metadata")
    if isinstance(metadata, dict) and "managedFields" in metadata:
        made["metadata"] = {name: part for name, part in metadata.items() if name != "managedFields"}
    return made


# --- what exists, once -------------------------------------------------------------------------------


@dataclass(slots=True)
class Listing:
    """What exists in a cluster, and what could not be listed."""

    objects: list[Object] = field(default_factory=list)
    problems: dict[GroupVersionKind, str] = field(default_factory=dict)


NOT_AUDITED = frozenset({("", "events"), ("events.k8s.io", "events"), ("coordination.k8s.io", "leases")})
"""Chatter: many, short-lived, and never sent to the webhook."""


def list_cluster(config: SingleConfig, kinds: Iterable[GroupVersionKind] | None = None) -> Listing:
    """All objects of these kinds, or (None) of every kind, custom ones included. Asks once and waits.

    A kind that cannot be listed (forbidden, no longer served) is a problem of the result, not an error;
    a cluster that does not answer at all raises `ClusterError`.
    """
    listing = Listing()
    client = _reached(lambda: Client(config=config))
    definitions = _list_kind(client, _builtin_served(CUSTOM_RESOURCE_DEFINITION), listing)
    known = Snapshot(definitions)
    wanted = _listable(known) if kinds is None else [known.served(kind) for kind in kinds]
    for served in wanted:
        if served is None:
            continue
        custom = served.kind == CUSTOM_RESOURCE_DEFINITION
        listing.objects += definitions if custom else _list_kind(client, served, listing)
    client.close()
    return listing


def _builtin_served(kind: GroupVersionKind) -> Served:
    served = Snapshot().served(kind)
    assert served is not None
    return served


def _list_kind(client: Client, served: Served, listing: Listing) -> list[Object]:
    resource = _resource(served)
    try:
        listed = client.list(resource, chunk_size=PAGE, **_everywhere(resource))  # type: ignore[call-overload]
        return [_plain(value, served.kind) for value in listed]
    except ApiError as error:
        listing.problems[served.kind] = str(error)
    except Exception as error:  # the HTTP library is lightkube's choice, and so are its errors
        raise ClusterError(f"the cluster does not answer: {error or type(error).__name__}") from error
    return []


def _listable(known: Snapshot) -> Iterator[Served]:
    """One version of every resource that can be listed."""
    seen = set(NOT_AUDITED)
    for resource in known.kinds:
        served = resource.served
        name = (served.resource.group, served.resource.resource)
        if name not in seen and _can_be_listed(served):
            seen.add(name)
            yield served


def _can_be_listed(served: Served) -> bool:
    return "list" in _verbs().get(served.kind, ("list",))


@cache
def _verbs() -> Mapping[GroupVersionKind, tuple[str, ...]]:
    data = orjson.loads(files("gatekeeper_py.objects").joinpath("data/kinds.json").read_bytes())
    return {
        GroupVersionKind(row["group"], row["version"], row["kind"]): tuple(row["verbs"])
        for row in data["kinds"]
    }
