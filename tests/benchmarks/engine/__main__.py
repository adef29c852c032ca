"""`python -m tests.benchmarks.engine`: what a review costs against all shipped policies.

The bars: a pod's CREATE under 250 us, `references(object)` on a Deployment under 30 us, a request that
matches nothing under 20 us, 60 policies loaded in under a second, an expression compiled in at most 3 ms.
Figures are processor time, the best of several runs; `loop` is a fixed piece of Python, to tell machines apart. The first is
that of reviews one after the other; the second, `cold`, of reviews between which so much memory is read that
the processor's caches hold nothing of them, as between the requests of a server.
"""

from __future__ import annotations

import threading
import timeit
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import thread_time

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.engine import BOTH, Engine, Phase
from gatekeeper_py.manifests.manifest import Manifest, read
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading import load as loading
from gatekeeper_py.policy.sharing.index import FREQUENT, JOINING
from gatekeeper_py.tenancy.references import references
from tests.benchmarks.engine.requests import requests_to, unmatched
from tests.shipped import SHIPPED

ROOT = Path(__file__).parents[3]
RUNS = 60
CALLS = 20
COLD_BYTES = 8 * 2**20
"""More than the caches of one core hold."""


def main() -> None:
    """Measure and print."""
    manifests = loading.read(SHIPPED)
    cluster = Snapshot.of(read([ROOT / "examples/cluster"]))
    engine = _load(manifests, cluster)
    print(f"{'loop':42} {_microseconds(_loop):8.1f} us\n")
    requests = requests_to(cluster)
    for name, request in requests.items():
        _print_review(engine, name, request)
    nothing, deployment = unmatched(requests["CREATE Pod"]), requests["CREATE Deployment"].object or {}
    print(f"{'matches nothing':42} {_microseconds(lambda: engine.review(nothing)):8.1f} us")
    print(f"{'references(Deployment)':42} {_microseconds(lambda: references(deployment, 'foo')):8.1f} us")


def _load(manifests: tuple[Manifest, ...], cluster: Snapshot) -> Engine:
    Engine.load((), cluster)
    started = timeit.default_timer()
    engine = Engine.load(manifests, cluster)
    taken = timeit.default_timer() - started
    count = len(engine.policies.validating) + len(engine.policies.mutating)
    again = min(timeit.repeat(lambda: Engine.load(manifests, cluster), number=1, repeat=3))
    print(f"load {count} policies: {taken:.2f} s, per 60 {taken * 60 / count:.2f} s; again {again:.2f} s")
    return engine


def _print_review(engine: Engine, name: str, request: AdmissionRequest) -> None:
    """Both phases as one, and each as its webhook sees it: validation gets the object as mutated."""
    decision = engine.review(request)
    seen = replace(request, object=decision.object) if request.object is not None else request
    phases: dict[str, tuple[AdmissionRequest, frozenset[Phase]]] = {
        "mutate": (request, frozenset({"mutate"})),
        "validate": (seen, frozenset({"validate"})),
        "both": (request, BOTH),
    }
    verdict = "allowed" if decision.allowed else "denied"
    for phase, (asked, wanted) in phases.items():
        review = partial(engine.review, asked, wanted)
        _ask_often(review)
        taken, cold = _microseconds(review), _cold_microseconds(review)
        print(f"{name + ', ' + verdict:32} {phase:9} {taken:8.1f} us {cold:8.1f} us cold")


def _ask_often(review: Callable[[], object]) -> None:
    """Until its policies are one function, which is written aside."""
    for _ in range(FREQUENT):
        review()
    for thread in threading.enumerate():
        if thread.name == JOINING:
            thread.join()


def _microseconds(run: Callable[[], object]) -> float:
    run()
    return min(timeit.repeat(run, timer=thread_time, number=CALLS, repeat=RUNS)) / CALLS * 1e6


def _cold_microseconds(run: Callable[[], object]) -> float:
    memory = bytearray(COLD_BYTES)
    taken = []
    for _ in range(RUNS * 2):
        memory.count(1)
        started = thread_time()
        run()
        taken.append(thread_time() - started)
    return min(taken) * 1e6


def _loop() -> int:
    total = 0
    for number in range(1000):
        total += number
    return total


if __name__ == "__main__":
    main()
