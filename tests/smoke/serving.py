"""`gatekeeper serve` as a process of its own, and three callers: with a certificate, without, and without TLS."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from gatekeeper_py.pki.development import Certificates, make_certificates

START_SECONDS: Final = 60
ANSWER_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Serving:
    """A server on a port of this machine that wants certificates of its callers."""

    port: int
    certificates: Certificates

    def client(self, *, certificate: bool) -> httpx.Client:
        """A caller that trusts the server, and shows a certificate or none."""
        trust = ssl.create_default_context(cafile=str(self.certificates.authority))
        if certificate:
            trust.load_cert_chain(self.certificates.client, self.certificates.client_key)
        return httpx.Client(base_url=f"https://localhost:{self.port}", verify=trust, timeout=30)

    def lets_in(self, *, certificate: bool) -> bool:
        """Whether such a caller gets an answer."""
        with self.client(certificate=certificate) as client:
            try:
                return client.get("/healthz").status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

    def answers_plainly(self) -> bool:
        """Whether HTTP without TLS gets any answer of HTTP."""
        plain = socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS)
        with plain, contextlib.suppress(ConnectionError):
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b"HTTP/" in plain.recv(4096)
        return False


class NotStarted(Exception):
    """The server ended before it listened; the message is what it said last."""


@contextlib.contextmanager
def serving(
    folder: Path, policies: Path, *options: str | Path, libraries: Path | None = None
) -> Iterator[Serving]:
    """Serve until the block ends, with the packages in `libraries` before all others. Raises `NotStarted`."""
    made = make_certificates(folder)
    command = [
        *(sys.executable, "-m", "gatekeeper_py", "serve", "--policies", policies, *options),
        *(
            "--tls-cert",
            made.certificate,
            "--tls-key",
            made.key,
            "--client-ca",
            made.authority,
            "--port",
            "0",
        ),
    ]
    log = folder / "log"
    environment = os.environ | ({} if libraries is None else {"PYTHONPATH": str(libraries)})
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        yield Serving(_port(process, log), made)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        ended = process.poll() is not None
        lines = log.read_text().splitlines()
        for line in lines:
            if '"event":"listening"' in line:
                return int(json.loads(line)["port"])
        if ended:
            raise NotStarted(lines[-1] if lines else f"exit code {process.returncode}")
        time.sleep(0.05)
    raise TimeoutError(f"does not listen after {START_SECONDS} seconds, nor ended; its log is {log}")
