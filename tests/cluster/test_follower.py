"""One kind followed through everything that goes wrong, on a clock and with an API server of the test's own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gatekeeper_py.cluster import follower as module
from gatekeeper_py.cluster.connection import (
    SILENCE_SECONDS,
    WATCH_SECONDS,
    Connection,
    Event,
    Listed,
    Refused,
)
from gatekeeper_py.cluster.follower import LONGEST_PAUSE, LONGEST_WISH, RELIST_SECONDS, Follower, Picture
from gatekeeper_py.objects.kinds import CUSTOM_RESOURCE_DEFINITION
from gatekeeper_py.objects.projection import Projection
from gatekeeper_py.objects.resource import GroupVersionKind, Served

Json = dict[str, Any]

NAMESPACE = GroupVersionKind("", "v1", "Namespace")
WIDGET = GroupVersionKind("example.com", "v1", "Widget")
MAX_AGE = 30.0

Steps = list[Event | list[Event] | float | Exception]
Outcome = Listed | Exception | Steps
"""Of a request: what is listed, an error, or what a watch brings: events, seconds that pass, an error."""


def named(name: str, version: int = 1, kind: str = "Namespace") -> Json:
    metadata = {"name": name, "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def deleted(name: str, version: int) -> Event:
    return Event("DELETED", named(name, version), str(version))


def added(name: str, version: int = 8) -> Event:
    return Event("ADDED", named(name, version), str(version))


def bookmark(version: int) -> Event:
    return Event("BOOKMARK", {"kind": "Namespace", "metadata": {}}, str(version))


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


class ScriptEnded(BaseException):
    """There is nothing more to follow."""


@dataclass
class Script:
    """A connection that answers as a test says."""

    clock: Clock
    outcomes: list[Outcome]
    asked: list[str] = field(default_factory=list)

    def _next(self, asked: str) -> Outcome:
        self.asked.append(asked)
        if not self.outcomes:
            raise ScriptEnded
        return self.outcomes.pop(0)

    async def list(self, served: Served, kept: Projection, take: Callable[[Json], Json]) -> Listed:
        outcome = self._next("list")
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, Listed), f"listed where a watch was expected: {outcome}"
        return Listed([take(each) for each in outcome.objects], outcome.version)

    @asynccontextmanager
    async def watch(
        self, served: Served, version: str, kept: Projection
    ) -> AsyncGenerator[AsyncGenerator[Sequence[Event], None], None]:
        outcome = self._next(f"watch {version}")
        assert not isinstance(outcome, Listed), f"watched where a list was expected: {outcome}"
        if isinstance(outcome, Exception):
            raise outcome
        yield self._events(outcome)

    async def _events(self, steps: Steps) -> AsyncGenerator[Sequence[Event], None]:
        for step in steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                self.clock.time += step
            else:
                yield step if isinstance(step, list) else [step]


@dataclass
class Followed:
    """A follower at the end of its script."""

    follower: Follower
    script: Script
    errors: list[Exception]

    @property
    def names(self) -> list[str]:
        return [found["metadata"]["name"] for found in self.follower.picture.snapshot.list(NAMESPACE)]


Follow = Callable[..., Followed]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "now", made)
    monkeypatch.setattr(asyncio, "sleep", made.sleep)
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    return made


@pytest.fixture
def follow(clock: Clock) -> Follow:
    def run(*outcomes: Outcome, kind: GroupVersionKind = NAMESPACE) -> Followed:
        script, errors = Script(clock, list(outcomes)), list[Exception]()
        connection: Any = script
        made: Connection = connection
        follower = Follower(kind, Picture(), lambda: made, None, errors.append, confirmed=clock.time)
        with pytest.raises(ScriptEnded):
            asyncio.run(follower.run())
        return Followed(follower, script, errors)

    return run


LIST = Listed([named("old")], "7")


def test_a_watch_goes_on_where_the_last_one_ended(follow: Follow) -> None:
    followed = follow(LIST, [added("a", 8), bookmark(12)], [added("b", 15)])
    assert followed.script.asked == ["list", "watch 7", "watch 12", "watch 15"]
    assert followed.names == ["a", "b", "old"]


def test_of_events_that_come_together_the_last_of_an_object_holds(follow: Follow) -> None:
    followed = follow(
        LIST,
        [
            [added("a", 8), deleted("a", 9), deleted("old", 10), added("old", 11), bookmark(12)],
            [added("b", 13), deleted("b", 14), added("c", 15)],
        ],
    )
    assert followed.script.asked == ["list", "watch 7", "watch 15"]
    assert followed.names == ["c", "old"]


def test_what_says_nothing_new_makes_no_new_picture() -> None:
    picture = Picture()
    picture.replace(NAMESPACE, [named("foo"), named("bar")])
    before = picture.snapshot
    picture.change(NAMESPACE, [named("foo")], [])
    assert picture.snapshot is before
    assert picture.known(NAMESPACE, named("bar")) is before.held(NAMESPACE, named("bar"))
    assert picture.known(NAMESPACE, named("foo", 2)) == named("foo", 2)


def test_a_list_confirms_the_moment_at_which_it_was_asked_for(follow: Follow, clock: Clock) -> None:
    followed = follow(LIST)
    clock.time += 4
    assert followed.follower.age == 4


@pytest.mark.parametrize("event", [added("a"), bookmark(9)], ids=["event", "bookmark"])
def test_an_event_confirms_its_moment(follow: Follow, event: Event) -> None:
    assert follow(LIST, [5.0, event, 1.0, TimeoutError()]).follower.age == pytest.approx(1.25, abs=0.3)


def test_a_watch_without_a_word_that_ends_in_good_order_confirms_its_beginning(follow: Follow) -> None:
    assert follow(LIST, [6.0]).follower.age == 6
    assert follow(LIST, [6.0], [6.0], [6.0]).follower.age == 6


def test_a_watch_that_breaks_off_confirms_nothing(follow: Follow) -> None:
    followed = follow(LIST, [6.0, ConnectionResetError("reset")])
    assert followed.follower.age >= 6
    assert followed.follower.problem == "ConnectionResetError: reset"


def test_a_quiet_kind_is_never_stale(follow: Follow) -> None:
    followed = follow(LIST, *[[float(WATCH_SECONDS)] for _ in range(20)])
    assert followed.follower.stale(MAX_AGE) is None
    assert followed.script.asked.count("list") == 1


def test_after_a_while_a_kind_is_listed_anew(follow: Follow) -> None:
    followed = follow(LIST, [RELIST_SECONDS + 1], Listed([named("new")], "20"))
    assert followed.names == ["new"]


def test_what_came_after_the_process_was_stopped_is_not_believed(follow: Follow) -> None:
    followed = follow(LIST, [SILENCE_SECONDS + 1, bookmark(9)], [added("meanwhile", 10)])
    assert [str(error) for error in followed.errors] == ["the process was stopped for a while"]
    assert followed.script.asked[2] == "watch 7"
    assert followed.names == ["meanwhile", "old"]


FAILURES: dict[str, tuple[Exception, str]] = {
    "rights taken away": (
        Refused(403, 'namespaces is forbidden: User "g" cannot list'),
        'namespaces is forbidden: User "g" cannot list. Allow the engine to get, list and watch it '
        "(webhooks/rbac.yaml)",
    ),
    "token expired": (
        Refused(401, "Unauthorized"),
        "Unauthorized: the API server does not accept the engine's credentials. Renew them",
    ),
    "too many requests": (Refused(429, "slow down"), "Refused: 429: slow down"),
    "no store": (Refused(500, "etcdserver: no leader"), "Refused: 500: etcdserver: no leader"),
    "connection refused": (ConnectionRefusedError("refused"), "ConnectionRefusedError: refused"),
    "silence": (TimeoutError(), "TimeoutError: the API server says nothing of it"),
    "half an answer": (ValueError("not JSON"), "ValueError: not JSON"),
}
failures = pytest.mark.parametrize(("error", "problem"), FAILURES.values(), ids=FAILURES)


@failures
def test_a_failed_list_is_told_and_tried_again(follow: Follow, error: Exception, problem: str) -> None:
    failed = follow(error)
    assert (failed.follower.synced, failed.follower.problem) == (False, problem)
    assert failed.errors == [error]
    stale = failed.follower.stale(MAX_AGE)
    assert str(stale) == f"Namespace (v1) has not been read yet: {problem}"
    healed = follow(error, LIST, [6.0])
    assert (healed.follower.synced, healed.follower.problem, healed.names) == (True, "", ["old"])


@failures
def test_a_failed_watch_is_told_and_taken_up_again(
    follow: Follow, clock: Clock, error: Exception, problem: str
) -> None:
    failed = follow(LIST, error)
    assert failed.follower.problem == problem
    assert failed.follower.stale(MAX_AGE) is None
    clock.time += MAX_AGE
    assert str(failed.follower.stale(MAX_AGE)) == f"Namespace (v1) was last known 30 s ago: {problem}"
    assert failed.names == ["old"]
    healed = follow(LIST, error, [added("meanwhile", 9), 1.0])
    assert healed.script.asked == ["list", "watch 7", "watch 7", "watch 9"]
    assert (healed.follower.problem, healed.names) == ("", ["meanwhile", "old"])


def test_after_long_errors_a_kind_is_listed_for_that_confirms_it_at_once(follow: Follow) -> None:
    followed = follow(LIST, *[OSError("away")] * 10, Listed([named("new")], "20"))
    assert followed.script.asked[-3:] == ["list", "list", "watch 20"]
    assert followed.follower.age == 0


def test_a_kind_that_may_be_listed_but_not_watched_is_listed_again_and_again(follow: Follow) -> None:
    followed = follow(*[LIST, *[Refused(403, "cannot watch")] * 7] * 5)
    assert followed.follower.stale(MAX_AGE) is None


def test_a_version_that_is_forgotten_is_listed_anew(follow: Follow) -> None:
    for gone in (Refused(410, "too old"), [Refused(410, "too old resource version")]):
        followed = follow(LIST, gone, Listed([named("compacted")], "90"))
        assert followed.script.asked == ["list", "watch 7", "list", "watch 90"]
        assert followed.names == ["compacted"]


def test_a_version_that_is_always_forgotten_makes_no_storm(follow: Follow, clock: Clock) -> None:
    follow(*[outcome for _ in range(5) for outcome in (LIST, Refused(410, "too old"))])
    assert clock.pauses == [0.25, 0.5, 1.0, 2.0, 2.0]


def test_pauses_grow_to_a_bound_and_begin_anew_after_a_success(follow: Follow, clock: Clock) -> None:
    refused = ConnectionRefusedError("refused")
    follow(*[refused] * 20, LIST, [6.0], refused, refused)
    assert clock.pauses[:4] == [0.25, 0.5, 1.0, 2.0]
    assert max(clock.pauses) == LONGEST_PAUSE
    assert clock.pauses[-2:] == [0.25, 0.5]


@pytest.mark.parametrize(("wish", "pause"), [(0.0, 0.25), (3.0, 3.0), (600.0, LONGEST_WISH)])
def test_the_api_server_may_ask_to_wait(follow: Follow, clock: Clock, wish: float, pause: float) -> None:
    follow(Refused(429, "slow down", wish))
    assert clock.pauses == [pause]


def test_a_kind_that_is_not_served_is_known_to_be_empty(follow: Follow) -> None:
    followed = follow(Listed([named("old")], "7"), Refused(410, "too old"), Refused(404, "not found"))
    assert followed.names == []
    assert followed.follower.problem == "the cluster serves no v1 Namespace"
    assert followed.follower.stale(MAX_AGE) is None


def test_a_custom_kind_without_definition_is_as_old_as_the_definitions(clock: Clock) -> None:
    nothing: Any = None
    definitions = Follower(CUSTOM_RESOURCE_DEFINITION, Picture(), nothing, None, nothing)
    widgets = Follower(WIDGET, definitions.picture, nothing, definitions, nothing, confirmed=0.0)
    definitions.synced, definitions.confirmed = True, clock.time
    asyncio.run(widgets._round())
    assert (widgets.age, widgets.synced) == (0, True)
    clock.time += 40
    asyncio.run(widgets._round())
    stale = widgets.stale(MAX_AGE)
    assert stale is not None
    assert stale.age == 40
