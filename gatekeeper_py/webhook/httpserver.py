"""Our HTTP servers: uvicorn's, with what it leaves open closed, and the sockets that they listen to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp

from gatekeeper_py.webhook.connections import MOST, Accept, Connections, accepted, most_connections
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.protocol import BoundedProtocol
from gatekeeper_py.webhook.tls import TLSError

__all__ = ["GRACE", "BoundedServer", "PortError", "QuietServer", "configured", "listen", "plain", "port_of"]

GRACE: Final = 30
"""Seconds that reviews under way have to end after SIGTERM: the longest timeout the API server accepts."""

KEEP_ALIVE: Final = 100
"""Seconds an idle connection stays open: longer than client-go keeps one (90 s, IdleConnTimeout of
k8s.io/apimachinery/pkg/util/net/http.go), so that no review goes into a connection that is being closed."""

LINGER: Final = 0.25
"""Seconds between two looks for idle connections at the end."""

HEALTH_GRACE: Final = 1
"""Seconds that answers about health have to end."""


class PortError(Exception):
    """A port that cannot be opened."""

    def __init__(self, port: int, reason: str) -> None:
        self.port = port
        self.reason = reason
        super().__init__(f"{port}: {reason}")


class BoundedServer(uvicorn.Server):
    """uvicorn's server, but connections are bounded, and idle ones do not hold up its end.

    A closed TLS connection waits up to 30 seconds for the client's own goodbye, which clients that keep
    connections for later do not send.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        metrics: Metrics,
        most: int = MOST,
        accept: Accept = accepted,
        ending: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._ending = ending
        self._metrics = metrics
        self._most = most
        self._accept_one = accept
        self._accepting: list[asyncio.Task[None]] = []
        self._connections: list[Connections] = []
        self._retired = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn, but accept connections ourselves: it lets in as many as come, and each for a minute."""
        await super().startup(sockets=[])
        for listener in sockets or ():
            self.accept(listener)

    def accept(self, listener: socket.socket) -> None:
        """Let in who comes to this socket, until `accept_no_more`."""
        established = cast(set[BoundedProtocol], self.server_state.connections)
        connections = Connections(
            self.config.ssl,
            self._protocol,
            established,
            self._metrics,
            most_connections(self._most),
            self._accept_one,
        )
        self._connections.append(connections)
        self._accepting.append(asyncio.create_task(connections.accept(listener)))

    def accept_no_more(self) -> None:
        """Let in only who has been accepted."""
        for accepting in self._accepting:
            accepting.cancel()

    @property
    def accepting(self) -> bool:
        """Whether callers are let in."""
        return any(not each.done() for each in self._accepting)

    @property
    def connected(self) -> int:
        """How many connections there are, those that shake hands included."""
        return max((each.connected for each in self._connections), default=0)

    def let_go(self, connections: int) -> None:
        """End so many with their next answer, of those that are used most."""
        held = list(cast(set[BoundedProtocol], self.server_state.connections))
        still = connections - sum(each.ends for each in held)
        used = sorted((each for each in held if not each.ends), key=lambda each: each.heard, reverse=True)
        for connection in used[: max(0, still)]:
            connection.answer_and_close()

    def retire(self) -> None:
        """Accept no more; those who are here get one more answer each, with the word that it is the last."""
        self._retired = True
        self.accept_no_more()
        for connection in list(cast(set[BoundedProtocol], self.server_state.connections)):
            connection.answer_and_close()

    def _protocol(self) -> BoundedProtocol:
        made: BoundedProtocol = self.config.http_protocol_class(  # type: ignore[assignment,call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        if self._retired:
            made.answer_and_close()
        return made

    def hang_up(self) -> None:
        """End every connection: at once, or with the answer that is on its way."""
        for connection in list(self.server_state.connections):
            connection.shutdown()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the reviews under way, drop every other connection; who else ends with us is told first."""
        self._ending()
        self.accept_no_more()
        for connections in self._connections:
            connections.close()
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


class QuietServer(BoundedServer):
    """Lives within another server, which takes the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def plain(app: ASGIApp) -> uvicorn.Config:
    """For answers about health: the one thing that is told in plain HTTP."""
    return configured(app, HEALTH_GRACE, http=BoundedProtocol, lifespan="off")


def configured(app: ASGIApp, grace: int, **options: Any) -> uvicorn.Config:
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


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; `::` takes IPv4 too."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual = family == socket.AF_INET6 and socket.has_dualstack_ipv6() and host == "::"
    try:
        return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=dual)
    except OSError as error:
        raise PortError(port, error.strerror or str(error)) from error


def port_of(listener: socket.socket) -> int:
    """Which one it listens to."""
    return int(listener.getsockname()[1])
