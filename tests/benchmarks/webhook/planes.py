"""`python -m tests.benchmarks.webhook.planes`: what a tenant notices of another's API server that is slow, hangs, is gone.

Real API servers, one of foo's own and one of bar's, and one engine for both. Bar's reviews are sent one after another,
while foo's API server is well, answers late, stands still (SIGSTOP), is gone (SIGKILL), is well: in turns, so that what
else the machine does weighs on all. The first is what the others are compared with, the last says what noise there is.

The bar: bar's 99th percentile stays within 20 %, beyond noise.
"""

from __future__ import annotations

import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from examples.demo import policies_in
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read
from gatekeeper_py.policy.admission.admission_review import render_request
from tests.benchmarks.engine.requests import requests_to
from tests.benchmarks.webhook.process import ROOT, Client, Process, serving
from tests.e2e.blackhole import Way
from tests.e2e.conftest import CLASSES, namespace
from tests.e2e.harness import ADMIN, Component, ControlPlane, Unavailable, control_plane, wait_for

ROUNDS = 5
SECONDS = 8.0
SETTLE = 4.0
"""Seconds of a trouble before it is measured: the engine has to notice it."""
PACE = 0.004
DELAY = 3.0
CLUSTER = ROOT / "examples/cluster"


@dataclass
class Seen:
    """What one state costs bar, in all rounds."""

    halves: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Seconds of the engine's processors a review, with what goes on beside."""


def main() -> None:
    """Measure and print."""
    with ExitStack() as running:
        try:
            foo, bar = (running.enter_context(control_plane(controllers=False)) for _ in range(2))
        except Unavailable as error:
            raise SystemExit(f"{error}: nothing was measured") from error
        for each in (foo, bar):
            each.kubectl().apply(*CLASSES, *map(namespace, ("foo", "bar")))
        way = Way(int(foo.url.rpartition(":")[2]))
        running.callback(way.close)
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        server = running.enter_context(_engine(folder, foo, bar, way))
        _tell(measured(server, foo, way))


@contextmanager
def _engine(folder: Path, foo: ControlPlane, bar: ControlPlane, way: Way) -> Iterator[Process]:
    policies = policies_in(folder)
    servers = {"foo": (foo, f"https://127.0.0.1:{way.port}"), "bar": (bar, bar.url)}
    for name, (plane, server) in servers.items():
        document = _document(name, plane.kubeconfig(ADMIN), server)
        (policies / f"plane-{name}.yaml").write_bytes(orjson.dumps(document))
    options = ("--cluster", CLUSTER, "--workers", "1")
    with serving(folder, *options, policies=policies) as engine:
        with closing(engine.client().connection) as connection:

            def both_open() -> bool:
                connection.request("GET", "/statusz")
                told = orjson.loads(connection.getresponse().read())
                return [each["open"] for each in told["controlPlanes"]] == [True, True]

            wait_for("both control planes", both_open)
        yield engine


def _document(name: str, kubeconfig: Path, server: str) -> dict[str, object]:
    return {
        "apiVersion": "tenancy.gatekeeper-py.dev/v1alpha1",
        "kind": "ControlPlane",
        "metadata": {"name": name},
        "spec": {
            "tenant": name,
            "kubeconfig": {"file": str(kubeconfig)},
            "server": server,
            "registration": "none",
        },
    }


def measured(server: Process, foo: ControlPlane, way: Way) -> dict[str, Seen]:
    """Bar's reviews in each state of foo's."""
    states: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "well": nullcontext,
        "slow": lambda: way.slow(DELAY),
        "hanging": lambda: _hanging(foo),
        "gone": lambda: _gone(foo),
        "well again": nullcontext,
    }
    seen = {name: Seen() for name in states}
    body = orjson.dumps(render_request(requests_to(Snapshot.of(read([CLUSTER])))["CREATE Pod"]))
    client = server.client()
    _ask(client, body, SETTLE)
    for _ in range(ROUNDS):
        for name, state in states.items():
            with state():
                _ask(client, body, SETTLE)
                before = server.cpu_seconds
                found = _ask(client, body, SECONDS)
                seen[name].cpu.append((server.cpu_seconds - before) / len(found))
            seen[name].halves.append(statistics.median(found))
            seen[name].most.append(statistics.quantiles(found, n=100)[-1])
    return seen


def _ask(client: Client, body: bytes, seconds: float) -> list[float]:
    """How long bar's reviews take, in seconds."""
    found: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        code, answer = client.ask("t/bar/mutate", body)
        found.append(time.perf_counter() - begun)
        assert code == 200
        assert b'"allowed":true' in answer, answer
        time.sleep(PACE)
    return found


def _api_server(plane: ControlPlane) -> Component:
    (found,) = [each for each in plane.components if each.name == "kube-apiserver"]
    return found


@contextmanager
def _hanging(plane: ControlPlane) -> Iterator[None]:
    process = _api_server(plane).process
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def _gone(plane: ControlPlane) -> Iterator[None]:
    component = _api_server(plane)
    component.process.kill()
    component.process.wait()
    try:
        yield
    finally:
        component.process = Component.start(_command(component), component.log).process
        component.await_ready(plane.ready)


def _command(component: Component) -> list[str]:
    assert isinstance(component.process.args, list)
    return [str(each) for each in component.process.args]


def _tell(seen: dict[str, Seen]) -> None:
    well = seen["well"]
    for name, state in seen.items():
        half, most, cpu = (
            statistics.median(this / that for this, that in zip(mine, theirs, strict=True))
            for mine, theirs in (
                (state.halves, well.halves),
                (state.most, well.most),
                (state.cpu, well.cpu),
            )
        )
        print(
            f"foo's API server {name:10}: bar's reviews median {min(state.halves) * 1000:5.2f} ms ({half:4.2f} x), "
            f"p99 {min(state.most) * 1000:5.2f} ms ({most:4.2f} x), processor {min(state.cpu) * 1000:5.2f} ms ({cpu:4.2f} x)",
            flush=True,
        )


if __name__ == "__main__":
    main()
