"""HTTP/1.1 with bounds that uvicorn leaves open: how long a request's head may be and may take, and never
without our TLS where there has to be TLS."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gatekeeper_py.webhook.exchange import WHOLE
from gatekeeper_py.webhook.limits import HEAD_SECONDS, MAX_HEAD
from gatekeeper_py.webhook.tls import covers

__all__ = ["BoundedProtocol", "SecureProtocol"]


class BoundedProtocol(HttpToolsProtocol):
    """Drops a connection whose request line and headers are too long or too slow."""

    _head = 0
    _in_head = True
    """Whether a request's head is awaited, or has begun and not ended."""
    _late: asyncio.TimerHandle | None = None
    heard = 0.0
    """When the client last sent something, by the loop's clock."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """A client is there: its first request has to begin soon."""
        super().connection_made(transport)
        self.heard = self.loop.time()
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a client: a whole head, mostly.

        What is less has to become one in time, empty lines too: they would keep a connection for ever.
        """
        self.heard = self.loop.time()
        super().data_received(data)
        if self._in_head or self.idle:
            self._count(len(data))
            if self._late is None:
                self._wait_for_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there; the body has a deadline of its own."""
        self._in_head = False
        self._stop_waiting()
        self._head = len(self.url)
        self._count(sum([len(name) + len(value) for name, value in self.headers]))
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of a request is there."""
        self.scope[WHOLE] = True  # type: ignore[typeddict-unknown-key] # ours
        super().on_message_complete()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD:
            self.transport.abort()


class SecureProtocol(BoundedProtocol):
    """Drops a connection that our TLS does not cover, whatever opened the port: its bytes are never read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """A client is there, and has come through the handshake."""
        super().connection_made(transport)
        if not covers(self.config.ssl, transport.get_extra_info("ssl_object")):
            self.logger.error("a connection that TLS does not cover was dropped")
            transport.abort()
