"""Runs the application: HTTPS, files watched, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

import uvicorn

from gatekeeper_py.cluster.view import Followed
from gatekeeper_py.tenancy.waivers import neglected
from gatekeeper_py.webhook import expiry, log
from gatekeeper_py.webhook.app import application, health_application
from gatekeeper_py.webhook.connections import MOST
from gatekeeper_py.webhook.events import Events
from gatekeeper_py.webhook.health import Health
from gatekeeper_py.webhook.httpserver import (
    GRACE,
    BoundedServer,
    PortError,
    QuietServer,
    configured,
    listen,
    plain,
    port_of,
)
from gatekeeper_py.webhook.memory import TRIM_SECONDS, settle, trim
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.occupancy import EvenAccept, Occupancy
from gatekeeper_py.webhook.planes import Planes
from gatekeeper_py.webhook.protocol import SecureProtocol
from gatekeeper_py.webhook.revision import BadPolicies, InForce, Unsettled
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.supervisor import Supervisor
from gatekeeper_py.webhook.tls import ServingCertificate, TLSError
from gatekeeper_py.webhook.turns import SharedTurns
from gatekeeper_py.webhook.watch import POLL, REST, at_rest, changes, fingerprint
from gatekeeper_py.webhook.worker import Plan

__all__ = ["Listening", "PortError", "Server"]

SWITCH: Final = 0.0005
"""Seconds for which a worker thread may keep Python to itself while others wait for it. The event loop has to
wait several times on the way of a review: beside busy workers each took Python's own 5 ms."""

Reload: TypeAlias = Callable[[], Awaitable[None]]
Fingerprint: TypeAlias = Callable[[], Hashable]


@dataclass(frozen=True, slots=True)
class _Seen:
    """Fingerprints of what was there when it was last loaded."""

    policies: Hashable
    certificate: Hashable


@dataclass(slots=True)
class Server:
    """A service on a port, following its files."""

    service: Service
    health: Health
    certificate: ServingCertificate
    watched: Sequence[Path]
    """Files and folders whose change means that policies or cluster have changed."""
    fingerprint: Fingerprint | None = None
    """A fingerprint of everything that is loaded, when that is more than the watched files."""
    host: str = "0.0.0.0"
    port: int = 8443
    health_port: int | None = None
    """Where probes are answered in plain HTTP, for callers that have no certificate."""
    workers: int = 1
    """Processes that answer reviews, this one included."""
    followed: Followed | None = None
    """The cluster, where it is followed."""
    planes: Planes | None = None
    """The control planes of tenants that are answered, too."""
    _supervisor: Supervisor | None = field(default=None, init=False)
    _health_listener: socket.socket | None = field(default=None, init=False)
    _running: BoundedServer | None = field(default=None, init=False)
    _neglected: frozenset[str] = field(default=frozenset(), init=False)
    """What was told of waivers that waive nothing."""
    _hung_up: bool = field(default=False, init=False)
    """Whether somebody has asked for a reload before there was anything to reload."""

    def listen(self) -> Listening:
        """Load the policies and open the ports.

        Raises `BadPolicies` when the first load fails, `TLSError` when TLS would not be in force, `PortError`
        when a port is taken.
        """
        sys.setswitchinterval(SWITCH)
        self._remember_hangup()
        seen = self._load_first()
        log.route_library_logs(self.log)
        self._count_refusals()
        config = self._secure_config(seen)
        with contextlib.ExitStack() as opened:
            reviews = opened.enter_context(listen(self.host, self.port))
            if self.health_port is not None:
                self._health_listener = opened.enter_context(listen(self.host, self.health_port))
            opened = opened.pop_all()
        health_port = None if self._health_listener is None else port_of(self._health_listener)
        more = {} if health_port is None else {"health_port": health_port}
        self.log.info("listening", host=reviews.getsockname()[0], port=port_of(reviews), **more)
        self._running = self._answerer(config, reviews)
        return Listening(port_of(reviews), health_port, reviews, self._running, opened)

    def _remember_hangup(self) -> None:
        """SIGHUP would end a process that has not begun to serve; it reloads as soon as it does."""

        def remember(*_: object) -> None:
            self._hung_up = True

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGHUP, remember)

    def _answerer(self, config: uvicorn.Config, reviews: socket.socket) -> BoundedServer:
        """What answers reviews in this process: all of them, or its part."""
        if self.workers == 1:
            return BoundedServer(config, self.metrics)
        self._supervisor = supervisor = self._supervising(reviews)
        accept = EvenAccept(supervisor.plan.occupancy, 0, self._connected)
        supervisor.answerer = BoundedServer(
            config, self.metrics, MOST // self.workers, accept, supervisor.end
        )
        return supervisor.answerer

    def _connected(self) -> int:
        return 0 if self._running is None else self._running.connected

    def _supervising(self, reviews: socket.socket) -> Supervisor:
        """Who looks after those who answer, too."""
        events, long = self.service.record.announcer, self.service.long
        assert isinstance(long, SharedTurns)
        plan = Plan(
            reviews,
            self.certificate,
            self.metrics,
            self.workers,
            Occupancy(self.workers),
            long,
            announces=events is not None,
            followed=self.followed,
            planes=self.planes,
        )
        reviews.setblocking(False)
        made = Supervisor(plan, self.service, self.health, events if isinstance(events, Events) else None)
        before = self.health.notices
        self.health.notices = lambda: [*before(), *made.notices()]
        self.health.workers = made.numbers
        self.health.gather = made.gather
        return made

    @property
    def log(self) -> log.Log:
        """Where what happens is told."""
        return self.service.record.log

    @property
    def metrics(self) -> Metrics:
        """Where it is counted."""
        return self.service.record.metrics

    def _count_refusals(self) -> None:
        """Callers that fail to come in are counted, and logged now and then."""
        refusals = log.Seldom(self.log, "handshake failed")

        def tell(reason: str) -> None:
            self.metrics.handshakes.add()
            refusals.warn(reason)

        self.certificate.tell_refusals(tell)

    def _load_first(self) -> _Seen:
        """Load everything; what is seen is older, so that no edit in between is missed."""
        seen = _Seen(at_rest(self._look), fingerprint(self.certificate.files))
        in_force = self.service.policies.reload()
        self._certificate_loaded(self.certificate.reload())
        self._tell_loaded(in_force)
        return seen

    def _look(self) -> Hashable:
        return self.fingerprint() if self.fingerprint else fingerprint(self.watched)

    def _tell_loaded(self, in_force: InForce) -> None:
        """What is in force now, and what of it is not or does nothing."""
        self.metrics.policies_loaded(in_force)
        if self.workers == 1:
            settle()  # workers share the memory that it would write to
        self.log.info("policies loaded", policies=in_force.loaded.count, revision=in_force.revision)
        for problem in in_force.loaded.problems:
            self.log.error("not in force", problem=problem)
        for warning in in_force.loaded.warnings():
            self.log.warning("does nothing", problem=warning)
        self._neglected = frozenset()
        self._tell_neglected(in_force)

    def _tell_neglected(self, in_force: InForce) -> None:
        """Say once of each waiver that waives nothing that it does not."""
        problems = frozenset(neglected(in_force.loaded.tenancy, datetime.now(UTC)))
        for problem in sorted(problems - self._neglected):
            self.log.warning("does nothing", problem=problem)
        self._neglected = problems

    def _secure_config(self, seen: _Seen) -> uvicorn.Config:
        """Everything about reviews; raises `TLSError` when they would be answered without our TLS."""
        config = configured(
            application(self.service, self.health, lambda _app: self._living(seen), self.planes),
            GRACE,
            http=SecureProtocol,
            lifespan="on",
            ssl_context_factory=lambda _config, _default: self.certificate.context,
        )
        config.load()
        self.certificate.require(config.ssl)
        return config

    @contextlib.asynccontextmanager
    async def _living(self, seen: _Seen) -> AsyncIterator[None]:
        """What goes on beside the reviews. Probes are answered until the last review is."""
        async with (
            self._watching(seen),
            contextlib.aclosing(self.service),
            self._telling_health(),
            self._answering(),
        ):
            yield

    @contextlib.asynccontextmanager
    async def _telling_health(self) -> AsyncIterator[None]:
        if self._health_listener is None:
            yield
            return
        server = QuietServer(plain(health_application(self.health)), self.metrics)
        answering = asyncio.create_task(server.serve([self._health_listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await answering

    def _answering(self) -> contextlib.AbstractAsyncContextManager[None]:
        """While it is entered others answer reviews, too, if there are to be others."""
        return nullcontext() if self._supervisor is None else self._supervisor.running()

    @contextlib.asynccontextmanager
    async def _watching(self, seen: _Seen) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(
                self._follow(self.watched, seen.policies, self.fingerprint, self._reload_policies)
            ),
            asyncio.create_task(
                self._follow(self.certificate.files, seen.certificate, None, self._reload_certificate)
            ),
            asyncio.create_task(_trim()),
            asyncio.create_task(self._warn_of_expiry()),
            asyncio.create_task(self._warn_of_waivers()),
        ]
        try:
            with self._reloading_on_hangup():
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.contextmanager
    def _reloading_on_hangup(self) -> Iterator[None]:
        """SIGHUP reloads everything at once, changed or not; only a process's main thread hears signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        under_way: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = loop.create_task(self._reload_everything())
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        if self._hung_up:
            reload()
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            # One that comes late must not end the reviews under way.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def _reload_everything(self) -> None:
        """Whoever asks for it has finished writing: what takes something away is believed, too."""
        self.log.info("reload asked")
        self.reload_certificate()
        await asyncio.to_thread(self.reload_policies, at_rest=True)

    async def _follow(
        self, paths: Sequence[Path], seen: Hashable, take: Fingerprint | None, reload: Reload
    ) -> None:
        """Reload at every change of the files, for ever; after an error of ours the watch begins anew."""
        while True:
            try:
                async for now in changes(paths, seen, take):
                    seen = now
                    await reload()
            except Exception as error:
                self.log.error("watch failed", error=type(error).__name__, message=str(error))
                await asyncio.sleep(POLL)

    async def _reload_policies(self) -> None:
        """Put an edit in force; one that takes something away only when the files stay as they are."""
        seen = await asyncio.to_thread(self._look)
        if await asyncio.to_thread(self.reload_policies):
            return
        await asyncio.sleep(REST)
        if await asyncio.to_thread(self._look) == seen:
            await asyncio.to_thread(self.reload_policies, at_rest=True)

    async def _reload_certificate(self) -> None:
        """Not in a thread: the TLS context belongs to the event loop."""
        self.reload_certificate()

    def reload_policies(self, *, at_rest: bool = False) -> bool:
        """Put an edit in force, or say why not and keep what there is; False when it is to be tried again."""
        policies, seen = self.service.policies, self._look()
        before = policies.in_force
        try:
            in_force = policies.reload(at_rest=at_rest, unchanged=lambda: self._look() == seen)
        except Unsettled as bad:
            for problem in bad.problems:
                self.log.warning("edit not believed yet", problem=problem)
            return False
        except BadPolicies as bad:
            if policies.in_force is not None and policies.in_force is not before:
                self._tell_loaded(policies.in_force)
            self.metrics.policies_refused()
            for problem in bad.problems:
                self.log.error("edit refused, the last good policies stay in force", problem=problem)
        else:
            self._tell_loaded(in_force)
        return True

    def reload_certificate(self) -> None:
        """Serve a renewed certificate, or say why not and keep what there is.

        When clients' certificates come from other authorities now, old connections end with their review.
        """
        before = self.certificate.authorities
        try:
            expires = self.certificate.reload()
        except TLSError as error:
            self.log.error("certificate refused, the last good one stays", problem=str(error))
        else:
            self._certificate_loaded(expires)
            self.log.info("certificate loaded", expires_at=expires)
            if self._supervisor is not None:
                self._supervisor.renew_certificate()
        if self._running is not None and self.certificate.authorities != before:
            self._running.hang_up()

    async def _warn_of_expiry(self) -> None:
        """Say once a day that the certificate is about to end, for ever."""
        told = ""
        while True:
            problem = expiry.problem(self.health.certificate_expires, time.time())
            if problem and problem != told:
                self.log.warning("certificate", problem=problem)
            told = problem
            await asyncio.sleep(expiry.LOOK)

    async def _warn_of_waivers(self) -> None:
        """Say which waivers have ended, for ever."""
        while True:
            await asyncio.sleep(expiry.LOOK)
            if (in_force := self.service.policies.in_force) is not None:
                self._tell_neglected(in_force)

    def _certificate_loaded(self, expires: float) -> None:
        self.metrics.expiry.set(expires)
        self.health.certificate_expires = expires


async def _trim() -> None:
    """Give memory back now and then, for ever."""
    while True:
        await asyncio.sleep(TRIM_SECONDS)
        await asyncio.to_thread(trim)


@dataclass(frozen=True, slots=True)
class Listening:
    """A server with its ports open."""

    port: int
    health_port: int | None
    """Where probes are answered, when that is another port."""
    _reviews: socket.socket
    _server: uvicorn.Server
    _opened: contextlib.ExitStack

    def serve(self) -> None:
        """Answer until SIGTERM, SIGINT or `stop`; reviews under way are finished."""
        with self._opened:
            self._server.run(sockets=[self._reviews])

    def stop(self) -> None:
        """End `serve`, from another thread."""
        self._server.should_exit = True
