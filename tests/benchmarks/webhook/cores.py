"""`python -m tests.benchmarks.webhook.cores [WORKERS]`: what several workers answer and take beside one.

Needs wrk, and as many quiet processors as workers and one more for wrk. The bars, for two: at least 1.8 times
the reviews a second, at most 1.4 times the memory, what they share counted once.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import orjson

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read
from gatekeeper_py.policy.admission.admission_review import render_request
from tests.benchmarks.engine.requests import requests_to
from tests.benchmarks.webhook.load import Measured, measure, wrk
from tests.benchmarks.webhook.process import ROOT, Process, serving

__all__ = ["main"]

CLUSTER = ROOT / "examples/cluster"
CONNECTIONS = (8, 64)
ROUNDS = 5
SECONDS = 2.0


def main(workers: int) -> None:
    """Measure both in turns, and print the ratios."""
    wrk()
    body = orjson.dumps(render_request(requests_to(Snapshot.of(read([CLUSTER])))["CREATE Pod"]))
    with ExitStack() as running:
        one, several = (_server(running, number) for number in (1, workers))
        for connections in CONNECTIONS:
            pairs = [tuple(_run(each, body, connections) for each in (one, several)) for _ in range(ROUNDS)]
            rate = statistics.median(more.rate / less.rate for less, more in pairs)
            cpu = statistics.median(more.cpu / less.cpu for less, more in pairs)
            less, more = (max(pair[place].rate for pair in pairs) for place in (0, 1))
            print(
                f"{connections:2} connections: {workers} workers answer {rate:4.2f} times what one does "
                f"({more:5.0f} and {less:5.0f} a second at best), for {cpu:4.2f} times the processor time each",
                flush=True,
            )
        print(
            f"memory: {several.together:4.0f} MiB, {several.together / one.together:4.2f} times one's "
            f"{one.together:4.0f}"
        )


def _server(running: ExitStack, workers: int) -> Process:
    folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
    server = running.enter_context(serving(folder, "--cluster", CLUSTER, "--workers", str(workers)))
    with closing(server.client().connection) as connection:
        for _ in range(600):
            connection.request("GET", "/readyz?verbose")
            if orjson.loads(connection.getresponse().read())["workers"]["answering"] == workers:
                return server
            time.sleep(0.1)
    raise TimeoutError(f"{workers} workers do not answer")


def _run(server: Process, body: bytes, connections: int) -> Measured:
    return measure(server, "validate", body, connections, SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
