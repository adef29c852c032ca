"""`python -m tests.benchmarks.webhook.tenants [WORD...]`: what one tenant can take from the others, by direct calls.

For each payload: how long another tenant's small reviews take while ten callers send it at once, against quiet;
how much memory server and children take together; and whether it is back within a minute.
The bars: 512 MiB, three times the quiet p99, and what there was before plus a tenth.

Attackers and children have the same processors as the server and the other tenant here. So for each payload there is
a second figure: how long the reviews take while processes that ask nothing take as much of them (`burn`).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read
from gatekeeper_py.policy.admission.admission_review import render_request
from tests.benchmarks.engine.requests import requests_to
from tests.benchmarks.webhook.attack import CONNECTIONS
from tests.benchmarks.webhook.payloads import PAYLOADS, creation, update
from tests.benchmarks.webhook.process import ROOT, Process, cpu_seconds, serving
from tests.webhook.hostile import hostile

SECONDS = 12.0
"""Of each attack."""
PACE = 0.02
"""Seconds between two reviews of the other tenant."""
BACK_SECONDS = 60
NO_BODY = "-"
SHORT = ("a custom resource of secrets", "depth in [", "a pod's tolerations", "labels")
"""Reviews that the event loop tries to decide itself."""


@dataclass
class Watch:
    """Another tenant's latencies and the server's memory during an attack."""

    latencies: list[float] = field(default_factory=list)
    peak: float = 0.0
    answers: str = ""
    share: float = 0.0
    """What the attackers took of a processor."""

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return statistics.quantiles(self.latencies, n=100)[-1] * 1000


def main(chosen: Sequence[str]) -> None:
    """Measure and print."""
    cluster = ROOT / "examples/cluster"
    requests = requests_to(Snapshot.of(read([cluster])))
    victim = orjson.dumps(render_request(requests["CREATE Pod"])).replace(b'"foo"', b'"bar"')
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--cluster", cluster) as server:
        for _ in range(2):  # the first warms up
            quiet = watched(server, victim, None)
        print(f"{'quiet':42} p99 {quiet.p99:6.1f} ms, {quiet.peak:4.0f} MiB", flush=True)
        for name, body in attacks(Path(folder)):
            if not chosen or any(word in name for word in chosen):
                seen = watched(server, victim, body)
                back, left = _until_back(server, quiet.peak)
                busy = watched(server, victim, None, burning=seen.share)
                print(
                    f"{name:42} p99 {seen.p99:6.1f} ms ({seen.p99 / quiet.p99:.1f} x quiet, "
                    f"{seen.p99 / busy.p99:.1f} x busy's {busy.p99:.1f}), at most {seen.peak:4.0f} MiB, "
                    f"{left:4.0f} MiB after {back:2.0f} s, {seen.answers}",
                    flush=True,
                )


def attacks(folder: Path) -> Iterator[tuple[str, str]]:
    """Each attack's name, and the file that holds what is sent."""
    file = folder / "body"
    for name, spec in PAYLOADS.items():
        for review in (creation, update):
            file.write_bytes(review(spec()))
            yield f"{review.__name__}: {name}", str(file)
    short = dict(hostile())
    for name in SHORT:
        file.write_bytes(short[name])
        yield f"short: {name}", str(file)
    file.write_bytes(b"[" + b"{}," * 2_300_000 + b"{}]")
    yield "no review: empty objects", str(file)
    yield f"{CONNECTIONS} idle connections", NO_BODY


def watched(server: Process, victim: bytes, body: str | None, burning: float = 0.0) -> Watch:
    """What another tenant sees of an attack that goes on for a while, or of a machine that is as busy."""
    watch, stop = Watch(), threading.Event()
    sampling = threading.Thread(target=_sample, args=(server, stop, watch))
    sampling.start()
    with _attacked(server, watch, body), _busy(burning):
        client = server.client()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            started = time.perf_counter()
            code, _ = client.ask("validate", victim)
            watch.latencies.append(time.perf_counter() - started)
            assert code == 200, code
            time.sleep(PACE)
    stop.set()
    sampling.join()
    return watch


@contextmanager
def _attacked(server: Process, watch: Watch, body: str | None) -> Iterator[None]:
    if body is None:
        yield
        return
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.webhook.attack",
        str(server.port),
        server.authority,
        body,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as attacking:
        time.sleep(2)  # until it has begun
        before, started = cpu_seconds(attacking.pid), time.monotonic()
        yield
        watch.share = (cpu_seconds(attacking.pid) - before) / (time.monotonic() - started)
        watch.answers = attacking.communicate()[0].decode().strip()


@contextmanager
def _busy(share: float) -> Iterator[None]:
    if not share:
        yield
        return
    command = [sys.executable, "-m", "tests.benchmarks.webhook.burn", str(share)]
    with subprocess.Popen(command, cwd=ROOT) as burning:
        yield
        burning.kill()


def _sample(server: Process, stop: threading.Event, watch: Watch) -> None:
    while not stop.wait(0.05):
        watch.peak = max(watch.peak, server.together)


def _until_back(server: Process, before: float) -> tuple[float, float]:
    """Seconds until the memory is back, a minute at most, and the MiB that are left."""
    started = time.monotonic()
    while server.together > before * 1.1 and time.monotonic() - started < BACK_SECONDS:
        time.sleep(0.5)
    return time.monotonic() - started, server.together


if __name__ == "__main__":
    main(sys.argv[1:])
