"""A review's way through the server: read, decided and recorded once.

A short one is decided by the event loop where it arrives. What is not, or turns out to be longer, waits for
its tenant's turn and is decided in a thread, and what is long in a process of its own.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import Final, TypeAlias

from starlette.requests import ClientDisconnect

from gatekeeper_py.cel import DeadlineExceeded
from gatekeeper_py.objects.resource import GroupVersion
from gatekeeper_py.policy.admission.admission_review import ReviewError
from gatekeeper_py.policy.admission.decision import Status
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.matching.versions import missing
from gatekeeper_py.webhook import limits
from gatekeeper_py.webhook.answer import Answer, attempt, decide, deny, died, late, parse, too_many
from gatekeeper_py.webhook.arrivals import Arrivals
from gatekeeper_py.webhook.body import BodyTooLarge, Memory, MemoryExhausted, read_body
from gatekeeper_py.webhook.child import ChildDied
from gatekeeper_py.webhook.exchange import Answering, Decline, Exchange, Reply
from gatekeeper_py.webhook.head import NO_HEAD, Head, head_of
from gatekeeper_py.webhook.purse import Purses, is_short
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.revision import InForce, Policies, Webhook
from gatekeeper_py.webhook.rounds import Rounds
from gatekeeper_py.webhook.turns import Turns
from gatekeeper_py.webhook.zygote import Zygotes

__all__ = ["Service"]


Successor: TypeAlias = Callable[[Webhook, frozenset[GroupVersion], bytes, float], Awaitable[Answer]]
"""Decides a review, given as `Service.decide` takes it, in another process."""


class NothingInForce(Exception):
    """There are no policies to decide by."""


STRANGERS: Final = "unknown namespaces"
"""Who takes turns for all namespaces that do not exist: there can be any number of names."""

UNASKED: Final = (
    "the webhooks are registered for other policies than those in force, which may need to be asked more. "
    "--register does it within seconds; without, print the registration anew: gatekeeper install --ca FILE "
    "--policies DIR"
)

UNREGISTERED: Final = (
    "the webhooks are not registered for these policies: they judge {}, to which the API server does not "
    "convert, and what is sent in another version is refused. --register does it within seconds; without, "
    "print the registration anew: gatekeeper install --ca FILE --policies DIR"
)

REFUSALS: Final[Mapping[type[Exception], HTTPStatus]] = {
    ReviewError: HTTPStatus.BAD_REQUEST,
    ClientDisconnect: HTTPStatus.BAD_REQUEST,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    MemoryExhausted: HTTPStatus.SERVICE_UNAVAILABLE,
    NothingInForce: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What ends a review without a verdict; the error's text is the reason."""


@dataclass(slots=True)
class _Job:
    """One review on its way."""

    webhook: Webhook
    conversions: frozenset[GroupVersion]
    """In which versions the API server asks besides, as the path says."""
    started: float
    deadline: float
    body: bytes = b""
    request: AdmissionRequest | None = None
    """What is asked, once it has been read whole."""
    head: Head = NO_HEAD
    """What is known of it before."""
    namespace: str = ""
    username: str = ""
    makes_namespace: bool = False
    tenant: str = ""
    known: bool = False
    """Whether its namespace is known to exist."""
    tried: bool = False
    """Whether the event loop has tried to decide it."""
    begun: bool = False
    """Whether a worker has begun to decide it."""

    @property
    def is_awaited(self) -> bool:
        """Whether its namespace has not been heard of yet, though there must be one."""
        return bool(self.namespace) and not self.known and not self.makes_namespace

    @property
    def is_long(self) -> bool:
        """Whether it is decided in a process of its own."""
        return len(self.body) > limits.LONG_BODY

    def read(self) -> AdmissionRequest:
        """What is asked, whole; raises `ReviewError`."""
        return self.request or parse(self.body, self.conversions)

    def outline(self) -> AdmissionRequest | None:
        """What is asked, without its object where that would take long to read; None when nobody can tell."""
        request = self.request or self.head.request()
        if request is None and not self.is_long:
            with suppress(ReviewError):
                return self.read()
        return request

    @property
    def seconds(self) -> float:
        """How long it may take, from its first byte on."""
        return self.deadline - self.started

    @property
    def owner(self) -> str:
        """Whose turn it takes: its tenant's, its namespace's where it has none, or its user's."""
        if self.tenant:
            return self.tenant
        if self.namespace:
            return f"namespace {self.namespace}" if self.known else STRANGERS
        return f"user {self.username}"


class _Waiting:
    """A short review that waits for a round: it is answered once, and in flight until then."""

    __slots__ = ("_answer", "_in_flight")

    def __init__(self, answer: Answering, in_flight: AbstractContextManager[None]) -> None:
        self._answer: Answering | None = answer
        self._in_flight = ExitStack()
        self._in_flight.enter_context(in_flight)

    def end(self, decide: Callable[[], bytes | None]) -> None:
        """Decide and answer, unless that is over."""
        answer, self._answer = self._answer, None
        if answer is not None:
            with self._in_flight:
                answer(decide())

    def decline(self) -> None:
        """Have it answered as every application answers."""
        self.end(lambda: None)


@dataclass(slots=True)
class Service:
    """What the doors share. Belongs to the event loop."""

    policies: Policies
    record: Record
    max_body: int = limits.MAX_BODY
    max_in_flight: int = limits.MAX_IN_FLIGHT
    workers: int = limits.WORKERS
    max_memory: int = limits.MAX_MEMORY
    rounds: Rounds = field(default_factory=Rounds)
    """The work that the event loop does itself; services of one loop share it."""
    long: Turns = field(default_factory=lambda: Turns(limits.CHILDREN, limits.CHILDREN))
    """The turns of long reviews."""
    successor: Successor | None = field(default=None, init=False)
    """Who decides what has not begun, once these policies are in force no more."""
    registered: frozenset[GroupVersion] | None = field(default=None, init=False)
    """In which versions the API server asks, by the last review; None before there was one."""
    _memory: Memory = field(init=False)
    _purses: Purses = field(default_factory=Purses, init=False)
    _short: Turns = field(init=False)
    _zygotes: Zygotes = field(default_factory=Zygotes, init=False)
    _arrivals: Arrivals = field(init=False)
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._memory = Memory(self.max_memory)
        self._short = Turns(self.max_in_flight, limits.share(self.workers))
        self._arrivals = Arrivals()
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="review")

    def review_at_once(
        self,
        body: bytes,
        webhook: Webhook,
        conversions: frozenset[GroupVersion],
        timeout: str | None,
        answer: Answering,
    ) -> Decline | None:
        """Answer with the verdict on a short review: at once, or in a next round where this one has no room.

        No task waits for it, and nobody looks at the time. With None any other is answered, which is as if it
        had not been asked: `review` answers it, whatever it is.
        """
        if self.successor is not None or not is_short(body):
            answer(None)
            return None
        job = _begin(webhook, conversions, time.monotonic(), timeout)
        job.body = body
        if self.rounds.has_room():
            answer(self.rounds.work(lambda: self._answered_at_once(job)))
            return None
        return self._wait_for_round(job, answer)

    def _wait_for_round(self, job: _Job, answer: Answering) -> Decline | None:
        with suppress(Exception):  # whatever it is: `review` meets it again, and tells
            self._understand_whole(job)
        if job.request is None:
            answer(None)
            return None
        waiting = _Waiting(answer, self.record.in_flight())
        self.rounds.wait(job.owner, lambda: waiting.end(lambda: self._answered_at_once(job)))
        return waiting.decline

    def _answered_at_once(self, job: _Job) -> bytes | None:
        if self.successor is not None or time.monotonic() > job.deadline:
            return None
        try:
            if job.request is None:
                self._understand_whole(job)
            in_force = self._in_force(job)
            answer = None if job.is_awaited else self._decide_here(in_force, job)
            return None if answer is None else self._answer(job, answer).body
        except Exception:  # whatever it is: `review` meets it again, and tells
            return None

    async def review(
        self, exchange: Exchange, webhook: Webhook, conversions: frozenset[GroupVersion]
    ) -> Reply:
        """Answer one review, asked in these versions besides. Nothing is raised."""
        job = _begin(webhook, conversions, exchange.arrived, exchange.timeout)
        with self.record.in_flight():
            try:
                return self._answer(job, await self._decided_in_time(exchange, job))
            except TimeoutError:
                return self._late(job)
            except ChildDied:
                return self._deny(job, died())
            except tuple(REFUSALS) as error:
                return self._refuse(job, REFUSALS[type(error)], str(error))

    async def aclose(self) -> None:
        """End the processes that decide long reviews, once there are none."""
        await self._zygotes.close()

    def unregistered(self) -> list[str]:
        """What the policies in force need and the registration does not give, in words."""
        in_force = self.policies.in_force
        if in_force is None or self.registered is None:
            return []
        lacking = missing(in_force.loaded.conversions(), self.registered)
        versions = [UNREGISTERED.format(", ".join(map(str, sorted(lacking))))] if lacking else []
        return versions if in_force.loaded.is_asked(self.registered) else [*versions, UNASKED]

    async def _decided_in_time(self, exchange: Exchange, job: _Job) -> Answer:
        """The same before the deadline; raises `TimeoutError`."""
        with ExitStack() as held:
            async with asyncio.timeout_at(_loop_time(job.deadline)):
                await self._read(exchange, job, held)
                return await self._decided(job, held)

    async def decide(
        self, webhook: Webhook, conversions: frozenset[GroupVersion], body: bytes, deadline: float
    ) -> Answer:
        """Decide a review that came in elsewhere and is recorded there.

        Raises what ends one without a verdict, and `TimeoutError`.
        """
        job = _Job(webhook, conversions, time.monotonic(), deadline, body)
        self._understand(job)
        with ExitStack() as held:
            async with asyncio.timeout_at(_loop_time(deadline)):
                return await self._decided(job, held)

    def _in_force(self, job: _Job) -> InForce:
        in_force = self.policies.in_force
        if in_force is None:
            raise NothingInForce("no policies are loaded yet")
        self.registered = job.conversions
        return in_force

    async def _decided(self, job: _Job, held: ExitStack) -> Answer:
        if self.successor is not None:
            return await self.successor(job.webhook, job.conversions, job.body, job.deadline)
        in_force = self._in_force(job)
        if job.is_awaited:
            await self._arrivals.wait_for(job.namespace, in_force.loaded.inquire)
            self._identify(job)
        if job.request is not None and not job.tried:
            answer = await self.rounds.do(job.owner, lambda: self._decide_here(in_force, job))
            if answer is not None:
                return answer
        await self._await_turn(job, held)
        if job.is_long:
            return await self._decide_apart(in_force, job)
        return await self._decide_in_thread(in_force, job, held)

    async def _read(self, exchange: Exchange, job: _Job, held: ExitStack) -> None:
        """Read the body, a long one only when its tenant has room for it."""

        async def reserve(beginning: bytes, size: int) -> None:
            self._behead(job, beginning)
            owner, needed = job.owner, 2 * size  # in chunks, and in one piece
            await self._memory.take(owner, needed)
            held.callback(self._memory.give_back, owner, needed)

        job.body = await read_body(exchange, self.max_body, reserve)
        self._understand(job)

    def _understand(self, job: _Job) -> None:
        """Note what is asked and whose review it is; of what is not short its beginning says it."""
        if is_short(job.body):
            self._understand_whole(job)
        elif job.head is NO_HEAD:
            self._behead(job, job.body)

    def _understand_whole(self, job: _Job) -> None:
        """The same of what is short."""
        request = job.request = job.read()
        job.namespace, job.username = request.namespace, request.user.username
        job.makes_namespace = request.resource.resource == "namespaces"
        self._identify(job)

    def _behead(self, job: _Job, beginning: bytes) -> None:
        """Note whose review it is, by its beginning."""
        head = job.head = head_of(beginning)
        job.namespace, job.username = head.namespace, head.username
        job.makes_namespace = head.makes_namespace
        self._identify(job)

    def _identify(self, job: _Job) -> None:
        """Note whose its namespace is, as that is known now."""
        in_force = self.policies.in_force
        if in_force is not None and job.namespace:
            job.tenant = in_force.loaded.owner(job.namespace)
            job.known = in_force.loaded.knows(job.namespace)

    def _decide_here(self, in_force: InForce, job: _Job) -> Answer | None:
        """Decide within a purse; None for who has none, or when it runs out."""
        job.tried = True
        purse = self._purses.open(job.owner)
        if purse is None:
            return None
        try:
            answer = attempt(in_force.loaded.review, job.webhook, job.read(), purse.until(job.deadline))
        except DeadlineExceeded:
            purse.ran_out = True
            return None
        finally:
            self._purses.close(job.owner, purse)
        return None if purse.ran_out else answer

    async def _await_turn(self, job: _Job, held: ExitStack) -> None:
        turns, owner = self.long if job.is_long else self._short, job.owner
        await turns.take(owner)
        held.callback(turns.give_back, owner)

    async def _decide_apart(self, in_force: InForce, job: _Job) -> Answer:
        """In a child of the server, which is told of the job what is not its body."""
        job.begun = True
        basis = in_force.loaded, *in_force.loaded.picture()
        head, seconds = pickle.dumps(replace(job, body=b"")), job.deadline - time.monotonic()
        work = partial(_decide_apart, in_force)
        outcome = pickle.loads(await self._zygotes.ask(basis, work, head, job.body, seconds))
        if isinstance(outcome, ReviewError):
            raise outcome
        assert isinstance(outcome, Answer)
        return outcome

    async def _decide_in_thread(self, in_force: InForce, job: _Job, held: ExitStack) -> Answer:
        """A late thread works on until its own deadline, and keeps the turn until then."""
        deciding = asyncio.get_running_loop().run_in_executor(self._threads, _decide, in_force, job)
        turn = held.pop_all()
        deciding.add_done_callback(lambda _: turn.close())
        try:
            return await asyncio.shield(deciding)
        except asyncio.CancelledError:
            if not job.begun:
                deciding.cancel()
            deciding.add_done_callback(_ignore_outcome)
            raise

    def _answer(self, job: _Job, answer: Answer) -> Reply:
        """Send an answer, and record it: here and nowhere else, so that each review has one record."""
        seconds = time.monotonic() - job.started
        self.record.answered(job.webhook, job.tenant, answer, seconds)
        return Reply(HTTPStatus.OK, answer.body, is_verdict=True)

    def _deny(self, job: _Job, status: Status) -> Reply:
        """Deny what no policy has decided; where it is not even known what was asked there is no verdict."""
        request = job.outline()
        if request is None:
            return self._refuse(job, HTTPStatus.SERVICE_UNAVAILABLE, status.message)
        if status.reason == "TooManyRequests":
            self.record.shed(job.webhook)
        in_force = self.policies.in_force
        everywhere = in_force.loaded.tenancy.everywhere if in_force is not None else "enforce"
        return self._answer(job, deny(job.webhook, request, status, everywhere or "enforce"))

    def _late(self, job: _Job) -> Reply:
        if not job.body:
            return self._refuse(job, HTTPStatus.REQUEST_TIMEOUT, "the review did not arrive in time")
        return self._deny(job, late(job.seconds) if job.begun else too_many())

    def _refuse(self, job: _Job, code: HTTPStatus, reason: str) -> Reply:
        """An answer without a verdict. The connection ends: part of the body may still be on its way."""
        if code == HTTPStatus.SERVICE_UNAVAILABLE:
            self.record.shed(job.webhook)
        self.record.refused(job.webhook, job.tenant, code, reason)
        return Reply(code, f"{reason}\n".encode(), is_verdict=False)


def _begin(
    webhook: Webhook, conversions: frozenset[GroupVersion], started: float, timeout: str | None
) -> _Job:
    return _Job(webhook, conversions, started, started + limits.time_allowed(timeout))


def _decide(in_force: InForce, job: _Job) -> Answer:
    """In a worker thread; raises `ReviewError`."""
    job.begun = True
    return decide(in_force.loaded.review, job.webhook, job.read(), job.started, job.deadline)


def _decide_apart(in_force: InForce, head: bytes, body: bytes) -> bytes:
    """In a child of the server."""
    job: _Job = pickle.loads(head)
    job.body = body
    try:
        return pickle.dumps(_decide(in_force, job).without_objects())
    except ReviewError as error:
        return pickle.dumps(error)


def _loop_time(moment: float) -> float:
    """A `time.monotonic()` moment on the event loop's clock, which may count from elsewhere."""
    return asyncio.get_running_loop().time() + moment - time.monotonic()


def _ignore_outcome(future: asyncio.Future[Answer]) -> None:
    """Fetch a late thread's outcome, so that nobody complains that it was never looked at."""
    if not future.cancelled():
        future.exception()
