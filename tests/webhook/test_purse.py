"""What the event loop decides itself is short, stays within its purse, and is decided as a worker would."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, islice

import pytest

from examples.demo import CLUSTER
from gatekeeper_py.cel import Budget, DeadlineExceeded
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import read
from gatekeeper_py.policy.admission.admission_review import ReviewError
from gatekeeper_py.policy.admission.decision import Decision
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.webhook.answer import attempt, parse
from gatekeeper_py.webhook.origin import PHASES
from gatekeeper_py.webhook.purse import (
    MOST_PENITENT,
    MOST_REPENTED,
    MOST_VALUES,
    PENANCE,
    SECONDS,
    SHORT_BODY,
    Purse,
    Purses,
    WorkingTime,
    is_short,
    working_time,
)
from gatekeeper_py.webhook.revision import Reviewer, Webhook
from tests.shipped import SHIPPED
from tests.webhook.fuzz import requests, varied
from tests.webhook.hostile import hostile

DOORS: tuple[Webhook, ...] = ("mutate", "validate")
NEVER = float("inf")
ENFORCEMENTS = ("enforce", "observe")
SEEDS = 6
HOSTILE = dict(hostile())


def long_ago() -> float:
    """When purses are opened whose time is not that of `time.monotonic()`."""
    return -NEVER


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("body", "short"),
    [
        (b"x" * SHORT_BODY, True),
        (b"x" * (SHORT_BODY + 1), False),
        (b"," * MOST_VALUES, True),
        (b"," * (MOST_VALUES + 1), False),
        (b"{}" * MOST_VALUES + b"[]", False),
        (b'"' + b"a,[{" * (MOST_VALUES // 3) + b'"', True),
        (b"}]:" * 2 * MOST_VALUES, True),
    ],
)
def test_a_short_review_has_few_bytes_and_few_values(body: bytes, short: bool) -> None:
    assert is_short(body) is short


def test_a_deadline_that_is_paid_from_a_purse_is_over_when_that_is_empty() -> None:
    clock = Clock()
    purse = Purse(2, clock, long_ago)
    budget = Budget(1, purse.until(NEVER))
    clock.now += 2
    budget.check_deadline()
    assert not purse.ran_out
    clock.now += 0.5
    with pytest.raises(DeadlineExceeded):
        budget.check_deadline()
    assert (purse.ran_out, purse.overdrawn) == (True, 0.5)


def test_nobody_has_worked_for_longer_than_time_has_passed() -> None:
    def unasked() -> float:
        raise AssertionError

    purse = Purse(2, Clock(), lambda: 50.0)
    purse._clock = unasked
    assert not purse.is_empty(51.9)
    with pytest.raises(AssertionError):
        purse.is_empty(52)


def test_nobody_pays_for_the_collector() -> None:
    clock = Clock()
    worked = WorkingTime(clock)
    purse = Purse(2, worked, long_ago)
    for _ in range(3):
        clock.now += 0.5
        worked.notice("start", {})
        clock.now += 10
        worked.notice("stop", {})
    assert not purse.is_empty(0)
    clock.now += 1
    assert (purse.is_empty(0), purse.overdrawn) == (True, 0.5)


def test_a_collection_in_another_thread_is_none_of_this_one_s() -> None:
    clock = Clock()
    worked = WorkingTime(clock)

    def collect() -> None:
        worked.notice("start", {})
        clock.now += 10
        worked.notice("stop", {})

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(collect).result()
    assert worked() == clock.now


def test_the_collector_tells_when_it_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    times = count()
    monkeypatch.setattr(working_time, "_clock", lambda: next(times))
    before = working_time._collected
    gc.collect()
    assert working_time._collected == pytest.approx(before + 1)


def test_it_is_over_at_its_own_time_too_and_that_is_not_the_purse_s_fault() -> None:
    purse = Purse(NEVER, Clock())
    with pytest.raises(DeadlineExceeded):
        Budget(1, purse.until(0)).check_deadline()
    assert not purse.ran_out


def test_an_earlier_deadline_is_paid_from_the_same_purse() -> None:
    clock = Clock()
    purse = Purse(2, clock, long_ago)
    earlier = purse.until(7) - 0.25
    assert float(earlier) == 6.75
    clock.now += 3
    assert earlier < 0
    assert purse.ran_out


def test_what_is_left_is_not_asked_for_before_it_could_be_spent() -> None:
    worked, now = Clock(), Clock()
    purse = Purse(SECONDS, worked, now)
    worked.now += 2 * SECONDS  # which takes as long, at least
    assert purse.overdrawn == 0
    now.now += 2 * SECONDS
    assert purse.overdrawn == pytest.approx(SECONDS)


def overdraw(purses: Purses, owner: str, seconds: float = 1) -> None:
    purse = purses.open(owner)
    assert purse is not None
    purse._end -= seconds + SECONDS  # as if it had worked for so long, and a little
    purse._earliest -= seconds + SECONDS
    purses.close(owner, purse)


def test_who_overdraws_has_no_purse_for_so_many_times_as_long_and_others_have() -> None:
    clock = Clock()
    purses = Purses(clock)
    overdraw(purses, "foo", MOST_REPENTED / 2)
    assert purses.open("foo") is None
    assert purses.open("bar") is not None
    clock.now += PENANCE * MOST_REPENTED / 2
    assert purses.open("foo") is None
    clock.now += PENANCE * (MOST_REPENTED / 4 + SECONDS)
    assert purses.open("foo") is not None


def test_penance_is_done_for_no_more_than_a_review_can_take() -> None:
    clock = Clock()
    purses = Purses(clock)
    overdraw(purses, "foo", 1000)
    clock.now += PENANCE * (MOST_REPENTED + SECONDS) * 0.99
    assert purses.open("foo") is None
    clock.now += PENANCE * (MOST_REPENTED + SECONDS) * 0.02
    assert purses.open("foo") is not None


def test_who_stays_within_has_another() -> None:
    purses = Purses(Clock())
    for _ in range(3):
        purse = purses.open("foo")
        assert purse is not None
        purses.close("foo", purse)


def test_no_number_of_names_is_kept() -> None:
    purses = Purses(Clock())
    for number in range(MOST_PENITENT + 5):
        overdraw(purses, f"namespace {number}")
    assert len(purses._penitent) == MOST_PENITENT
    assert purses.open("namespace 0") is not None


# --- against everything that ships


@cache
def reviewer(enforcement: str) -> Reviewer:
    """What ships, over the two tenants of the examples, who are held to it so far."""
    documents = [
        replace(each, object={**each.object, "spec": {**each.object["spec"], "enforcement": enforcement}})
        if each.kind.kind == "TenancySettings"
        else each
        for each in loading.read(SHIPPED)
    ]
    engine = Engine.load(documents, Snapshot.of(read([CLUSTER])))

    def review(request: AdmissionRequest, webhook: Webhook, deadline: float) -> Decision:
        return engine.review(request, PHASES[webhook], deadline=deadline)

    return review


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Load before any test that uses it is timed."""
    for enforcement in ENFORCEMENTS:
        reviewer(enforcement)


@dataclass
class Work:
    """A clock that counts the calls of functions, of Python's and of C's."""

    calls: int = 0

    def __call__(self) -> float:
        return self.calls

    @contextmanager
    def counted(self) -> Iterator[None]:
        """While this is entered time goes on."""

        def count(*_: object) -> None:
            self.calls += 1

        sys.setprofile(count)
        try:
            yield
        finally:
            sys.setprofile(None)


PURSE_CALLS = 20_000
"""About as many as two milliseconds have."""

MOST_CALLS = 100_000
"""About as many as five milliseconds have, of a deep object whose paths are long."""


@pytest.mark.parametrize("name", HOSTILE)
def test_no_short_review_takes_much_more_of_the_loop_than_its_purse(name: str) -> None:
    body = HOSTILE[name]
    assert is_short(body)
    for door in DOORS:
        assert (
            min(calls(door, body) for _ in range(3)) < MOST_CALLS
        )  # some code is made when it is first needed


def calls(door: Webhook, body: bytes) -> int:
    """What the loop takes, at most a purse and what comes until somebody looks into it."""
    work = Work()
    purse = Purse(PURSE_CALLS, work, long_ago)
    with work.counted():
        said(door, body, purse)
    return work.calls


def said(door: Webhook, body: bytes, purse: Purse, enforcement: str = "enforce") -> bytes | None:
    """What the loop answers, if it does."""
    try:
        answer = attempt(reviewer(enforcement), door, parse(body), purse.until(NEVER))
    except DeadlineExceeded:
        assert purse.ran_out
        return None
    return None if purse.ran_out else answer.body


def bodies(seed: int) -> Iterator[bytes]:
    """Some of all kinds; what cannot be read is refused before there is a purse."""
    yield from [*HOSTILE.values()][seed::SEEDS]
    yield from islice(varied(seed), 5)
    for request in islice(requests(seed), 30):
        with suppress(ReviewError):
            parse(request.body)
            yield request.body


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("enforcement", ENFORCEMENTS)
def test_with_whatever_is_in_the_purse_the_answer_is_a_worker_s_or_none(enforcement: str, seed: int) -> None:
    answered = 0
    for number, body in enumerate(bodies(seed)):
        door = DOORS[number % 2]
        whole = attempt(reviewer(enforcement), door, parse(body), NEVER).body
        for looks in (0, 1, 3, 10, 100_000):
            clock = count()
            answer = said(door, body, Purse(looks, lambda clock=clock: next(clock), long_ago), enforcement)  # type: ignore[misc]
            assert answer in (None, whole)
            answered += answer is not None
    assert answered
