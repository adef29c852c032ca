"""The API servers of tenants' own that this engine answers, each on its own path: `/t/NAME/mutate`.

Each has a view, policies, a record and turns of its own, so that one that is slow, gone or hostile costs its
own requests and nobody else's. One without a view is closed: its requests are refused, and say why.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gatekeeper_py.cluster.bounds import FOREIGN
from gatekeeper_py.cluster.overlay import Overlay
from gatekeeper_py.cluster.snapshot import NAMESPACE
from gatekeeper_py.cluster.staleness import Stale
from gatekeeper_py.cluster.view import ClusterError
from gatekeeper_py.engine import Engine
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.admission.decision import Decision, Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.matching.versions import versions_needed
from gatekeeper_py.tenancy.control_plane import ControlPlane
from gatekeeper_py.tenancy.control_planes import inside, why_closed
from gatekeeper_py.tenancy.library import extension
from gatekeeper_py.tenancy.reads import read_by
from gatekeeper_py.tenancy.refusals import TENANCY_KINDS
from gatekeeper_py.tenancy.tenant import GROUP, Tenancy
from gatekeeper_py.webhook import limits
from gatekeeper_py.webhook.exchange import CALLER, Answering, Callers, Decline, Exchange, timeout_in
from gatekeeper_py.webhook.metrics import Metrics, Observed
from gatekeeper_py.webhook.origin import PHASES
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.registration import conversions_of
from gatekeeper_py.webhook.revision import InForce, Loaded, Policies, Webhook
from gatekeeper_py.webhook.rounds import Rounds
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.turns import Turns

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import SingleConfig

    from gatekeeper_py.cluster.live import LiveCluster

__all__ = ["PREFIX", "Connect", "Plane", "Planes", "path_of"]

PREFIX: Final = "/t/"
"""How the paths of control planes begin."""

DOORS: Final[Mapping[str, Webhook]] = {"mutate": "mutate", "validate": "validate"}

PERIOD: Final = 1.0
"""Seconds between two looks at documents and views."""

RETRY: Final = 10.0
"""Seconds until a kubeconfig that could not be used is read again."""

MOST: Final = 64
"""Control planes that one server follows, each with a thread, two dozen connections and a bound of memory."""

IN_FLIGHT: Final = 16
WORKERS: Final = 1
MEMORY: Final = 16 << 20
"""Reviews, threads and bytes of long bodies of one control plane: a quarter of the host's, or less."""

Connect = Callable[[ControlPlane], "SingleConfig"]
"""How to reach a control plane; raises `ClusterError`."""

Follow = Callable[["SingleConfig", ControlPlane], "LiveCluster"]


def path_of(name: str) -> str:
    """Below which a control plane's API server calls, without a slash at either end."""
    return f"{PREFIX}{name}".strip("/")


@dataclass(slots=True, eq=False)
class Plane:
    """One control plane, as long as some document names it."""

    name: str
    service: Service
    policies: Policies
    document: ControlPlane | None = None
    """None while no document that names it is in force."""
    live: LiveCluster | None = None
    reason: str = "has not been looked at yet"
    """Why it is closed; empty when it is not."""
    registration: str = ""
    """What is wrong with its registration, or was a while ago."""
    restored: int = 0
    """How often somebody had narrowed or deleted its registration."""
    tried: float = 0.0
    """When its kubeconfig was read last (monotonic)."""
    followed: PolicySet | None = None
    """The policies whose kinds are followed there."""
    made_of: tuple[object, ...] = ()
    """What its policies in force were made of."""
    loading: Callable[[], Loaded] | None = None

    @property
    def metrics(self) -> Metrics:
        """What is counted of it."""
        return self.service.record.metrics

    def problems(self) -> Iterator[str]:
        """What is wrong, in words."""
        if self.reason:
            yield f"control plane {self.name!r}: {self.reason}. Its own requests are refused"
        elif self.live is not None:
            for stale in self.live.stale.values():
                yield f"control plane {self.name!r}: {stale}. What needs it is refused there"
        if self.registration:
            yield f"control plane {self.name!r}: {self.registration}"

    def ages(self) -> Mapping[str, float]:
        """Seconds since each kind there was last known whole."""
        live = self.live
        return {} if live is None else {kind.kind: age for kind, age in live.ages.items()}

    def status(self) -> Mapping[str, object]:
        """For who asks how it is."""
        in_force = self.policies.in_force
        return {
            "name": self.name,
            "tenant": "" if self.document is None else self.document.tenant,
            "open": not self.reason,
            "revision": in_force.revision if in_force is not None else 0,
            "restored": self.restored,
            "problems": list(self.problems()),
            "denials": list(self.service.record.denials),
        }


@dataclass(slots=True)
class Planes:
    """Those that documents name. A thread of its own looks after them; requests never wait for it."""

    host: Policies
    record: Record
    """The host's: log and output are shared, the rest is each one's own."""
    connect: Connect
    rounds: Rounds
    """The event loop's work, in which they take turns with the host."""
    long: Turns
    """The turns of long reviews, each in a process of its own: the host's too, for the memory they take."""
    callers: Callers = field(default_factory=Callers)
    """Whose certificates are whose."""
    certificates: bool = True
    """Whether callers show certificates."""
    admit: Callable[[frozenset[str]], None] = lambda _names: None
    """Told which names of certificates may come in besides the host's."""
    max_age: float = 30.0
    clock: Callable[[], float] = time.monotonic
    follow: Follow | None = None
    _planes: dict[str, Plane] = field(default_factory=dict, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    # --- requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one review of a control plane (ASGI)."""
        name, door, versions = _parts(scope["path"])
        plane, webhook = self._planes.get(name), DOORS.get(door)
        if plane is None or webhook is None:
            answer = PlainTextResponse("there is no such control plane, or no such door\n", 404)
        elif self.is_foreign(scope.get(CALLER, frozenset()), name):
            answer = PlainTextResponse("the caller's certificate is not that control plane's\n", 403)
        elif scope["method"] != "POST":
            answer = PlainTextResponse("reviews are posted\n", 405, {"Allow": "POST"})
        else:
            exchange = Exchange(scope, receive, send)
            await exchange.reply(await plane.service.review(exchange, webhook, conversions_of(versions)))
            return
        await answer(scope, receive, send)

    def at_once(self, url: bytes, body: bytes, caller: frozenset[str], answer: Answering) -> Decline | None:
        """Answer a review that has arrived whole, with None what is none, or no short one (see `AtOnce`)."""
        door = _called(url)
        plane = None if door is None else self._planes.get(door.name)
        if door is None or plane is None or self.is_foreign(caller, door.name):
            answer(None)
            return None
        return plane.service.review_at_once(body, door.webhook, door.conversions, door.timeout, answer)

    def is_foreign(self, shown: frozenset[str], name: str = "") -> bool:
        """Whether who shows these has no business at a control plane's door, or (no name) at the host's."""
        if not name:
            return self.callers.are_foreign_to_host(shown)
        owners = self.callers.planes_of(shown)
        if owners:
            return owners != {name}
        plane = self._planes.get(name)
        document = plane.document if plane is not None else None
        return document is not None and bool(document.client_names)

    # --- how they are

    @property
    def all(self) -> tuple[Plane, ...]:
        """By name."""
        return tuple(plane for _, plane in sorted(self._planes.items()))

    def notices(self) -> list[str]:
        """What is wrong with any of them; none of it concerns the host."""
        return [problem for plane in self.all for problem in plane.problems()]

    def statuses(self) -> list[Mapping[str, object]]:
        """How each is."""
        return [plane.status() for plane in self.all]

    # --- the thread

    @contextmanager
    def running(self) -> Iterator[None]:
        """Follow the documents until the block ends."""
        thread = threading.Thread(target=self._run, name="control-planes", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join(PERIOD)
            for plane in self.all:
                _leave(plane)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except Exception as error:  # an error of ours costs this look only
                self.record.log.error("control planes", error=type(error).__name__, message=str(error))
            self._stopping.wait(PERIOD)

    def look(self) -> None:
        """Have the control planes be as the documents in force say."""
        in_force = self.host.in_force
        if in_force is None:
            return
        tenancy = in_force.loaded.tenancy
        documents = {each.name: each for each in tenancy.control_planes}
        named = [*documents, *(name for name in _closed(tenancy) if name not in documents)]
        self._forget(set(named))
        self._tell_callers(documents.values())
        for number, name in enumerate(named):
            plane = self._planes.get(name) or self._add(name)
            try:
                self._keep(plane, documents.get(name), in_force, allowed=number < MOST)
            except Exception as error:  # it costs this one only
                self._close(plane, f"error of the engine: {type(error).__name__}")

    def _forget(self, named: set[str]) -> None:
        gone = [plane for name, plane in self._planes.items() if name not in named]
        self._planes = {name: plane for name, plane in self._planes.items() if name in named}
        for plane in gone:
            _leave(plane)

    def _tell_callers(self, documents: Iterable[ControlPlane]) -> None:
        names = {name: each.name for each in documents for name in each.client_names}
        if names != self.callers.planes:
            self.callers = replace(self.callers, planes=names)
            self.admit(frozenset(names))

    def _add(self, name: str) -> Plane:
        """A plane that is closed."""
        plane: Plane

        def load() -> Loaded:
            assert plane.loading is not None
            return plane.loading()

        policies = Policies(load, demand_tenants=False)
        metrics = Metrics(Observed(lambda: plane.ages()))
        record = Record(self.record.log, self.record.output, metrics, control_plane=name)
        service = Service(
            policies, record, limits.MAX_BODY, IN_FLIGHT, WORKERS, MEMORY, self.rounds, self.long
        )
        plane = Plane(name, service, policies)
        self._close(plane, plane.reason)
        self._planes = {**self._planes, name: plane}
        return plane

    def _keep(self, plane: Plane, document: ControlPlane | None, in_force: InForce, *, allowed: bool) -> None:
        before, plane.document = plane.document, document
        if document is None or not allowed:
            _leave(plane)
            told = why_closed(in_force.loaded.tenancy, plane.name) if document is None else TOO_MANY
            self._close(plane, told or GONE)
            return
        if before is None or _reach(before) != _reach(document):
            _leave(plane)
            plane.tried = -RETRY
        if document.client_names and not self.certificates:
            self._close(plane, NO_CERTIFICATES)
            return
        if plane.live is None and not self._begin(plane, document):
            return
        self._open(plane, document, in_force)

    def _begin(self, plane: Plane, document: ControlPlane) -> bool:
        """Begin to follow it; whether that could be tried."""
        if self.clock() - plane.tried < RETRY:
            return False
        plane.tried = self.clock()
        try:
            config = self.connect(document)
            plane.live = (self.follow or self._follow)(config, document)
        except ClusterError as error:
            self._close(plane, str(error))
            return False
        plane.live.start()
        return True

    def _follow(self, config: SingleConfig, document: ControlPlane) -> LiveCluster:
        from gatekeeper_py.cluster.live import LiveCluster

        return LiveCluster(
            config,
            max_age=self.max_age,
            tell=partial(self._tell_stale, document.name),
            bounds=FOREIGN,
            renew=partial(self.connect, document),
        )

    def _tell_stale(self, name: str, stale: Stale, is_stale: bool) -> None:
        if is_stale:
            self.record.log.error("control plane's view is stale", control_plane=name, problem=str(stale))
        else:
            self.record.log.info("control plane's view is known again", control_plane=name)

    def _open(self, plane: Plane, document: ControlPlane, in_force: InForce) -> None:
        """Put the host's policies in force there, over its own view, once there is one."""
        live, policies = plane.live, in_force.loaded.policies
        assert live is not None
        if policies is None:
            self._close(plane, GONE)
            return
        if plane.followed is not policies:
            live.follow(read_by(policies))
            plane.followed = policies
        if plane.reason and not live.synced:
            why = "; ".join(f"{kind.kind}: {told}" for kind, told in live.problems.items())
            self._close(plane, f"its API server has not been read yet: {why[:MOST_TOLD]}")
            return
        self._load(
            plane, (in_force.loaded, document, live), partial(_opened, in_force.loaded, document, live)
        )
        if plane.reason:
            plane.reason = ""
            self.record.log.info("control plane open", control_plane=plane.name, tenant=document.tenant)

    def _close(self, plane: Plane, reason: str) -> None:
        if reason != plane.reason:
            self.record.log.error("control plane closed", control_plane=plane.name, problem=reason)
        plane.reason = reason
        self._load(plane, (reason,), partial(_refusing, plane.name, reason))

    def _load(self, plane: Plane, made_of: tuple[object, ...], loading: Callable[[], Loaded]) -> None:
        """Put something else in force, unless it is made of the same."""
        if len(made_of) == len(plane.made_of) and all(
            one is other or (isinstance(one, str | ControlPlane) and one == other)
            for one, other in zip(made_of, plane.made_of, strict=True)
        ):
            return
        plane.loading = loading
        plane.metrics.policies_loaded(plane.policies.reload(at_rest=True))
        plane.made_of = made_of


class _Door(NamedTuple):
    """Where a URL leads."""

    name: str
    webhook: Webhook
    conversions: frozenset[GroupVersion]
    timeout: str | None


@lru_cache(maxsize=4 * MOST)  # an API server sends the paths of its registration, and nothing else
def _called(url: bytes) -> _Door | None:
    """Which door a URL leads to, if it need not be decoded for that."""
    path, _, query = url.partition(b"?")
    if not path.isascii() or b"%" in path:
        return None
    name, door, versions = _parts(path.decode("ascii"))
    webhook = DOORS.get(door)
    return None if webhook is None else _Door(name, webhook, conversions_of(versions), timeout_in(query))


def _parts(path: str) -> tuple[str, str, str]:
    """The name, the door and the rest of a path."""
    name, _, rest = path.removeprefix(PREFIX).partition("/")
    door, _, versions = rest.partition("/")
    return name, door, versions


def _closed(tenancy: Tenancy) -> Iterator[str]:
    """The names of control planes that some document of the cluster names, and that are not in force."""
    for key, standing in tenancy.standings.items():
        kind, _, name = key.partition("/")
        if kind == "ControlPlane" and not standing.ready:
            yield name


def _reach(document: ControlPlane) -> object:
    return document.file, document.secret, document.server


def _leave(plane: Plane) -> None:
    """Follow it no more. A connection that will not close keeps nobody waiting."""
    live, plane.live, plane.followed = plane.live, None, None
    if live is not None:
        threading.Thread(target=live.stop, name="control-plane-end", daemon=True).start()


def _refusing(name: str, reason: str) -> Loaded:
    """What is in force of a control plane that is closed."""
    told = f"control plane {name!r}: {reason}"

    def review(request: AdmissionRequest, _webhook: Webhook, _deadline: float) -> Decision:
        return Decision(allowed=False, status=Status(503, "ServiceUnavailable", told), object=request.object)

    return Loaded(review, 0)


def _opened(host: Loaded, document: ControlPlane, live: LiveCluster) -> Loaded:
    """The host's policies over a control plane's own view, for its tenants."""
    assert host.policies is not None
    tenancy = inside(document, host.tenancy)
    policies = replace(host.policies, extensions=(extension(tenancy),))

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        engine = Engine(policies, Overlay(live.view, host.view(), GROUP), TENANCY_KINDS)
        return engine.review(request, PHASES[webhook], deadline=deadline)

    return Loaded(
        review,
        host.count,
        lambda namespace: Engine(policies, live.seen).owner(namespace),
        lambda namespace: live.seen.get(NAMESPACE, "", namespace) is not None,
        live.inquire,
        conversions=lambda: versions_needed((*policies.validating, *policies.mutating), live.seen.kinds),
        picture=lambda: (live.seen, *host.picture()),
        policies=policies,
        tenancy=tenancy,
        view=lambda: live.view,
    )


MOST_TOLD: Final = 500
"""Characters of what an API server says for itself."""

TOO_MANY: Final = (
    f"more than {MOST} control planes: this server follows no more. Spread them over several engines"
)
GONE: Final = "no document that names it is in force"
NO_CERTIFICATES: Final = (
    "its document names certificates (clientNames), and callers show none. Start the server with --client-ca"
)
