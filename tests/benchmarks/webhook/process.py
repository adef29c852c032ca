"""A server as a process of its own, with its processor time and memory, and clients that ask it."""

from __future__ import annotations

import http.client
import os
import select
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from examples.demo import policies_in
from gatekeeper_py.pki.development import make_certificates

__all__ = ["ROOT", "Client", "Process", "cpu_seconds", "empty", "memory_of", "review_of", "serving"]

ROOT = Path(__file__).parents[3]
START_SECONDS = 60


@dataclass(frozen=True)
class Process:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    health_port: int
    authority: str
    """The file of the certificate by which it is trusted."""

    @property
    def trust(self) -> ssl.SSLContext:
        """A client's TLS context."""
        return ssl.create_default_context(cafile=self.authority)

    @property
    def cpu_seconds(self) -> float:
        """Processor time so far of the server and its workers, of user and system."""
        return sum(map(cpu_seconds, _family(self.process.pid)))

    @property
    def resident(self) -> float:
        """MiB of memory that the server holds."""
        return _memory(self.process.pid, "Rss")

    @property
    def together(self) -> float:
        """MiB that server and children hold, what they share counted once."""
        return memory_of(self.process.pid)

    def client(self) -> Client:
        """A connection of its own."""
        return Client(http.client.HTTPSConnection("localhost", self.port, timeout=60, context=self.trust))


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken so far, of user and system; none where it has just ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def memory_of(pid: int) -> float:
    """MiB that a process and its descendants hold, what they share counted once."""
    return sum(_memory(each, "Pss") for each in _family(pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):  # it has just ended
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _family(int(child))


def _memory(pid: int, field: str) -> float:
    with suppress(OSError):  # the child has just ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
    return 0.0


@dataclass
class Client:
    """One connection that is kept."""

    connection: http.client.HTTPSConnection

    def ask(self, door: str, body: bytes, timeout: str = "10s") -> tuple[int, bytes]:
        """Status and answer; a connection that the server has closed is opened anew."""
        for last in (False, True):
            try:
                self.connection.request("POST", f"/{door}?timeout={timeout}", body)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                self.connection.close()
                if last:
                    raise
        raise AssertionError


@contextmanager
def serving(folder: Path, *options: str | Path, policies: Path | None = None) -> Iterator[Process]:
    """Our server on a free port; its log stays in `folder`.

    Unless other policies are named: what ships and the two example tenants, in `folder/policies`.
    """
    made = make_certificates(folder)
    command: Sequence[str | Path] = [
        *(sys.executable, "-m", "gatekeeper_py", "serve", "--policies", policies or policies_in(folder)),
        *("--tls-cert", made.certificate, "--tls-key", made.key, "--port", "0", "--health-port", "0"),
        *options,
    ]
    with _running(command, folder / "log", str(made.authority)) as process:
        yield process


@contextmanager
def empty(folder: Path) -> Iterator[Process]:
    """The server that evaluates nothing."""
    made = make_certificates(folder)
    command: Sequence[str | Path] = [
        sys.executable,
        "-m",
        "tests.benchmarks.webhook.empty",
        made.certificate,
        made.key,
    ]
    with _running(command, folder / "log", str(made.authority)) as process:
        yield process


@contextmanager
def _running(command: Sequence[str | Path], log: Path, authority: str) -> Iterator[Process]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, cwd=ROOT)
    try:
        ports = _ports(log)
        yield Process(process, ports["port"], ports.get("health_port", 0), authority)
    finally:
        process.terminate()
        process.wait(60)


def _ports(log: Path) -> dict[str, Any]:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        for line in log.read_bytes().splitlines():
            if b'"listening"' in line and line.endswith(b"}"):
                said: dict[str, Any] = orjson.loads(line)
                return said
        select.select([], [], [], 0.1)
    raise TimeoutError(log.read_text())


def review_of(kind: str, plural: str, value: dict[str, Any], **fields: Any) -> bytes:
    """The review of an object's creation in the namespace foo, as the API server orders its fields."""
    group, _, version = value["apiVersion"].rpartition("/")
    named = {"group": group, "version": version, "kind": kind}
    resource = {"group": group, "version": version, "resource": plural}
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": named,
        "resource": resource,
        "requestKind": named,
        "requestResource": resource,
        "name": "web",
        "namespace": "foo",
        "operation": "CREATE",
        "userInfo": {"username": "alice", "groups": ["foo-developers"]},
        "object": value,
        "oldObject": None,
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    }
    review = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request | fields}
    return orjson.dumps(review)
