"""Foo's API server is slow, hangs, is killed: what bar notices of it.

What is asserted is wide, for the machine may be busy; what was measured is printed (`pytest -s`). The precise
measurement is `python -m tests.benchmarks.webhook.planes`.
"""

from __future__ import annotations

import os
import signal
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import orjson
import pytest

from tests.e2e.harness import wait_for
from tests.e2e.node.conftest import demo_pod
from tests.e2e.story.stage import Stage, isolates
from tests.e2e.story.tenantplane import POD

Json = dict[str, Any]

SECONDS = 20.0
"""Of each trouble: a watch that says nothing is given up after 8 s, a registration that is looked at every 5."""
DELAY = 3.0
PODS = "/api/v1/namespaces/default/pods?dryRun=All"
MOST_SLOWER, MOST_SECONDS = 3.0, 1.0
"""Times bar's own 99th percentile without trouble, and seconds: beyond both something of foo's is in bar's way."""
TOLD_SECONDS = 60


@contextmanager
def slow(played: Stage) -> Iterator[None]:
    """Each answer takes seconds."""
    with played.planes["foo"].way.slow(DELAY):
        yield


@contextmanager
def hanging(played: Stage) -> Iterator[None]:
    """Its whole sandbox stands still."""
    sandbox = sandbox_of(played, "foo")
    os.kill(sandbox, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(sandbox, signal.SIGCONT)


def sandbox_of(played: Stage, namespace: str) -> int:
    """The process in which gVisor runs a tenant's control plane."""
    known = played.machine.ctr(
        "containers",
        "ls",
        "-q",
        f'labels."io.kubernetes.pod.namespace"=={namespace}',
    ).split()
    tasks = (line.split() for line in played.machine.ctr("tasks", "ls").splitlines()[1:])
    pids = {int(pid) for task, pid, _ in tasks if task in known and POD in labels_of(played, task)}
    return min(pids)


def labels_of(played: Stage, container: str) -> str:
    return played.machine.ctr("containers", "info", container)


@contextmanager
def killed(played: Stage) -> Iterator[None]:
    """For good."""
    played.host.kubectl(namespace="foo")("delete", "pod", POD, "--grace-period=0", "--force")
    yield


TROUBLES: dict[str, Callable[[Stage], AbstractContextManager[None]]] = {
    "slow": slow,
    "hangs": hanging,
    "killed": killed,
}
"""In this order: of what is killed nothing is left."""


@pytest.mark.parametrize("trouble", TROUBLES)
def test_bar_is_served_as_before(played: Stage, trouble: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = latencies(played, SECONDS / 2)
    with TROUBLES[trouble](played):
        during = latencies(played, SECONDS)
        wait_for("it to be told of foo", lambda: bool(stale(played, "foo")), TOLD_SECONDS)
        assert isolates(played.planes["bar"].kubectl)
        assert stale(played, "bar") == []
    after = latencies(played, SECONDS / 2)
    with capsys.disabled():
        print(f"\nfoo's API server {trouble}; bar's creates: {told(during)}; without: {told(before + after)}")
    assert p99(during) < max(MOST_SECONDS, MOST_SLOWER * p99(before + after))


def latencies(played: Stage, seconds: float) -> list[float]:
    """Seconds that bar's creates take, one after another, at its own API server."""
    bar = played.planes["bar"]
    found: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        made = orjson.loads(bar.above.send("POST", PODS, demo_pod(f"p{len(found)}"), bar.administrator))
        found.append(time.perf_counter() - begun)
        assert made["spec"]["runtimeClassName"] == "gvisor"
    return found


def p99(found: list[float]) -> float:
    return statistics.quantiles(found, n=100)[-1]


def told(found: list[float]) -> str:
    half = statistics.median(found)
    return f"{len(found)}, median {half * 1000:.1f} ms, p99 {p99(found) * 1000:.1f} ms"


def stale(played: Stage, name: str) -> list[str]:
    """What the engine says that it knows no more of a control plane."""
    engine = played.engine
    with urllib.request.urlopen(f"{engine.url}/statusz", context=engine.context(), timeout=10) as answer:
        problems = orjson.loads(answer.read())["problems"]
    return [each for each in problems if f"control plane '{name}'" in each and "was last known" in each]
