"""A worker: a process that answers reviews by one set of policies, beside a server that looks after all else.

It is forked from the server, so that policies, tenants and the picture of the cluster are there already. It
accepts connections when it is told to, and retires when it is told to: what has not begun by then is decided
by the server, and each connection ends with its next answer, which says so. A client that sends a request
just when its connection is closed could not know whether it was read; so idle ones are closed only when they
have not been used for a while.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from gatekeeper_py.cluster.view import Followed
from gatekeeper_py.objects.resource import GroupVersion, Object
from gatekeeper_py.webhook import limits, log
from gatekeeper_py.webhook.answer import Answer
from gatekeeper_py.webhook.app import application
from gatekeeper_py.webhook.channel import Channel, ChannelClosed
from gatekeeper_py.webhook.connections import MOST as MOST_CONNECTIONS
from gatekeeper_py.webhook.events import event, has_a_place
from gatekeeper_py.webhook.forwarding import Forwarding
from gatekeeper_py.webhook.health import Told, Topic
from gatekeeper_py.webhook.httpserver import GRACE, BoundedServer, QuietServer, configured
from gatekeeper_py.webhook.memory import TRIM_SECONDS, trim
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.occupancy import EvenAccept, Occupancy
from gatekeeper_py.webhook.orders import (
    Accept,
    Ask,
    Count,
    Counted,
    Decide,
    Denied,
    End,
    Find,
    Forward,
    Forwarded,
    Guests,
    Lines,
    News,
    Ready,
    RenewCertificate,
    Retire,
)
from gatekeeper_py.webhook.outbox import Outbox
from gatekeeper_py.webhook.planes import Planes
from gatekeeper_py.webhook.protocol import SecureProtocol
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.revision import InForce, Loaded, Policies, Webhook
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.tls import ServingCertificate, TLSError
from gatekeeper_py.webhook.turns import SharedTurns

__all__ = ["PERIOD", "Plan", "Worker", "service_among"]

PERIOD: Final = 1.0
"""Seconds between two words of a worker: what it has counted, and that it is alive."""

RETIREMENT: Final = 10.0
"""Seconds for which a connection may be idle before a worker that has retired closes it."""

LOOK: Final = 0.1
"""Seconds between two looks whether somebody is still connected to a worker that has retired."""

MOST_UNHEARD: Final = 1024 * 1024
"""Bytes that the server has not taken yet, beyond which lines stay where they are."""

ANSWER_SECONDS: Final = 4.0
"""How long the server may take to say how it is: a kubelet waits for 5 seconds."""


Message: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Plan:
    """What all workers of a server have in common."""

    listener: socket.socket
    certificate: ServingCertificate
    metrics: Metrics
    """The server's: its names, not its numbers, are the workers' too."""
    workers: int
    occupancy: Occupancy
    long: SharedTurns
    announces: bool = False
    """Whether denials are told as Events."""
    followed: Followed | None = None
    """The cluster, where it is not files."""
    planes: Planes | None = None
    """The control planes that the server answers."""

    def even_out(self, number: int, server: BoundedServer) -> None:
        """Let others have what a worker has beyond its part; to be done now and then."""
        self.occupancy.note(number, server.connected)
        if excess := self.occupancy.excess(number):
            server.let_go(excess)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a worker needs of all that the server has open."""
        return self.listener.fileno(), self.long.file


def service_among(workers: int, policies: Policies, record: Record, long: SharedTurns) -> Service:
    """A service that takes its part of what all together may take."""
    part = limits.portion(workers)
    return Service(
        policies,
        record,
        max_in_flight=part.in_flight,
        workers=part.threads,
        max_memory=part.memory,
        long=long,
    )


class _Denials(deque[dict[str, Any]]):
    """The last denials are known to the server."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(maxlen=0)
        self._worker = worker

    def append(self, denial: dict[str, Any], /) -> None:
        """Tell of one."""
        self._worker.tell(Denied(denial, None))


@dataclass(eq=False)
class Worker:
    """In the process that has been forked. Belongs to its event loop."""

    plan: Plan
    number: int
    in_force: InForce
    end: socket.socket
    """Of the pair of sockets that leads to the server."""
    service: Service = field(init=False)
    _forwarding: Forwarding | None = field(default=None, init=False)
    _outbox: Outbox = field(init=False)
    _metrics: Metrics = field(init=False)
    _server: QuietServer = field(init=False)
    _channel: Channel | None = field(default=None, init=False)
    _leaving: asyncio.Task[None] | None = field(default=None, init=False)

    def run(self) -> None:
        """Answer until the server says that it is over."""
        self._outbox = Outbox(self._send_lines)
        self._metrics = self.plan.metrics.of_another_process()
        logger = log.make_log(self._outbox)
        self._route_logs(logger)
        self._service_made(logger)
        self._server = QuietServer(
            self._config(), self._metrics, MOST_CONNECTIONS // self.plan.workers, self._even_accept()
        )
        self._server.run(sockets=[])

    def _route_logs(self, logger: log.Log) -> None:
        log.route_stray_errors(logger)
        log.route_library_logs(logger)
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # that it begins and ends is known
        refusals = log.Seldom(logger, "handshake failed")

        def tell(reason: str) -> None:
            self._metrics.handshakes.add()
            refusals.warn(reason)

        self.plan.certificate.tell_refusals(tell)

    def _service_made(self, logger: log.Log) -> None:
        announcer = self if self.plan.announces else None
        record = Record(logger, self._outbox, self._metrics, announcer, _Denials(self))
        policies = Policies(self._loaded, in_force=self.in_force)
        self.service = service_among(self.plan.workers, policies, record, self.plan.long)

    def _loaded(self) -> Loaded:
        """What a worker has is what it will ever have."""
        return self.in_force.loaded

    def _config(self) -> Any:
        certificate = self.plan.certificate
        if self.plan.planes is not None:
            memory = limits.portion(self.plan.workers).memory
            self._forwarding = Forwarding(self._forward, self.plan.planes.callers, memory)
        config = configured(
            application(self.service, self, lambda _app: self._living(), self._forwarding),
            GRACE,
            http=SecureProtocol,
            lifespan="on",
            ssl_context_factory=lambda _config, _default: certificate.context,
        )
        config.load()
        certificate.require(config.ssl)
        return config

    def _even_accept(self) -> EvenAccept:
        return EvenAccept(self.plan.occupancy, self.number, lambda: self._server.connected)

    @asynccontextmanager
    async def _living(self) -> AsyncIterator[None]:
        """What goes on beside the reviews."""
        self._channel = await Channel.over(self.end, self)
        if self.plan.followed is not None:
            self.plan.followed.follow_along(self._find)
        self._outbox.open()
        tasks = [asyncio.create_task(self._count_aloud()), asyncio.create_task(_trim())]
        self.tell(Ready())
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await self.service.aclose()
            self._outbox.empty()
            self.tell(self._counted())
            await self._heard()

    async def _heard(self) -> None:
        """Until the server has taken the last words."""
        assert self._channel is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(PERIOD):
                while self._channel.waiting:
                    await asyncio.sleep(LOOK / 10)
        self._channel.close()
        await asyncio.sleep(0)

    async def _count_aloud(self) -> None:
        """Tell what has been counted, for ever."""
        while True:
            if self._server.accepting:
                self.plan.even_out(self.number, self._server)
            self.tell(self._counted())
            self.service.registered = None
            await asyncio.sleep(PERIOD)

    def _counted(self) -> Counted:
        return Counted(self._metrics.tally(), self.service.registered)

    def tell(self, message: Message) -> None:
        """Tell the server something."""
        if self._channel is not None:
            self._channel.tell(message)

    def _send_lines(self, data: bytes, count: int, dropped: int) -> bool:
        if self._channel is None or self._channel.waiting > MOST_UNHEARD:
            return False
        self.tell(Lines(data, count, dropped))
        return True

    # --- what the server says

    def told(self, message: Message) -> None:
        """Do as the server says."""
        match message:
            case Accept():
                self._server.accept(self.plan.listener)
            case News() if self.plan.followed is not None:
                self.plan.followed.hear(message.content)
            case RenewCertificate():
                self._renew_certificate()
            case Guests() if self._forwarding is not None:
                self._forwarding.callers = message.callers
                self.plan.certificate.let_in(frozenset(message.callers.planes))
            case End():
                self._end()

    async def asked(self, question: Message) -> object:
        """Answer the server."""
        match question:
            case Retire():
                self._retire()
            case Count():
                return self._counted()
        return None

    def lost(self) -> None:
        """The server is gone, and the system is about to end this process, too."""
        self._server.should_exit = True

    def _renew_certificate(self) -> None:
        """The server has looked at the files and found them good."""
        certificate = self.plan.certificate
        before = certificate.authorities
        try:
            certificate.reload()
        except TLSError as error:
            self.service.record.log.error("certificate refused, the last good one stays", problem=str(error))
        if certificate.authorities != before:
            self._server.hang_up()

    def _end(self) -> None:
        self._accept_no_more()
        self._server.should_exit = True

    def _accept_no_more(self) -> None:
        self._server.accept_no_more()
        self.plan.occupancy.leave(self.number)

    def _retire(self) -> None:
        self.service.successor = self._have_decided
        self._accept_no_more()
        self._server.retire()
        self._leaving = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        """End as soon as nobody is connected any more, or those who are have been idle for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RETIREMENT):
                while self._server.connected or self._server.server_state.tasks:
                    await asyncio.sleep(LOOK)
        self._server.should_exit = True

    async def _have_decided(
        self, webhook: Webhook, conversions: frozenset[GroupVersion], body: bytes, deadline: float
    ) -> Answer:
        """By who has the policies that are in force now."""
        assert self._channel is not None
        question = Decide(webhook, conversions, body, deadline)
        try:
            answer = await self._channel.ask(question, max(0.0, deadline - time.monotonic()))
        except ChannelClosed as error:
            raise TimeoutError from error
        assert isinstance(answer, Answer)
        return answer

    async def _forward(self, asked: Forward, seconds: float) -> Forwarded:
        """By the server."""
        assert self._channel is not None
        answer = await self._channel.ask(asked, seconds)
        assert isinstance(answer, Forwarded)
        return answer

    async def _find(self, namespace: str) -> Object | None:
        """As the server knows it, or is told by the API server."""
        assert self._channel is not None
        found: Object | None = await self._channel.ask(Find(namespace), 2 * PERIOD)
        return found

    # --- what operators ask, and whom denials are told

    async def about(self, topic: Topic) -> Told:
        """The server's word; without it there is none."""
        assert self._channel is not None
        try:
            told = await self._channel.ask(Ask(topic), ANSWER_SECONDS)
        except (ChannelClosed, TimeoutError):
            return Told(
                HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"the server does not answer its workers\n"
            )
        assert isinstance(told, Told)
        return told

    def denied(self, tenant: str, answer: Answer) -> None:
        """Have a denial told in its namespace."""
        if has_a_place(answer):
            self.tell(Denied(None, event(tenant, answer)))


async def _trim() -> None:
    """Give memory back now and then, for ever."""
    while True:
        await asyncio.sleep(TRIM_SECONDS)
        await asyncio.to_thread(trim)
