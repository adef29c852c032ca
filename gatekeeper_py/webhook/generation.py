"""The workers of one set of policies, as the server sees them: born, accepting, retired, gone.

The server itself is worker 0, and of no generation.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Protocol

from gatekeeper_py.webhook.channel import Channel, ChannelClosed
from gatekeeper_py.webhook.forking import become_a_worker, fork, prepare_to_fork
from gatekeeper_py.webhook.orders import Accept, Counted, End, Ready, RenewCertificate, Retire
from gatekeeper_py.webhook.revision import InForce
from gatekeeper_py.webhook.worker import Plan, Worker

__all__ = ["Generation", "Member", "NotStarted", "Office"]

READY_SECONDS: Final = 15.0
"""How long a worker may take until it could accept; a tenth of a second is usual."""

RETIRE_SECONDS: Final = 5.0
"""How long a worker may take to say that it begins nothing more. Who is silent is ended: it must not decide
by policies that are in force no more."""

MOST_UNHEARD: Final = 64 * 1024 * 1024
"""Bytes that a worker has not taken yet, beyond which it is given up."""


class NotStarted(Exception):
    """A worker did not come to the point at which it could accept."""


class Office(Protocol):
    """Where the server hears what its workers say."""

    def born(self, member: Member) -> None:
        """A worker is there."""

    def heard(self, message: Any) -> None:
        """A worker says something."""

    async def questioned(self, question: Any) -> object:
        """A worker asks something."""

    def buried(self, member: Member) -> None:
        """A worker is gone."""


@dataclass(eq=False, slots=True)
class Member:
    """One worker."""

    number: int
    pid: int
    office: Office
    counted: Counted = field(default_factory=lambda: Counted({}, None))
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    accepting: bool = False
    leaving: bool = False
    """Whether it is meant to end."""
    silence: int = 0
    """For how many looks it has said nothing."""
    _channel: Channel | None = None

    async def meet(self, end: socket.socket) -> None:
        """Hear and be heard from now on."""
        self._channel = await Channel.over(end, self)

    async def await_ready(self) -> None:
        """Until it could accept; raises `NotStarted`, and it is gone then."""
        waiting = {asyncio.create_task(each.wait()) for each in (self.ready, self.gone)}
        await asyncio.wait(waiting, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        if not self.ready.is_set() or self.gone.is_set():
            self.kill()
            raise NotStarted(f"worker {self.pid} did not start")

    def accept(self) -> None:
        """Have it let callers in."""
        self.accepting = True
        self.tell(Accept())

    async def retire(self) -> None:
        """Have it begin nothing more; when this returns it does not."""
        self.accepting, self.leaving = False, True
        try:
            await self.ask(Retire(), RETIRE_SECONDS)
        except Exception:  # whatever it was, it might go on
            self.kill()

    def end(self) -> None:
        """Have it finish what is under way."""
        self.accepting, self.leaving = False, True
        self.tell(End())

    def renew_certificate(self) -> None:
        """Have it read the files of the certificate."""
        self.tell(RenewCertificate())

    def kill(self) -> None:
        """End it at once."""
        if not self.gone.is_set():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def tell(self, message: Any) -> None:
        """Tell it something."""
        if self._channel is not None:
            self._channel.tell(message)

    def pass_on(self, pickled: bytes) -> None:
        """Tell it what others are told, too; who does not listen is given up."""
        if self._channel is not None:
            self._channel.pass_on(pickled)
            if self._channel.waiting > MOST_UNHEARD:
                self.kill()

    async def ask(self, question: Any, seconds: float) -> Any:
        """Ask it something; raises what `Channel.ask` does."""
        if self._channel is None:
            raise ChannelClosed
        return await self._channel.ask(question, seconds)

    # --- what the channel says

    def told(self, message: Any) -> None:
        """It says something."""
        self.silence = 0
        if isinstance(message, Ready):
            self.ready.set()
        elif isinstance(message, Counted):
            self.counted = message
            self.office.heard(message)
        else:
            self.office.heard(message)

    async def asked(self, question: Any) -> object:
        """It asks something."""
        self.silence = 0
        return await self.office.questioned(question)

    def lost(self) -> None:
        """It is gone, or about to be."""
        self.accepting = False
        self.gone.set()
        self.office.buried(self)


Still = Callable[[], AbstractContextManager[None]]
"""While it is entered the server's other threads hold no lock that a worker needs."""


@dataclass(eq=False, slots=True)
class Generation:
    """The workers of one set."""

    plan: Plan
    in_force: InForce
    office: Office
    still: Still = nullcontext
    members: dict[int, Member] = field(default_factory=dict)
    """By their numbers; those that are meant to be there."""

    async def start(self) -> None:
        """Have all of them ready to accept; raises `NotStarted`, and none is left then."""
        try:
            for number in range(1, self.plan.workers):
                await self.add(number)
            await self._each(lambda member: member.await_ready())
        except BaseException:
            self.kill()
            raise

    async def add(self, number: int) -> Member:
        """Make one worker, which may not be ready yet."""
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        prepare_to_fork()
        try:
            with self.still():
                pid = fork()
        except OSError:  # no process or memory left
            ours.close()
            theirs.close()
            raise
        if pid == 0:
            _be_a_worker(Worker(self.plan, number, self.in_force, theirs), parent)
        theirs.close()
        member = self.members[number] = Member(number, pid, self.office)
        self.office.born(member)
        await member.meet(ours)
        return member

    def accept(self) -> None:
        """Have all let callers in."""
        for member in self.members.values():
            member.accept()

    async def retire(self) -> None:
        """Have all begin nothing more; when this returns none does."""
        await self._each(lambda member: member.retire())

    def end(self) -> None:
        """Have all finish what is under way."""
        for member in list(self.members.values()):
            member.end()

    def kill(self) -> None:
        """End all at once."""
        for member in list(self.members.values()):
            member.leaving = True
            member.kill()

    @property
    def is_gone(self) -> bool:
        """Whether none is left."""
        return all(member.gone.is_set() for member in self.members.values())

    async def gone(self) -> None:
        """Until none is left."""
        await self._each(lambda member: member.gone.wait())

    async def _each(self, work: Callable[[Member], Awaitable[object]]) -> None:
        await asyncio.gather(*map(work, list(self.members.values())))


def _be_a_worker(worker: Worker, parent: int) -> NoReturn:
    """In the fork: nothing of the server's goes on here."""
    code = 1
    try:
        become_a_worker(parent, (*worker.plan.descriptors, worker.end.fileno()))
        worker.run()
        code = 0
    finally:
        os._exit(code)
