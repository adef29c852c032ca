"""The real `gatekeeper serve` on 127.0.0.1, registered with the API server under test."""

from __future__ import annotations

import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper_py.pki.development import make_certificates, service_names
from tests.e2e.harness import Component, Kubectl, free_port

READY_SECONDS = 30
COMMAND = (sys.executable, "-m", "gatekeeper_py")


def gatekeeper(*arguments: str | Path, seconds: float = 60) -> str:
    """Runs a command to its end and returns what it prints."""
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Server:
    """`gatekeeper serve`, which can be stopped and started again on its port."""

    policies: Path
    folder: Path
    options: Sequence[str | Path] = ()
    port: int = field(default_factory=free_port)
    process: Component | None = None
    addresses: Sequence[str] = ()
    """Where it is found besides this machine's own address, on which alone it listens unless there are some."""

    @property
    def authority(self) -> Path:
        return self.folder / "certs" / "ca.crt"

    @property
    def client(self) -> tuple[Path, Path]:
        """What an API server shows that has been given a certificate: the certificate and its key."""
        return self.folder / "certs" / "client.crt", self.folder / "certs" / "client.key"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def make_certificates(self) -> None:
        """What there is already is kept."""
        make_certificates(self.folder / "certs", [*service_names(), *self.addresses])

    @property
    def certificate(self) -> Sequence[str | Path]:
        """How it is told what to show."""
        self.make_certificates()
        certificates = self.folder / "certs"
        return ("--tls-cert", certificates / "tls.crt", "--tls-key", certificates / "tls.key")

    def start(self) -> None:
        command = [
            *(*COMMAND, "serve", "--policies", self.policies, "--port", str(self.port)),
            *self.certificate,
            *(("--host", "0.0.0.0") if self.addresses else ()),
            *self.options,
        ]
        self.process = Component.start(command, self.folder / "gatekeeper.log")
        self.process.await_ready(self.ready, READY_SECONDS)

    @property
    def log(self) -> str:
        return (self.folder / "gatekeeper.log").read_text(encoding="utf-8")

    def context(self) -> ssl.SSLContext:
        """How a probe sees it."""
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(*self.client)
        return context

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", context=self.context(), timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """For a while there is no webhook."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def register(self, kubectl: Kubectl) -> None:
        """What an operator does: `gatekeeper install | kubectl apply -f -`."""
        policies = ("--policies", self.policies)
        configurations = gatekeeper("install", "--url", self.url, "--ca", self.authority, *policies)
        kubectl("apply", "-f", "-", stdin=configurations)


@dataclass
class OwnServer(Server):
    """One that keeps its certificates in a Secret and registers itself."""

    host: str = "127.0.0.1"
    register_as: str = ""
    """`service`; its own URL unless it is said."""
    overlap: int = 20

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"

    @property
    def certificate(self) -> Sequence[str | Path]:
        return (
            *("--certificates-secret", "gatekeeper-system/gatekeeper-certificates"),
            *("--rotation-overlap", str(self.overlap), "--host", self.host),
            *("--register", self.register_as or self.url),
        )

    def context(self) -> ssl.SSLContext:
        """As a kubelet probes: it trusts nobody and asks all the same."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
