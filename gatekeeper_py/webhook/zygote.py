"""A copy of the server, of which the children that decide long reviews are forked.

To fork takes some milliseconds, and what the parent touches next has to be copied: both would fall to those
who are served just then. The copy is forked once, and pays for the rest itself, as long as it is one of what
is in force: the policies, the tenants and the picture of the cluster of its moment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Final, NoReturn, TypeAlias

from gatekeeper_py.webhook.child import ASKED, BORN, ChildDied, Work, be_child, leave_the_server, stand_back
from gatekeeper_py.webhook.forking import fork
from gatekeeper_py.webhook.limits import MAX_TIMEOUT

__all__ = ["Zygote", "Zygotes"]

Basis: TypeAlias = tuple[object, ...]
"""What a copy knows: it is one of what is in force as long as these are."""

LIFE: Final = 5.0
"""Seconds for which one is used. In it the picture of the cluster grows old, though nothing has changed: that
must stay little beside the age from which on a picture is stale (30 s)."""

PAUSE: Final = 0.02
"""Seconds between two looks whether one has ended."""

MOST_AT_ONCE: Final = 256 * 1024
"""Bytes read at a time."""

FORK: Final = b"f"
"""What asks for a child; the socket it is to answer through comes with it."""


class ZygoteDied(ChildDied):
    """There was nobody who could have had a child."""


class Zygote:
    """One copy. Belongs to the event loop."""

    def __init__(self, work: Work) -> None:
        """Raises `ChildDied` when there is no file descriptor, process or memory left."""
        try:
            self._door, inside = socket.socketpair()
        except OSError as error:
            raise ChildDied from error
        with inside:
            try:
                self._process = fork()
            except OSError as error:
                self._door.close()
                raise ChildDied from error
            if self._process == 0:
                _be_zygote(work, inside)

    async def ask(self, head: bytes, body: bytes, seconds: float) -> bytes:
        """What a child answers; raises `ChildDied`, or `TimeoutError` after so many seconds."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise ChildDied from error
        with ours:
            with theirs:
                self._have_child(theirs)
            ours.setblocking(False)
            answer = await _converse(ours, (ASKED.pack(seconds, len(head)), head, body), seconds)
        if not answer:
            raise ChildDied
        return answer

    def _have_child(self, connection: socket.socket) -> None:
        try:
            socket.send_fds(self._door, [FORK], [connection.fileno()])
        except OSError as error:
            raise ZygoteDied from error

    async def close(self, seconds: float) -> None:
        """Wait until it has ended, which it does when its child has; it is killed after so many seconds."""
        self._door.close()
        end = time.monotonic() + seconds
        while os.waitpid(self._process, os.WNOHANG) == (0, 0):
            if time.monotonic() >= end:
                os.kill(self._process, signal.SIGKILL)
            await asyncio.sleep(PAUSE)


class Zygotes:
    """The copy that is in use, made when it is needed. Belongs to the event loop."""

    def __init__(self) -> None:
        self._used: Zygote | None = None
        self._basis: Basis = ()
        self._end: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def ask(self, basis: Basis, work: Work, head: bytes, body: bytes, seconds: float) -> bytes:
        """What a child answers that knows what is in force; raises as `Zygote.ask` does."""
        try:
            return await self._of(basis, work).ask(head, body, seconds)
        except (ZygoteDied, TimeoutError):  # the copy may have a lock that nobody gives back
            self._retire()
            raise

    async def close(self) -> None:
        """End all there are."""
        self._retire()
        if self._ending:
            await asyncio.wait(self._ending)

    def _of(self, basis: Basis, work: Work) -> Zygote:
        if not _same(self._basis, basis):
            self._retire()
        if self._used is None:
            self._used, self._basis = Zygote(work), basis
            self._end = asyncio.get_running_loop().call_later(LIFE, self._retire)
        return self._used

    def _retire(self) -> None:
        """Use it no more; a child that it has goes on."""
        used, self._used, self._basis = self._used, None, ()
        if self._end is not None:
            self._end.cancel()
        if used is not None:
            ending = asyncio.get_running_loop().create_task(used.close(MAX_TIMEOUT))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)


def _same(one: Basis, other: Basis) -> bool:
    return len(one) == len(other) and all(mine is yours for mine, yours in zip(one, other, strict=True))


async def _converse(connection: socket.socket, parts: tuple[bytes, ...], seconds: float) -> bytes:
    """Tell a child everything, and hear it out; whoever stops listening ends it."""
    loop = asyncio.get_running_loop()
    child = 0
    try:
        async with asyncio.timeout(seconds):
            child = await _born(connection)
            for part in parts:
                await loop.sock_sendall(connection, part)
            connection.shutdown(socket.SHUT_WR)
            return await _read(connection)
    except BaseException as error:
        if child:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        if isinstance(error, ConnectionError):  # it has ended before it was told everything
            raise ChildDied from error
        raise


async def _born(connection: socket.socket) -> int:
    said = await _read(connection, BORN.size)
    if len(said) < BORN.size:
        raise ZygoteDied
    (child,) = BORN.unpack(said)
    return int(child)


async def _read(connection: socket.socket, size: int = sys.maxsize) -> bytes:
    """So many bytes, or all there are until the other end is closed."""
    loop = asyncio.get_running_loop()
    parts: list[bytes] = []
    while size and (part := await loop.sock_recv(connection, min(size, MOST_AT_ONCE))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


# --- the copy


def _be_zygote(work: Work, door: socket.socket) -> NoReturn:
    try:
        leave_the_server(door.fileno())
        stand_back()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a child that has ended is none to wait for
        while connections := socket.recv_fds(door, len(FORK), 1)[1]:
            if os.fork() == 0:
                os.close(door.fileno())
                be_child(work, *connections)
            os.close(*connections)
        os.wait()
    finally:
        os._exit(0)
