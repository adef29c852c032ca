"""Who gets a connection: so many at once, each with a handshake in time; who has the most makes room."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.protocol import BoundedProtocol

__all__ = ["MOST", "Accept", "Connections", "accepted", "most_connections"]

MOST: Final = 1000
"""Connections at once. Three API servers change at most 200 objects each at a time, one connection for each
(--max-mutating-requests-inflight); an idle one takes 50 KiB."""

HANDSHAKE_SECONDS: Final = 5.0
"""How long a TLS handshake may take: three ways through a network, and a signature."""

ROOM: Final = 16
"""Connections dropped at once, so that a flood of new ones does not have us look for each."""

PAUSE: Final = 0.05
"""Seconds until the next attempt when the system gives no connection: it has no file descriptors left."""


def most_connections(together: int = MOST) -> int:
    """How many connections there may be: some descriptors have to be left for everything else."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(together, descriptors // 2)


Accept: TypeAlias = Callable[[socket.socket], Awaitable[socket.socket]]
"""Waits for the next connection."""


async def accepted(listener: socket.socket) -> socket.socket:
    """The next connection."""
    connection, _ = await asyncio.get_running_loop().sock_accept(listener)
    return connection


class Connections:
    """Accepts connections of a listening socket, for ever. Belongs to the event loop."""

    def __init__(
        self,
        tls: ssl.SSLContext | None,
        protocol: Callable[[], BoundedProtocol],
        established: set[BoundedProtocol],
        metrics: Metrics,
        most: int,
        accept: Accept = accepted,
    ) -> None:
        self._tls = tls
        self._protocol = protocol
        self._established = established
        self._metrics = metrics
        self._most = most
        self._accept = accept
        self._handshakes: dict[asyncio.Task[None], str] = {}
        """With whom."""

    async def accept(self, listener: socket.socket) -> None:
        """Until it is cancelled."""
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted = await self._accept(listener)
            except OSError:
                self._make_room()
                await asyncio.sleep(PAUSE)
                continue
            if self.connected >= self._most and not self._make_room():
                accepted.close()
                continue
            handshake = loop.create_task(self._shake_hands(accepted))
            self._handshakes[handshake] = _address(accepted)
            handshake.add_done_callback(self._handshakes.pop)

    @property
    def connected(self) -> int:
        """How many there are, those that shake hands included."""
        return len(self._handshakes) + len(self._established)

    def close(self) -> None:
        """Let nobody in who is not yet."""
        for handshake in list(self._handshakes):
            handshake.cancel()

    async def _shake_hands(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        limit = None if self._tls is None else HANDSHAKE_SECONDS
        try:
            await loop.connect_accepted_socket(
                self._protocol, accepted, ssl=self._tls, ssl_handshake_timeout=limit
            )
        except ssl.SSLError:
            accepted.close()  # counted where the reason is known
        except OSError:  # gone, or too slow
            accepted.close()
            self._metrics.handshakes.add()

    def _make_room(self) -> bool:
        """Drop who has been idle the longest, or whose handshake began first; False when there is nobody.

        Of who has the most connections first: an API server that opens them without end takes its own.
        """
        held = Counter([*(each.address for each in self._established), *self._handshakes.values()])
        idle = sorted(
            (each for each in self._established if each.idle),
            key=lambda each: (-held[each.address], each.heard),
        )[:ROOM]
        slow = sorted(self._handshakes, key=lambda each: -held[self._handshakes[each]])[:ROOM]
        if idle and slow and held[self._handshakes[slow[0]]] > held[idle[0].address]:
            idle = []
        for connection in idle:
            connection.transport.abort()
        slow = [] if idle else slow
        for handshake in slow:
            handshake.cancel()
        self._metrics.dropped_connections.add(times=len(idle) + len(slow))
        return bool(idle or slow)


def _address(connection: socket.socket) -> str:
    """Of who calls; empty when he has gone already."""
    try:
        return str(connection.getpeername()[0])
    except OSError:
        return ""
