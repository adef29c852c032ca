"""A real control plane on free ports of 127.0.0.1: etcd, kube-apiserver, kube-controller-manager.

The binaries come from KUBEBUILDER_ASSETS (the envtest convention), or are built by `controlplane/build`.
Nodes, schedulers and kubelets do not run: pods stay Pending.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

HERE = Path(__file__).parent
START_SECONDS = 60
"""How long a component may take to answer. Measured: 1 s etcd, 5 s kube-apiserver."""
POLL_SECONDS = 0.1
BUILD_SECONDS = 1800
"""Measured: 7 minutes on 2 cores the first time, nothing afterwards."""
BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


INNER_ADDRESS = "10.0.0.1"
"""The address of the Service `kubernetes`: the first of its range. Pods reach the API server there."""


class Unavailable(Exception):
    """There are no binaries of a control plane here, and no way to make them."""


class StartError(Exception):
    """A component did not come up; the message holds the end of its log."""


@dataclass(frozen=True)
class User:
    """Who may log in: a line of the API server's token file."""

    name: str
    groups: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        return f"token-of-{self.name}"

    @property
    def line(self) -> str:
        return f'{self.token},{self.name},{self.name},"{",".join(self.groups)}"'


ADMIN = User("admin", ("system:masters",))
CONTROLLERS = User("system:kube-controller-manager", ("system:masters",))
ALICE = User("alice", ("team-foo",))
BOB = User("bob", ("team-bar",))
GATEKEEPER = User(
    "system:serviceaccount:gatekeeper-system:gatekeeper",
    ("system:serviceaccounts", "system:serviceaccounts:gatekeeper-system"),
)
"""The webhook server as its Deployment would run: with no rights but those of webhooks/rbac.yaml."""
USERS = (ADMIN, CONTROLLERS, ALICE, BOB, GATEKEEPER)


def assets() -> Path:
    """The folder of the four binaries; builds them when KUBEBUILDER_ASSETS is unset and Go is there."""
    if folder := os.environ.get("KUBEBUILDER_ASSETS"):
        return _complete(Path(folder))
    if shutil.which("go") is None:
        raise Unavailable("neither KUBEBUILDER_ASSETS nor Go: no kube-apiserver to test against")
    build = HERE / "controlplane" / "build"
    built = subprocess.run([build], stdout=subprocess.PIPE, text=True, timeout=BUILD_SECONDS)
    if built.returncode:
        raise StartError(f"{build} exited with {built.returncode}; what it says above is why")
    return _complete(Path(built.stdout.strip()))


def _complete(folder: Path) -> Path:
    missing = [name for name in BINARIES if not (folder / name).is_file()]
    if missing:
        raise Unavailable(f"KUBEBUILDER_ASSETS={folder} lacks {', '.join(missing)}")
    return folder


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(
    what: str, probe: Callable[[], bool], seconds: float = START_SECONDS, pause: float = POLL_SECONDS
) -> None:
    """Polls until the probe says yes; TimeoutError names what was waited for."""
    deadline = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)


@dataclass
class Component:
    """A child process with its log, stopped by its own id."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, command: Sequence[str | Path], log: Path) -> Component:
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        return cls(Path(command[0]).name, process, log)

    def await_ready(self, probe: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        def ready() -> bool:
            if self.process.poll() is not None:
                raise StartError(f"{self.name} exited with {self.process.returncode}:\n{self.tail()}")
            return probe()

        try:
            wait_for(self.name, ready, seconds)
        except TimeoutError as error:
            self.stop()
            raise StartError(f"{error}\n{self.tail()}") from error

    def tail(self, characters: int = 3000) -> str:
        return self.log.read_text(errors="replace")[-characters:]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=15)


@dataclass
class Kubectl:
    """kubectl as one user."""

    binary: Path
    kubeconfig: Path
    namespace: str = ""

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs it and returns whatever it says, refusals included."""
        command = [str(self.binary), "--kubeconfig", str(self.kubeconfig)]
        if self.namespace:
            command += ["--namespace", self.namespace]
        environment = {"HOME": str(self.kubeconfig.parent), "PATH": os.environ.get("PATH", "")}
        return subprocess.run(
            [*command, *arguments], input=stdin, capture_output=True, text=True, timeout=60, env=environment
        )

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs it, expects success and returns what it printed."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def apply(self, *objects: Mapping[str, object], arguments: Sequence[str] = ()) -> str:
        """`kubectl apply` of objects; fails when one is refused."""
        return self("apply", *arguments, "-f", "-", stdin=_list(objects))

    def refused(self, *objects: Mapping[str, object], arguments: Sequence[str] = ()) -> str:
        """`kubectl apply` of objects that must be refused; returns what kubectl says."""
        done = self.run("apply", *arguments, "-f", "-", stdin=_list(objects))
        assert done.returncode != 0, f"admitted: {done.stdout}"
        return done.stderr

    def get(self, *arguments: str) -> dict[str, object]:
        """One object or list as JSON."""
        found: dict[str, object] = orjson.loads(self("get", *arguments, "-o", "json"))
        return found


def _list(objects: Sequence[Mapping[str, object]]) -> str:
    return orjson.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).decode()


@dataclass
class ControlPlane:
    """A running cluster without nodes."""

    binaries: Path
    folder: Path
    url: str
    certificate: Path
    components: list[Component] = field(default_factory=list)

    def kubeconfig(self, user: User) -> Path:
        """A kubeconfig file with the user's token."""
        path = self.folder / f"{user.name.replace(':', '.')}.kubeconfig"
        path.write_bytes(orjson.dumps(kubeconfig_of(self.url, self.certificate, user)))
        return path

    def kubectl(self, user: User = ADMIN, namespace: str = "") -> Kubectl:
        return Kubectl(self.binaries / "kubectl", self.kubeconfig(user), namespace)

    def get(self, path: str, user: User = ADMIN) -> bytes:
        """GET of a raw path, as `kubectl get --raw`."""
        return self.send("GET", path, user=user)

    def send(self, method: str, path: str, value: object = None, user: User = ADMIN) -> bytes:
        """A plain request; urllib.error.HTTPError when the API server says no."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
        body = json.dumps(value).encode() if value is not None else None  # with integers of any length
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, context=context, timeout=30) as response:
            return bytes(response.read())

    def ready(self) -> bool:
        try:
            return self.get("/readyz") == b"ok"
        except (urllib.error.URLError, OSError):
            return False


def kubeconfig_of(url: str, certificate: Path, user: User) -> dict[str, object]:
    """By which a user with a token speaks to an API server."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "e2e", "cluster": {"server": url, "certificate-authority": str(certificate)}}],
        "users": [{"name": user.name, "user": {"token": user.token}}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": user.name}}],
        "current-context": "e2e",
    }


@contextmanager
def control_plane(
    *,
    controllers: bool = True,
    api_server_flags: Sequence[str] = (),
    controller_flags: Sequence[str] = (),
    users: Sequence[User] = USERS,
    port: int | None = None,
) -> Iterator[ControlPlane]:
    """Starts everything, waits until it answers, and stops it: the API server before etcd, its store.

    `port` is the API server's, a free one unless said.
    """
    binaries = assets()
    with tempfile.TemporaryDirectory(prefix="gatekeeper-e2e-") as name:
        folder = Path(name)
        started: list[Component] = []
        try:
            etcd_url = _start_etcd(binaries, folder, started)
            plane = _start_api_server(
                *(binaries, folder, started, etcd_url, controllers, api_server_flags, users),
                port or free_port(),
            )
            if controllers:
                _start_controllers(plane, controller_flags)
            yield plane
        finally:
            for component in reversed(started):
                component.stop()


def _start_etcd(binaries: Path, folder: Path, started: list[Component]) -> str:
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    flags = {
        "--data-dir": str(folder / "etcd"),
        "--listen-client-urls": client,
        "--advertise-client-urls": client,
        "--listen-peer-urls": peer,
        "--initial-advertise-peer-urls": peer,
        "--initial-cluster": f"default={peer}",
    }
    command: list[str | Path] = [
        binaries / "etcd",
        *(f"{flag}={value}" for flag, value in flags.items()),
        "--unsafe-no-fsync",
    ]
    started.append(Component.start(command, folder / "etcd.log"))
    started[-1].await_ready(lambda: _answers(f"{client}/health"))
    return client


def _answers(url: str) -> bool:
    with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False


def _start_api_server(
    binaries: Path,
    folder: Path,
    started: list[Component],
    etcd_url: str,
    controllers: bool,
    extra: Sequence[str],
    users: Sequence[User],
    port: int,
) -> ControlPlane:
    key, certificate = serving_certificate(folder)
    tokens = folder / "tokens.csv"
    tokens.write_text("".join(f"{user.line}\n" for user in users), encoding="utf-8")
    disabled = "TaintNodesByCondition" if controllers else "TaintNodesByCondition,ServiceAccount"
    flags = {
        "--etcd-servers": etcd_url,
        "--secure-port": str(port),
        "--bind-address": "127.0.0.1",
        "--tls-cert-file": str(certificate),
        "--tls-private-key-file": str(key),
        "--service-account-key-file": str(key),
        "--service-account-signing-key-file": str(key),
        "--service-account-issuer": "https://kubernetes.default.svc",
        "--token-auth-file": str(tokens),
        "--authorization-mode": "Node,RBAC",
        "--service-cluster-ip-range": "10.0.0.0/24",
        "--allow-privileged": "true",
        "--disable-admission-plugins": disabled,
    }
    command: list[str | Path] = [
        binaries / "kube-apiserver",
        *(f"{flag}={value}" for flag, value in flags.items()),
        *extra,
    ]
    started.append(Component.start(command, folder / "kube-apiserver.log"))
    plane = ControlPlane(binaries, folder, f"https://127.0.0.1:{port}", certificate, started)
    started[-1].await_ready(plane.ready)
    return plane


def _start_controllers(plane: ControlPlane, extra: Sequence[str]) -> None:
    port = free_port()
    flags = {
        "--kubeconfig": str(plane.kubeconfig(CONTROLLERS)),
        "--service-account-private-key-file": str(plane.folder / "apiserver.key"),
        "--root-ca-file": str(plane.certificate),
        "--use-service-account-credentials": "true",
        "--leader-elect": "false",
        "--bind-address": "127.0.0.1",
        "--secure-port": str(port),
        "--cert-dir": str(plane.folder),
        "--cluster-signing-cert-file": str(plane.certificate),
        "--cluster-signing-key-file": str(plane.folder / "apiserver.key"),
    }
    binary = plane.binaries / "kube-controller-manager"
    command: list[str | Path] = [binary, *(f"{flag}={value}" for flag, value in flags.items()), *extra]
    plane.components.append(Component.start(command, plane.folder / "kube-controller-manager.log"))
    kubectl = plane.kubectl()
    plane.components[-1].await_ready(
        lambda: kubectl.run("get", "serviceaccount", "default", "-n", "default").returncode == 0
    )


def serving_certificate(folder: Path, more: Iterable[IPv4Address] = ()) -> tuple[Path, Path]:
    """A key and a certificate of its own authority, which also signs service account tokens; for more addresses."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gatekeeper-e2e")])
    now = datetime.datetime.now(datetime.UTC)
    names = [
        *map(x509.DNSName, ("localhost", "kubernetes.default.svc")),
        *map(x509.IPAddress, (IPv4Address("127.0.0.1"), IPv4Address(INNER_ADDRESS), *more)),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = folder / "apiserver.key", folder / "apiserver.crt"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file
