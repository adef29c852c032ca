"""`python -m tests.benchmarks.webhook.attack PORT CA BODY|-`: ten callers, or many idle connections, until told to stop.

A process of its own, so that its work is not counted among the other tenant's latencies more than the machine
makes it. It goes on until its standard input ends, then prints how often it got which answer.
"""

from __future__ import annotations

import contextlib
import http.client
import resource
import socket
import ssl
import sys
import threading
from collections import Counter
from pathlib import Path

import orjson

from tests.benchmarks.webhook.process import Client

CALLERS = 10
CONNECTIONS = 12_000


def main(port: int, authority: str, body: str) -> None:
    """Attack, then tell."""
    trust = ssl.create_default_context(cafile=authority)
    stop, answers = threading.Event(), Counter[str]()
    if body == "-":
        tasks = [threading.Thread(target=_idle, args=(port, trust, stop, answers))]
    else:
        data = Path(body).read_bytes()
        tasks = [
            threading.Thread(target=_call, args=(port, trust, data, stop, answers)) for _ in range(CALLERS)
        ]
    for task in tasks:
        task.start()
    sys.stdin.read()
    stop.set()
    for task in tasks:
        task.join()
    print(orjson.dumps(answers).decode())


def _call(
    port: int, trust: ssl.SSLContext, body: bytes, stop: threading.Event, answers: Counter[str]
) -> None:
    client = Client(http.client.HTTPSConnection("localhost", port, timeout=60, context=trust))
    while not stop.is_set():
        try:
            answers[str(client.ask("validate", body)[0])] += 1
        except OSError as error:
            answers[type(error).__name__] += 1


def _idle(port: int, trust: ssl.SSLContext, stop: threading.Event, answers: Counter[str]) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as kept:
        for _ in range(CONNECTIONS):
            if stop.is_set():
                return
            try:
                plain = kept.enter_context(socket.create_connection(("127.0.0.1", port), 5))
                kept.enter_context(trust.wrap_socket(plain, server_hostname="localhost"))
                answers["connected"] += 1
            except OSError as error:
                answers[type(error).__name__] += 1
        stop.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
