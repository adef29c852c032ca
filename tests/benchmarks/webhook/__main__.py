"""`python -m tests.benchmarks.webhook [WORD...]`: what a review costs over TLS, as a multiple of what answering costs.

Beside ours runs a server that reads and answers and evaluates nothing (`empty`), in the same run and in turns,
so that what else the machine does weighs on both. Processor time is the server's own; ratios are medians of the
rounds, times of the best one. Then the stages of each review, without a network (`stages`).

The bars, by processor time a review: the 17 expressions at most 2.5 times the empty server's, all policies at
most 4.5 times to validate and 4.0 to mutate.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read
from gatekeeper_py.policy.admission.admission_review import render_request
from gatekeeper_py.webhook.revision import Loaded, Webhook
from tests.benchmarks.engine.requests import requests_to
from tests.benchmarks.webhook.load import Measured, measure, wrk
from tests.benchmarks.webhook.process import ROOT, Process, empty, serving
from tests.benchmarks.webhook.stages import NEVER, loaded, stages
from tests.shared import SHARED

CONNECTIONS = (1, 8, 64)
ONE = ("--workers", "1")
"""What is measured is one process; several: `tests.benchmarks.webhook.cores`."""
ROUNDS = 3
SECONDS = 2.0
CLUSTER = ROOT / "examples/cluster"
SPEED = SHARED / "corpora/speed"
DOORS: tuple[Webhook, ...] = ("validate", "mutate")


@dataclass(frozen=True)
class Case:
    """One review, and the server that is asked about it."""

    name: str
    server: Process
    loaded: Loaded
    """What the server has loaded."""
    door: Webhook
    body: bytes


def main(chosen: Sequence[str]) -> None:
    """Measure and print."""
    wrk()
    with ExitStack() as running:
        folders = (Path(running.enter_context(tempfile.TemporaryDirectory())) for _ in iter(int, 1))
        nothing = running.enter_context(empty(next(folders)))
        cases = [*_shipped(running, next(folders)), *_corpus(running, next(folders))]
        cases = [case for case in cases if not chosen or any(word in case.name for word in chosen)]
        for case in cases:
            for connections in CONNECTIONS:
                _print(case, nothing, connections)
        print()
        for case in cases:
            taken = stages(case.loaded, case.door, case.body)
            told = ", ".join(f"{name} {seconds * 1e6:.1f}" for name, seconds in taken.items())
            print(
                f"{case.name:30} {case.door:8} {case.server.resident:4.0f} MiB; us by stage: {told}",
                flush=True,
            )


def _shipped(running: ExitStack, folder: Path) -> Iterator[Case]:
    """All policies: what is measured everywhere, and the corpus' reviews where it is."""
    server = running.enter_context(serving(folder, "--cluster", CLUSTER, *ONE))
    policies = loaded(folder / "policies", CLUSTER)
    request = requests_to(Snapshot.of(read([CLUSTER])))["CREATE Pod"]
    mutated = policies.review(request, "mutate", NEVER).object
    for door in DOORS:
        seen = request if door == "mutate" else replace(request, object=mutated)
        yield Case("all policies", server, policies, door, orjson.dumps(render_request(seen)))
        if SPEED.is_dir():
            body = (SPEED / f"review-all-{door}.json").read_bytes()
            yield Case("all policies, corpus", server, policies, door, body)


def _corpus(running: ExitStack, folder: Path) -> Iterator[Case]:
    """The 17 expressions of Kyverno's restricted Pod Security chart."""
    if not SPEED.is_dir():
        print(f"{SPEED} is not there: the 17 expressions are not measured")
        return
    cluster, policies = folder / "namespace.yaml", SPEED / "kyverno17.yaml"
    cluster.write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    server = running.enter_context(serving(folder, "--cluster", cluster, *ONE, policies=policies))
    body = (SPEED / "review-17.json").read_bytes()
    yield Case("17 expressions", server, loaded(policies, cluster), "validate", body)


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
