"""`python -m tests.benchmarks.webhook.soak [REQUESTS [REVIEWS]]`: much that is odd, then much that is not.

First fuzzed requests: no crash, no 5xx, no verdict but the engine's own. Then varied good reviews, no two alike:
the server's memory after the first tenth against that at the end. The bars: 100,000 and nothing; 500,000 and 2 %.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import threading
import time
from collections import Counter
from itertools import islice
from pathlib import Path

from gatekeeper_py.webhook.origin import FromFiles
from tests.benchmarks.webhook.process import ROOT, Process, serving
from tests.webhook.fuzz import requests, varied
from tests.webhook.soundness import complaint

CLIENTS = 2


def main(fuzzed: int, reviewed: int) -> int:
    """Run and print; the number of complaints."""
    cluster = ROOT / "examples/cluster"
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--cluster", cluster) as server:
        started = time.monotonic()
        codes, complaints = _fuzz(server, Path(folder) / "policies", cluster, fuzzed)
        print(f"{fuzzed} fuzzed requests in {time.monotonic() - started:.0f} s: {dict(codes)}")
        print("\n".join(complaints[:20]) or "no complaint", flush=True)
        _review(server, reviewed // 10)
        before, started = server.together, time.monotonic()
        _review(server, reviewed - reviewed // 10)
        after, taken = server.together, time.monotonic() - started
        print(
            f"{reviewed} reviews, the last nine tenths in {taken:.0f} s: {before:.1f} MiB, then {after:.1f} MiB"
        )
        print(f"{(after / before - 1) * 100:+.2f} %")
    return len(complaints)


def _fuzz(server: Process, policies: Path, cluster: Path, count: int) -> tuple[Counter[int], list[str]]:
    review = FromFiles(policies, cluster).load().review
    codes, complaints = Counter[int](), list[str]()
    connection = http.client.HTTPSConnection("localhost", server.port, timeout=60, context=server.trust)
    for request in islice(requests(time.time_ns()), count):
        try:
            connection.request(request.method, request.path, request.body)
            answer = connection.getresponse()
            code, body = answer.status, answer.read()
        except (http.client.HTTPException, OSError) as error:
            connection.close()
            codes[0] += 1
            if server.process.poll() is not None:
                return codes, [*complaints, f"the server ended: {error}"]
            continue
        codes[code] += 1
        if what := complaint(review, request, code, body):
            complaints.append(f"{what}: {request}"[:500])
    return codes, complaints


def _review(server: Process, count: int) -> None:
    threads = [
        threading.Thread(target=_ask, args=(server, seed, count // CLIENTS)) for seed in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ask(server: Process, seed: int, count: int) -> None:
    client = server.client()
    for body in islice(varied(seed + time.time_ns()), count):
        code, _ = client.ask("validate", body)
        assert code == 200, code


if __name__ == "__main__":
    sizes = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*sizes, *(100_000, 500_000)[len(sizes) :]) > 0)
