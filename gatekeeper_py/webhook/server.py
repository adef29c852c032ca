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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from gatekeeper_py.tenancy.waivers import neglected
from gatekeeper_py.webhook import expiry, log
from gatekeeper_py.webhook.app import application, health_application
from gatekeeper_py.webhook.connections import Connections, most_connections
from gatekeeper_py.webhook.health import Health
from gatekeeper_py.webhook.memory import TRIM_SECONDS, settle, trim
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.protocol import BoundedProtocol, SecureProtocol
from gatekeeper_py.webhook.revision import BadPolicies, InForce, Unsettled
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.tls import ServingCertificate, TLSError
from gatekeeper_py.webhook.watch import POLL, REST, at_rest, changes, fingerprint

__all__ = ["Listening", "PortError", "Server"]

GRACE: Final = 30
"""Seconds that reviews under way have to end after SIGTERM: the longest timeout the API server accepts."""

KEEP_ALIVE: Final = 100
"""Seconds an idle connection stays open: longer than client-go keeps one (90 s, IdleConnTimeout of
k8s.io/apimachinery/pkg/util/net/http.go), so that no review goes into a connection that is being closed."""

SWITCH: Final = 0.0005
"""Seconds for which a worker thread may keep Python to itself while others wait for it. The event loop has to
wait several times on the way of a review: beside busy workers each took Python's own 5 ms."""

LINGER: Final = 0.25
"""Seconds between two looks for idle connections at the end."""

HEALTH_GRACE: Final = 1
"""Seconds that answers about health have to end."""

Reload: TypeAlias = Callable[[], Awaitable[None]]
Fingerprint: TypeAlias = Callable[[], Hashable]


class PortError(Exception):
    """A port that cannot be opened."""

    def __init__(self, port: int, reason: str) -> None:
        self.port = port
        self.reason = reason
        super().__init__(f"{port}: {reason}")


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
    _health_listener: socket.socket | None = field(default=None, init=False)
    _running: _Server | None = field(default=None, init=False)
    _neglected: frozenset[str] = field(default=frozenset(), init=False)
    """What was told of waivers that waive nothing."""

    def listen(self) -> Listening:
        """Load the policies and open the ports.

        Raises `BadPolicies` when the first load fails, `TLSError` when TLS would not be in force, `PortError`
        when a port is taken.
        """
        sys.setswitchinterval(SWITCH)
        seen = self._load_first()
        log.route_library_logs(self.log)
        self._count_refusals()
        self._running = _Server(self._secure_config(seen), self.metrics)
        with contextlib.ExitStack() as opened:
            reviews = opened.enter_context(_listen(self.host, self.port))
            if self.health_port is not None:
                self._health_listener = opened.enter_context(_listen(self.host, self.health_port))
            opened = opened.pop_all()
        health_port = None if self._health_listener is None else _port(self._health_listener)
        more = {} if health_port is None else {"health_port": health_port}
        self.log.info("listening", host=reviews.getsockname()[0], port=_port(reviews), **more)
        return Listening(_port(reviews), health_port, reviews, self._running, opened)

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
            self.metrics.handshakes.inc()
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
        settle()
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
        config = _config(
            application(self.service, self.health, lambda _app: self._living(seen)),
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
        async with self._watching(seen), contextlib.aclosing(self.service):
            if self._health_listener is None:
                yield
                return
            server = _HealthServer(_plain_config(health_application(self.health)), self.metrics)
            answering = asyncio.create_task(server.serve([self._health_listener]))
            try:
                yield
            finally:
                server.should_exit = True
                await answering

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
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            signal.signal(
                signal.SIGHUP, signal.SIG_IGN
            )  # one that comes late must not end the reviews under way

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


class _Server(uvicorn.Server):
    """uvicorn's server, but connections are bounded, and idle ones do not hold up its end.

    A closed TLS connection waits up to 30 seconds for the client's own goodbye, which clients that keep
    connections for later do not send.
    """

    def __init__(self, config: uvicorn.Config, metrics: Metrics) -> None:
        super().__init__(config)
        self._metrics = metrics
        self._accepting: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn, but accept connections ourselves: it lets in as many as come, and each for a minute."""
        await super().startup(sockets=[])
        for listener in sockets or ():
            self._accepting.append(asyncio.create_task(self._accept(listener)))

    async def _accept(self, listener: socket.socket) -> None:
        established = cast(set[BoundedProtocol], self.server_state.connections)
        connections = Connections(
            self.config.ssl, self._protocol, established, self._metrics, most_connections()
        )
        try:
            await connections.accept(listener)
        finally:
            connections.close()

    def _protocol(self) -> BoundedProtocol:
        made: BoundedProtocol = self.config.http_protocol_class(  # type: ignore[assignment,call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def hang_up(self) -> None:
        """End every connection: at once, or with the answer that is on its way."""
        for connection in list(self.server_state.connections):
            connection.shutdown()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the reviews under way, drop every other connection."""
        for accepting in self._accepting:
            accepting.cancel()
        dropping = asyncio.create_task(self._drop_idle())
        try:
            await super().shutdown(sockets)
        finally:
            dropping.cancel()

    async def _drop_idle(self) -> None:
        """Drop what is idle at two looks in a row: what was answered in between has been sent by then."""
        before: set[object] = set()
        while True:
            idle = {c for c in self.server_state.connections if isinstance(c, BoundedProtocol) and c.idle}
            for connection in idle & before:
                connection.transport.abort()
            before = set(idle)
            await asyncio.sleep(LINGER)


class _HealthServer(_Server):
    """Lives within another server, which takes the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


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


def _plain_config(app: Starlette) -> uvicorn.Config:
    """For answers about health: the one thing that is told in plain HTTP."""
    return _config(app, HEALTH_GRACE, http=BoundedProtocol, lifespan="off")


def _config(app: ASGIApp, grace: int, **options: Any) -> uvicorn.Config:
    """What all our servers have in common, and the options of one.

    Options are arguments: uvicorn refuses one that it does not know, and would not notice an attribute.
    """
    try:
        return uvicorn.Config(
            app,
            loop="uvloop",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=grace,
            **options,
        )
    except TypeError as error:
        raise TLSError(f"uvicorn {uvicorn.__version__} cannot serve: {error}. Upgrade uvicorn") from error


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; `::` takes IPv4 too."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual = family == socket.AF_INET6 and socket.has_dualstack_ipv6() and host == "::"
    try:
        return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=dual)
    except OSError as error:
        raise PortError(port, error.strerror or str(error)) from error


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])
