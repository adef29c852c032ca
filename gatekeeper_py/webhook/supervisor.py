"""Workers beside the server: it answers reviews as they do, and looks after them.

The server holds the sockets, loads the policies, follows files and cluster, and writes the log. Of each set
of policies there is one generation of workers, forked when the set has been loaded. The next takes over so:

    1. the new workers are forked, and each says that it could accept
    2. each of the old is told to retire, and says that it begins nothing more
    3. the set is in force: the server decides by it, and the new workers accept

Between 2 and 3 nobody decides but the server, by the set before, and what comes to who has retired waits. So
every review is decided by one set, none by an older one than a review before it, and none is lost.

Why it may fork beside other threads: what they hold of Python's own is made anew or never asked for by a
worker; the thread that follows the cluster stands still meanwhile; reloads and forks wait for each other.
What is left is a step of TLS (Events, the upkeep of certificates) at that very moment, for some
microseconds. A worker that met such a lock would say nothing: it is ended and replaced.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from gatekeeper_py.engine import prepare
from gatekeeper_py.webhook.answer import Answer
from gatekeeper_py.webhook.channel import ChannelClosed
from gatekeeper_py.webhook.counting import Tally, together
from gatekeeper_py.webhook.events import Events
from gatekeeper_py.webhook.forwarding import answered
from gatekeeper_py.webhook.generation import Generation, Member, NotStarted
from gatekeeper_py.webhook.health import Health, Told
from gatekeeper_py.webhook.httpserver import GRACE, BoundedServer
from gatekeeper_py.webhook.memory import settle
from gatekeeper_py.webhook.orders import (
    Ask,
    Count,
    Counted,
    Decide,
    Denied,
    Find,
    Forward,
    Guests,
    Lines,
    News,
)
from gatekeeper_py.webhook.record import Record
from gatekeeper_py.webhook.rehearsal import rehearse
from gatekeeper_py.webhook.revision import BadPolicies, InForce
from gatekeeper_py.webhook.service import Service
from gatekeeper_py.webhook.sink import Sink
from gatekeeper_py.webhook.worker import PERIOD, Plan

__all__ = ["Supervisor"]

PATIENCE: Final = 20
"""Looks at which a worker may have said nothing; it speaks once for each."""

MOST_RETIRED: Final = 2
"""Generations that wait for their last callers; of more the oldest waits for nobody any more."""

RELOAD_SECONDS: Final = 10.0
"""For so long a new worker waits for the end of a reload, which makes a generation of its own anyway."""

COUNT_SECONDS: Final = 1.0
"""How long a worker may take to say what it has counted; then what it said last is taken."""

GATHER: Final = 0.005
"""Seconds for which what happens in the cluster is gathered before the workers are told."""

SHORT_LIVED: Final = 10.0
"""Seconds; a worker that ended sooner may do so again."""

ATTEMPTS: Final = (0.2, 1.0)
"""Seconds until a generation that did not start is tried again, and again."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds until a worker that has not lived long is replaced, doubled each time."""

FEWER = "{} of {} workers answer reviews; those that ended are replaced"
NO_WORKERS = "no worker came up for these policies: {}. The log says what it could"
ENDING = "the server is about to end"


Swap: TypeAlias = Callable[[], None]


def _is_in_force() -> None:
    """For a set that is in force in the server already."""


@dataclass(eq=False)
class Supervisor:
    """Belongs to the event loop, but for `enforce`."""

    plan: Plan
    service: Service
    """The server's own."""
    health: Health
    events: Events | None = None
    answerer: BoundedServer | None = field(default=None, init=False)
    """What answers reviews in this process."""
    current: Generation | None = field(default=None, init=False)
    replaced: int = field(default=0, init=False)
    """Workers that ended though nobody had them end."""
    _retired: list[Generation] = field(default_factory=list, init=False)
    _members: set[Member] = field(default_factory=set, init=False)
    _departed: Tally = field(default_factory=dict, init=False)
    """What those have counted who are gone."""
    _settled: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Whether no set is just being put in force."""
    _switching: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    _ending: bool = field(default=False, init=False)
    _work: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _burials: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _pauses: dict[int, tuple[float, float]] = field(default_factory=dict, init=False)
    """Of each number, when its worker was born last, and how long to wait should it end soon."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer reviews while this is entered; at the end those under way are finished."""
        self._loop = asyncio.get_running_loop()
        looking = asyncio.create_task(self._look_after())
        if self.plan.followed is not None:
            self.plan.followed.pass_on(self._news_soon)
        self.service.policies.enforce = self.enforce
        _begin(self._join(), self._work)
        try:
            yield
        finally:
            self.end()
            for task in (looking, *self._work):
                task.cancel()
            await self._gone()

    async def _join(self) -> None:
        """Join the server, which answers already, with workers; for ever, should they not come up."""
        while self.current is None:
            in_force = self.service.policies.in_force
            assert in_force is not None
            await asyncio.to_thread(self._make_ready, in_force)
            async with self._no_reload(), self._switching:
                if self.current is None and self.service.policies.in_force is in_force:
                    await self._try_to_join(in_force)

    async def _try_to_join(self, in_force: InForce) -> None:
        try:
            await self._take_over(in_force, _is_in_force)
        except (NotStarted, OSError) as error:
            self._record.log.error("worker did not start", reason=str(error))
            await asyncio.sleep(LONGEST_PAUSE)

    def enforce(self, in_force: InForce, swap: Swap) -> None:
        """Put a set in force here and in all workers, from another thread; raises `BadPolicies`."""
        if self._loop is None or self._ending:
            raise BadPolicies((ENDING,))
        self._make_ready(in_force)
        switching = asyncio.run_coroutine_threadsafe(self._switch(in_force, swap), self._loop)
        try:
            switching.result()
        except (NotStarted, OSError) as error:
            raise BadPolicies((NO_WORKERS.format(error),)) from error
        except CancelledError as error:
            raise BadPolicies((ENDING,)) from error

    def _make_ready(self, in_force: InForce) -> None:
        """Make here what all workers would have to make, and let the collector have done with it."""
        if in_force.loaded.policies is not None:
            prepare(in_force.loaded.policies)
        rehearse(in_force.loaded)
        self._record.metrics.learn(in_force)
        settle()

    async def _switch(self, in_force: InForce, swap: Swap) -> None:
        async with self._switching:
            await self._take_over(in_force, swap)

    async def _take_over(self, in_force: InForce, swap: Swap) -> None:
        fresh = await self._started(in_force)
        self._settled.clear()
        try:
            await self._retire_current()
        finally:
            swap()
            self.current = fresh
            self._pauses.clear()
            fresh.accept()
            self._settled.set()
        for member in list(fresh.members.values()):
            if member.gone.is_set():
                self._lost(member)

    async def _started(self, in_force: InForce) -> Generation:
        """A generation that could accept; what the system did not give is asked for again."""
        for pause in ATTEMPTS:
            try:
                return await self._start(in_force)
            except (NotStarted, OSError) as error:
                self._record.log.warning("worker did not start", reason=str(error))
            await asyncio.sleep(pause)
        return await self._start(in_force)

    async def _start(self, in_force: InForce) -> Generation:
        if self._ending:
            raise NotStarted(ENDING)
        fresh = Generation(self.plan, in_force, self, self._still)
        await fresh.start()
        return fresh

    async def _retire_current(self) -> None:
        if self.current is None:
            return
        await self.current.retire()
        self._retired = [*(each for each in self._retired if not each.is_gone), self.current]
        for each in self._retired[:-MOST_RETIRED]:
            each.end()

    def end(self) -> None:
        """Have all finish what is under way, and nobody replaced."""
        self._ending = True
        for generation in self._generations:
            generation.end()

    async def _gone(self) -> None:
        """Until none is left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE + 2 * PERIOD):
                await asyncio.gather(*(each.gone() for each in self._generations))
        for member in list(self._members):
            member.kill()
            await member.gone.wait()
        await asyncio.gather(*self._burials)

    @property
    def _generations(self) -> list[Generation]:
        return [*self._retired, *filter(None, (self.current,))]

    # --- what they are told of the cluster

    @contextmanager
    def _still(self) -> Iterator[None]:
        """While a worker is forked nothing happens, and what has happened those before it have been told."""
        followed = self.plan.followed
        with nullcontext() if followed is None else followed.at_rest():
            self._tell_news(standings=False)
            yield

    def _news_soon(self) -> None:
        """There are some; in the thread that follows the cluster."""
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has just ended
            self._loop.call_soon_threadsafe(self._tell_news_later)

    def _tell_news_later(self) -> None:
        asyncio.get_running_loop().call_later(GATHER, self._tell_news)

    def _tell_news(self, *, standings: bool = False) -> None:
        followed = self.plan.followed
        if followed is None or not (content := followed.news(standings=standings)):
            return
        pickled = pickle.dumps(News(content))
        for member in list(self._members):
            member.pass_on(pickled)

    def _tell_guests(self) -> None:
        """Whose certificates are whose, to those who came before it changed, too."""
        if self.plan.planes is not None:
            for member in self._members:
                member.tell(Guests(self.plan.planes.callers))

    # --- how they are

    @property
    def answering(self) -> int:
        """How many let callers in, the server included."""
        return 1 + sum(member.accepting for member in self._present())

    def numbers(self) -> Mapping[str, int]:
        """How many there are, as operators are told."""
        return {"answering": self.answering, "wanted": self.plan.workers, "replaced": self.replaced}

    def notices(self) -> Iterator[str]:
        """What is wrong with them."""
        if self.answering < self.plan.workers and self._settled.is_set() and not self._ending:
            yield FEWER.format(self.answering, self.plan.workers)

    def renew_certificate(self) -> None:
        """Have all read the files of the certificate."""
        for member in self._members:
            member.renew_certificate()

    async def gather(self) -> None:
        """Have everything that was counted counted here, too."""
        await asyncio.gather(*map(self._count, list(self._members)))
        self._record.metrics.include(
            together([self._departed, *(member.counted.tally for member in self._members)])
        )

    async def _count(self, member: Member) -> None:
        with suppress(ChannelClosed, TimeoutError):
            counted = await member.ask(Count(), COUNT_SECONDS)
            assert isinstance(counted, Counted)
            member.counted = counted

    @property
    def _record(self) -> Record:
        return self.service.record

    def _present(self) -> Iterable[Member]:
        return () if self.current is None else self.current.members.values()

    # --- what they say (Office)

    def born(self, member: Member) -> None:
        """A worker is there."""
        self._members.add(member)
        _, pause = self._pauses.get(member.number, (0.0, FIRST_PAUSE))
        self._pauses[member.number] = time.monotonic(), pause

    def heard(self, message: Any) -> None:
        """A worker says something."""
        match message:
            case Lines():
                self._write(message)
            case Denied():
                self._denied(message)
            case Counted(registered=versions) if versions is not None:
                self.service.registered = versions

    def _write(self, lines: Lines) -> None:
        output = self._record.output
        if isinstance(output, Sink):
            output.take(lines.data, lines.lines)
            output.miss(lines.dropped)
        else:
            output.write(lines.data.decode())

    def _denied(self, denied: Denied) -> None:
        if denied.denial is not None:
            self._record.denials.append(dict(denied.denial))
        if denied.event is not None and self.events is not None:
            self.events.tell(denied.event)

    async def questioned(self, question: Any) -> object:
        """A worker asks something."""
        match question:
            case Ask():
                return await self._about(question)
            case Decide():
                return await self._have_decided(question)
            case Find() if self.plan.followed is not None:
                return await self.plan.followed.find(question.namespace)
            case Forward() if self.plan.planes is not None:
                return await answered(self.plan.planes, question)
        return None

    async def _about(self, question: Ask) -> Told:
        return await self.health.about(question.topic)

    async def _have_decided(self, question: Decide) -> Answer:
        """By the policies that are in force now, once those that are about to be are."""
        async with asyncio.timeout(question.deadline - time.monotonic()):
            await self._settled.wait()
            answer = await self.service.decide(*question)
        return answer.without_objects()

    def buried(self, member: Member) -> None:
        """A worker is gone."""
        self._members.discard(member)
        self._departed = together([self._departed, self._record.metrics.lasting(member.counted.tally)])
        _begin(_reaped(member.pid), self._burials)
        if not member.leaving and not self._ending and member.ready.is_set():
            self._lost(member)

    def _lost(self, member: Member) -> None:
        generation = self.current
        if generation is not None and generation.members.get(member.number) is member:
            self.replaced += 1
            self._record.log.error("worker died, it is replaced", pid=member.pid)
            self.plan.occupancy.leave(member.number)
            _begin(self._replace(generation, member.number), self._work)

    async def _replace(self, generation: Generation, number: int) -> None:
        """At once; but later and later one that does not live long."""
        while generation is self.current and not self._ending:
            await self._pause(number)
            try:
                async with self._no_reload():
                    if generation is not self.current:
                        return
                    member = await generation.add(number)
                await member.await_ready()
            except (NotStarted, OSError) as error:
                self._record.log.error("worker did not start", reason=str(error))
                continue
            if generation is self.current:
                member.accept()
                return
            member.end()

    async def _pause(self, number: int) -> None:
        born, pause = self._pauses.get(number, (0.0, FIRST_PAUSE))
        if time.monotonic() - born > SHORT_LIVED:
            self._pauses[number] = born, FIRST_PAUSE
            return
        self._pauses[number] = born, min(2 * pause, LONGEST_PAUSE)
        await asyncio.sleep(pause)

    @asynccontextmanager
    async def _no_reload(self) -> AsyncIterator[None]:
        """While nothing is being loaded, as a rule: whoever loads may hold a lock that a worker needs."""
        end = time.monotonic() + RELOAD_SECONDS
        while True:
            with self.service.policies.not_reloading() as undisturbed:
                if undisturbed or time.monotonic() > end:
                    yield
                    return
            await asyncio.sleep(FIRST_PAUSE)

    async def _look_after(self) -> None:
        """End who says nothing, for ever; between two looks this process has to have run, too."""
        while True:
            await asyncio.sleep(PERIOD)
            if self.answerer is not None and self.answerer.accepting:
                self.plan.even_out(0, self.answerer)
            self._tell_news(standings=True)
            self._tell_guests()
            for member in list(self._members):
                member.silence += 1
                if member.silence > PATIENCE:
                    self._record.log.error("worker does not answer, it is ended", pid=member.pid)
                    member.kill()


def _begin(work: Coroutine[Any, Any, None], under_way: set[asyncio.Task[None]]) -> None:
    """Have it done, and kept in mind until it is."""
    task = asyncio.get_running_loop().create_task(work)
    under_way.add(task)
    task.add_done_callback(under_way.discard)


async def _reaped(pid: int) -> None:
    """Have the system forget a process: the channel ends a moment before its process does."""
    while not _reap(pid):
        await asyncio.sleep(FIRST_PAUSE)


def _reap(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True
