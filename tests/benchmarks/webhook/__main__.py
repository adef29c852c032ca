"""`python -m tests.benchmarks.webhook`: what a review costs over HTTPS against all shipped policies.

Processor time is the server's own: what the machine does beside counts only in the latencies.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from pathlib import Path

import orjson

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read
from gatekeeper_py.policy.admission.admission_review import render_request
from tests.benchmarks.engine.requests import requests_to
from tests.benchmarks.webhook.process import ROOT, Process, serving

CLIENTS = 2
REVIEWS = 3000


def main() -> None:
    """Measure and print."""
    requests = requests_to(Snapshot.of(read([ROOT / "examples/cluster"])))
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "--cluster", ROOT / "examples/cluster") as server,
    ):
        for name, request in requests.items():
            body = orjson.dumps(render_request(request))
            for door in ("mutate", "validate"):
                _measure(server, door, body, REVIEWS // 10)
                cpu, latencies = _measure(server, door, body, REVIEWS)
                print(f"{name:20} {door:9} {cpu * 1e6:7.0f} us of processor a review  {_spread(latencies)}")
        print(f"resident: {server.resident:.0f} MiB")


def _measure(server: Process, door: str, body: bytes, reviews: int) -> tuple[float, list[float]]:
    """Seconds of the server's processor a review, and how long each took."""
    latencies: list[float] = []
    threads = [
        threading.Thread(target=_ask, args=(server, door, body, reviews // CLIENTS, latencies))
        for _ in range(CLIENTS)
    ]
    before = server.cpu_seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (server.cpu_seconds - before) / len(latencies), latencies


def _ask(server: Process, door: str, body: bytes, times: int, latencies: list[float]) -> None:
    client = server.client()
    for _ in range(times):
        started = time.perf_counter()
        code, _answer = client.ask(door, body)
        latencies.append(time.perf_counter() - started)
        assert code == 200, code


def _spread(latencies: list[float]) -> str:
    half, most = statistics.quantiles(latencies, n=100)[49::49]
    return f"p50 {half * 1000:.2f} ms, p99 {most * 1000:.2f} ms"


if __name__ == "__main__":
    main()
