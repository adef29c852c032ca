"""HTTP/1.1 as uvicorn speaks it, with bounds that it leaves open: how long a head may be, and may take.

Without a task where nothing is to be waited for, and never without our TLS where there has to be TLS.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gatekeeper_py.webhook.exchange import ARRIVED, CALLER, AtOnce, Decline
from gatekeeper_py.webhook.limits import HEAD_SECONDS, MAX_HEAD
from gatekeeper_py.webhook.purse import SHORT_BODY
from gatekeeper_py.webhook.tls import caller, covers

__all__ = ["BoundedProtocol", "PromptProtocol", "SecureProtocol"]

PATIENCE: Final = 0.01
"""Seconds for which a short body may be on its way: Go sends what is longer than 4 KiB in pieces, one
right after the other (WriteBufferSize of net/http's Transport)."""


class BoundedProtocol(HttpToolsProtocol):
    """Drops a connection whose request line and headers are too long or too slow."""

    _head = 0
    _in_head = True
    """Whether a request's head is awaited, or has begun and not ended."""
    _begun = False
    """Whether one has begun with the bytes received last."""
    _late: asyncio.TimerHandle | None = None
    heard = 0.0
    """When the client last sent something, by the loop's clock."""
    address = ""
    """From where the client calls."""
    _last = False
    """Whether the connection ends with the next answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """A client is there: its first request has to begin soon."""
        super().connection_made(transport)
        self.heard = self.loop.time()
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
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
        self._begun = False
        super().data_received(data)
        if self._in_head or (self.idle and not self._begun):
            self._count(len(data))
            if self._late is None:
                self._wait_for_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head, self._in_head, self._begun = 0, True, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there; the body has a deadline of its own."""
        self._end_head()
        super().on_headers_complete()
        if self._last:
            self.cycle.keep_alive = False

    def answer_and_close(self) -> None:
        """Say with the next answer, or the one that is on its way, that it is the connection's last.

        Who has sent a request into a connection that is closed meanwhile cannot know whether it was read.
        """
        self._last = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    @property
    def ends(self) -> bool:
        """Whether it does so."""
        return self._last

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _end_head(self) -> None:
        self._in_head = False
        self._stop_waiting()
        self._head = len(self.url)
        self._count(sum([len(name) + len(value) for name, value in self.headers]))

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


class PromptProtocol(BoundedProtocol):
    """Answers a short request as soon as all of it is there, where the application can (see `AtOnce`).

    Whatever is not as most requests are goes uvicorn's way, as if nobody had tried. So does what waits for
    its answer when the client asks for more, or the connection is about to end.
    """

    _body: bytearray | None = None
    """What there is of a request that may be answered at once; None while there is no such request."""
    _decline: Decline | None = None
    """Of such a request that is whole and waits for its answer."""
    _impatient: asyncio.TimerHandle | None = None
    _caller: frozenset[str] = frozenset()
    """The names in the caller's certificate."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._take_body()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a client: a whole request, mostly."""
        super().data_received(data)
        if self._body is not None and self._decline is None and self._impatient is None:
            self._impatient = self.loop.call_later(PATIENCE, self._go_uvicorn_s_way)

    def on_message_begin(self) -> None:
        """A request begins. What came before it is answered before it."""
        self._wait_no_more()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there, and its body perhaps, too."""
        if self._at_once is None or not self.idle:
            super().on_headers_complete()
            return
        self._end_head()
        self._body = bytearray()
        if not self._is_plain():
            self._go_uvicorn_s_way()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._body is None:
            super().on_body(body)
            return
        self._body += body
        if len(self._body) > SHORT_BODY:
            self._go_uvicorn_s_way()

    def on_message_complete(self) -> None:
        """All of a request is there."""
        if self._body is None:
            super().on_message_complete()
            return
        assert self._at_once is not None
        self._be_patient()
        self.scope[ARRIVED] = time.monotonic()  # type: ignore[typeddict-unknown-key] # ours
        self._decline = self._at_once(self.url, bytes(self._body), self._caller, self._answer)

    def answer_and_close(self) -> None:
        """As every connection; what waits is answered as the last."""
        super().answer_and_close()
        self._wait_no_more()

    def shutdown(self) -> None:
        """End the connection, but answer what waits."""
        self._wait_no_more()
        super().shutdown()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self._body is None and super().idle

    @property
    def _at_once(self) -> AtOnce | None:
        return getattr(self.app, "at_once", None)

    def _is_plain(self) -> bool:
        """Whether it may be answered at once, and the connection goes on after it."""
        return (
            self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and not self.transport.is_closing()
            and not self._last
        )

    def _answer(self, answer: bytes | None) -> None:
        """In one piece: one record of TLS, one packet, one system call; or as every application does."""
        if self.transport.is_closing():
            return
        if answer is None:
            self._go_uvicorn_s_way()
            super().on_message_complete()
            return
        self._take_body()
        headers = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        length = b"content-length: %d\r\n\r\n" % len(answer)
        self.transport.write(b"".join((ANSWERED, *headers, length, answer)))
        self.on_response_complete()

    def _go_uvicorn_s_way(self) -> None:
        """With what has arrived so far."""
        body = self._take_body()
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _wait_no_more(self) -> None:
        """Go uvicorn's way with a request that waits."""
        if self._decline is not None:
            self._decline()

    def _take_body(self) -> bytes:
        body, self._body, self._decline = bytes(self._body or b""), None, None
        self._be_patient()
        return body

    def _be_patient(self) -> None:
        if self._impatient is not None:
            self._impatient.cancel()
            self._impatient = None


ANSWERED: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class SecureProtocol(PromptProtocol):
    """Drops a connection that our TLS does not cover, whatever opened the port: its bytes are never read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """A client is there, and has come through the handshake."""
        super().connection_made(transport)
        connection = transport.get_extra_info("ssl_object")
        self._caller = caller(connection)
        if not covers(self.config.ssl, connection):
            self.logger.error("a connection that TLS does not cover was dropped")
            transport.abort()

    def on_message_begin(self) -> None:
        """A request begins, and whose it is is known."""
        super().on_message_begin()
        self.scope[CALLER] = self._caller  # type: ignore[typeddict-unknown-key] # ours
