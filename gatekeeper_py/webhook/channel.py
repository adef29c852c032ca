"""Messages between a server and its workers, over a pair of sockets: in order, none twice, none half.

A message is told, or asked and answered. Both ends are processes of ours, and the socket has no name: what
comes from it is believed (pickle).
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from collections.abc import Awaitable
from contextlib import suppress
from itertools import count
from typing import Any, Final, Protocol, TypeAlias, cast

__all__ = ["Channel", "ChannelClosed", "Side"]

HEAD: Final = struct.Struct("!IBQ")
"""Of a message: the bytes of what follows, what it is, and which question it belongs to."""

TOLD, ASKED, ANSWERED, FAILED = range(4)

Message: TypeAlias = Any


class ChannelClosed(Exception):
    """The other process is gone."""


class Side(Protocol):
    """Who uses a channel. Everything happens in the event loop."""

    def told(self, message: Message) -> None:
        """The other side says something."""

    async def asked(self, question: Message) -> object:
        """The other side asks something; what is raised is raised there."""
        raise NotImplementedError

    def lost(self) -> None:
        """The other side is gone."""


class Channel(asyncio.Protocol):
    """One end."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._numbers = count()
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()

    @classmethod
    async def over(cls, end: socket.socket, side: Side) -> Channel:
        """The channel of one of the two sockets."""
        loop = asyncio.get_running_loop()
        _, channel = await loop.connect_accepted_socket(lambda: cls(side), end)
        return channel

    @property
    def waiting(self) -> int:
        """Bytes that the other side has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def tell(self, message: Message) -> None:
        """Say something; to who is gone it is said in vain."""
        self.pass_on(pickle.dumps(message))

    def pass_on(self, pickled: bytes) -> None:
        """Say what others are told, too."""
        self._send(TOLD, 0, pickled)

    async def ask(self, question: Message, seconds: float) -> Any:
        """The answer; raises what answering raised, `ChannelClosed`, or `TimeoutError` after so long."""
        if self._transport is None or self._transport.is_closing():
            raise ChannelClosed
        number = next(self._numbers)
        answer = self._open[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(ASKED, number, pickle.dumps(question))
            async with asyncio.timeout(seconds):
                return await answer
        finally:
            del self._open[number]

    def close(self) -> None:
        """Send what there is to send, and say no more."""
        if self._transport is not None:
            self._transport.close()

    def _send(self, kind: int, number: int, content: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(HEAD.pack(len(content), kind, number) + content)

    # --- what the event loop tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The channel is there."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Some of a message, or of several."""
        self._received += data
        while len(self._received) >= HEAD.size:
            length, kind, number = HEAD.unpack_from(self._received)
            end = HEAD.size + length
            if len(self._received) < end:
                return
            content = bytes(memoryview(self._received)[HEAD.size : end])
            del self._received[:end]
            self._take(kind, number, content)

    def connection_lost(self, _error: Exception | None) -> None:
        """The other side is gone: nobody answers any more."""
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(ChannelClosed())
        self._side.lost()

    def _take(self, kind: int, number: int, content: bytes) -> None:
        message = pickle.loads(content)
        if kind == TOLD:
            self._side.told(message)
        elif kind == ASKED:
            self._begin(self._answer(number, message))
        elif (answer := self._open.get(number)) is not None and not answer.done():
            if kind == ANSWERED:
                answer.set_result(message)
            else:
                answer.set_exception(message)

    def _begin(self, answering: Awaitable[None]) -> None:
        task = asyncio.ensure_future(answering)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, number: int, question: Message) -> None:
        try:
            kind, content = ANSWERED, pickle.dumps(await self._side.asked(question))
        except Exception as error:  # whoever asks knows what to make of it
            kind, content = FAILED, _pickled(error)
        self._send(kind, number, content)


def _pickled(error: Exception) -> bytes:
    """An error; of one that cannot be sent whole its words."""
    with suppress(Exception):
        pickled = pickle.dumps(error)
        pickle.loads(pickled)
        return pickled
    return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
