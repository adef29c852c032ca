"""`python -m tests.benchmarks.webhook [WORD...]`: what a review costs over TLS, as a multiple of what answering costs.

Beside ours runs a server that reads and answers and evaluates nothing (`empty`), in the same run and in turns,
so that what else the machine does weighs on both. Processor time is the server's own; ratios are medians.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read
from gatekeeper_py.policy.admission.admission_review import render_request
from tests.benchmarks.engine.requests import requests_to
from tests.benchmarks.webhook.load import Measured, measure, wrk
from tests.benchmarks.webhook.process import ROOT, Process, empty, serving
from tests.shared import SHARED

CONNECTIONS = (1, 8, 64)
ROUNDS = 3
SECONDS = 2.0
CLUSTER = ROOT / "examples/cluster"
SPEED = SHARED / "corpora/speed"


@dataclass(frozen=True)
class Case:
    """One review, and the server that is asked about it."""

    name: str
    server: Process
    door: str
    body: bytes


def main(chosen: Sequence[str]) -> None:
    """Measure and print."""
    wrk()
    with ExitStack() as running:
        folders = (Path(running.enter_context(tempfile.TemporaryDirectory())) for _ in iter(int, 1))
        nothing = running.enter_context(empty(next(folders)))
        for case in _cases(running, folders):
            if not chosen or any(word in case.name for word in chosen):
                for connections in CONNECTIONS:
                    _print(case, nothing, connections)
                print(f"{'':30} resident: {case.server.resident:.0f} MiB", flush=True)


def _cases(running: ExitStack, folders: Iterator[Path]) -> Iterator[Case]:
    shipped = running.enter_context(serving(next(folders), "--cluster", CLUSTER))
    for name, request in requests_to(Snapshot.of(read([CLUSTER]))).items():
        body = orjson.dumps(render_request(request))
        for door in ("validate", "mutate"):
            yield Case(f"all policies, {name}", shipped, door, body)
    if not SPEED.is_dir():
        print(f"{SPEED} is not there: nothing else is measured")
        return
    for door in ("validate", "mutate"):
        yield Case("all policies, corpus", shipped, door, (SPEED / f"review-all-{door}.json").read_bytes())
    cluster = next(folders) / "namespace.yaml"
    cluster.write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    few = serving(next(folders), "--cluster", cluster, policies=SPEED / "kyverno17.yaml")
    body = (SPEED / "review-17.json").read_bytes()
    yield Case("17 expressions", running.enter_context(few), "validate", body)


def _print(case: Case, nothing: Process, connections: int) -> None:
    def run(server: Process) -> Measured:
        return measure(server, case.door, case.body, connections, SECONDS)

    run(case.server)  # warms up
    pairs = [(run(nothing), run(case.server)) for _ in range(ROUNDS)]
    cost = statistics.median(ours.cpu / theirs.cpu for theirs, ours in pairs)
    rate = statistics.median(ours.rate / theirs.rate for theirs, ours in pairs)
    theirs, ours = min((pair[0] for pair in pairs), key=_cpu), min((pair[1] for pair in pairs), key=_cpu)
    print(
        f"{case.name:30} {case.door:8} {connections:2} connections: {ours.cpu * 1e6:4.0f} us a review, "
        f"{cost:4.2f} times the empty server's {theirs.cpu * 1e6:3.0f}; {ours.rate:5.0f} a second, "
        f"{rate:4.2f} of its {theirs.rate:5.0f}; p50 {ours.half * 1e3:5.2f} ms, p99 {ours.most * 1e3:6.2f} ms",
        flush=True,
    )


def _cpu(measured: Measured) -> float:
    return measured.cpu


if __name__ == "__main__":
    main(sys.argv[1:])
