"""`make demo`: two tenants, good manifests and hostile ones, against the real webhook. No cluster needed.

Makes development certificates in certs/, starts `gatekeeper serve` on the shipped policies, and asks it over
TLS what an API server would ask about every manifest of this folder: the mutating webhook first, then the
validating one about the result. Exit code 0 only if every decision is what the manifest's comment expects.
"""

from __future__ import annotations

import base64
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import jsonpatch
import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper_py.cli.review import name_of
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import Manifest, read
from gatekeeper_py.pki.development import make_certificates
from gatekeeper_py.policy.admission.admission_review import render_request
from gatekeeper_py.policy.admission.changes import changes
from gatekeeper_py.policy.admission.request import OPERATIONS, AdmissionRequest, Operation
from gatekeeper_py.policy.admission.submission import Submission, make_request, make_user, with_object
from gatekeeper_py.policy.admission.text import change_line, printable

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
CLUSTER = EXAMPLES / "cluster"
POLICIES = ROOT / "policies"
TENANCY = EXAMPLES / "tenants"
CERTIFICATES = ROOT / "certs"
LOG = CERTIFICATES / "demo.log"
START_SECONDS = 60

TENANTS = {"foo": "alice", "bar": "bob"}
"""The tenants and who applies their manifests."""

DENIED = re.compile(
    r"(?:ValidatingAdmissionPolicy|policy) '(?P<policy>[^']+)'.*? denied request: (?P<message>.*)"
)
"""The API server's words for a denial, which the webhook uses too."""


@dataclass(frozen=True)
class Example:
    """One file: what is sent, and what must become of it."""

    path: Path
    user: str
    about: str
    allowed: bool
    expected: tuple[str, ...]
    """Texts that are found in what is answered about some object of the file."""
    operation: Operation | None
    subresource: str

    @classmethod
    def read(cls, path: Path, user: str) -> Example:
        """From the comment at the file's head, as README.md describes it."""
        lines = [line[1:] for line in path.read_text().splitlines() if line.startswith("#")]
        about = " ".join(line.strip() for line in lines if not re.match(r" (Expect|Send): |  ", line))
        said = {m[1]: m[2] for line in lines if (m := re.fullmatch(r" (Expect|Send): (.*)", line))}
        operation, _, subresource = said.get("Send", "").partition(" ")
        if said.get("Expect") not in ("allowed", "denied") or operation not in ("", *OPERATIONS):
            raise SystemExit(
                f"{path}: the comment at its head lacks `# Expect: allowed` or `# Expect: denied`"
            )
        expected = tuple(line.strip() for line in lines if line.startswith("   "))
        verb = cast(Operation, operation) if operation else None
        return cls(path, user, about, said["Expect"] == "allowed", expected, verb, subresource)


@dataclass
class Outcome:
    """What the two webhooks together said about one object."""

    request: AdmissionRequest
    allowed: bool
    lines: list[str] = field(default_factory=list)
    """Changed fields, or policies and what they say."""


class Webhooks:
    """Calls the two webhooks as an API server does."""

    def __init__(self, client: httpx.Client, cluster: Snapshot) -> None:
        self.client = client
        self.cluster = cluster

    def submit(self, manifest: Manifest, example: Example) -> Outcome:
        """Mutate, fill in defaults again, validate."""
        user = make_user(example.user, (f"team-{example.path.parts[-3]}",))
        submission = Submission(example.operation, example.subresource, user)
        request = make_request(manifest, self.cluster, submission)
        answer = self._ask("/mutate", request)
        if not answer["allowed"]:
            return Outcome(request, False, _reasons(answer))
        patched = _patched(request.object, answer)
        answer = self._ask("/validate", with_object(request, patched, self.cluster))
        if not answer["allowed"]:
            return Outcome(request, False, _reasons(answer))
        return Outcome(request, True, [change_line(change) for change in changes(request.object, patched)])

    def _ask(self, path: str, request: AdmissionRequest) -> dict[str, Any]:
        reply = self.client.post(f"{path}?timeout=10s", json=render_request(request))
        reply.raise_for_status()
        response: dict[str, Any] = reply.json()["response"]
        if response["uid"] != request.uid:
            raise SystemExit(f"{path} answered about {response['uid']}, not {request.uid}")
        return response


def _patched(value: Any, answer: dict[str, Any]) -> Any:
    if "patch" not in answer:
        return value
    return jsonpatch.apply_patch(value, orjson.loads(base64.b64decode(answer["patch"])))


def _reasons(answer: dict[str, Any]) -> list[str]:
    """Each denial as `policy: message`."""
    status = answer["status"]
    causes = [cause["message"] for cause in status.get("details", {}).get("causes", [])]
    found = [(text, DENIED.match(text)) for text in causes or [status["message"]]]
    return [printable(f"{match['policy']}: {match['message']}" if match else text) for text, match in found]


def policies_in(folder: Path) -> Path:
    """A folder of the shipped policies and the two tenants, made in another."""
    made = shutil.copytree(POLICIES, folder / "policies", dirs_exist_ok=True)
    shutil.copytree(TENANCY, made / "tenants", dirs_exist_ok=True)
    return made


@contextmanager
def server(policies: Path, certificate: Path, key: Path) -> Iterator[int]:
    """`gatekeeper serve` on a free port, which it says in its log; stopped at the end."""
    command: list[str | Path] = [
        *(sys.executable, "-m", "gatekeeper_py", "serve"),
        *("--policies", policies, "--cluster", CLUSTER),
        *("--tls-cert", certificate, "--tls-key", key, "--host", "127.0.0.1", "--port", "0"),
    ]
    with LOG.open("w") as log:
        process = subprocess.Popen(command, stdout=log)
    try:
        yield _port(process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _port(process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in LOG.read_text().splitlines():
            if '"event":"listening"' in line:
                return int(orjson.loads(line)["port"])
        time.sleep(0.05)
    raise SystemExit(f"gatekeeper serve did not start; its log is {LOG}")


def faults(example: Example, outcomes: list[Outcome]) -> list[str]:
    """What is not as the example expects."""
    found = [
        f"{name_of(outcome.request)} is {'allowed' if outcome.allowed else 'denied'}"
        for outcome in outcomes
        if outcome.allowed != example.allowed
    ]
    lines = [line for outcome in outcomes for line in outcome.lines]
    return found + [
        f"no answer has: {text}" for text in example.expected if not any(text in x for x in lines)
    ]


def main() -> int:
    """Apply every example and print what became of it; the exit code."""
    console = Console()
    if not console.is_terminal:
        console.width = 160
    certificates = make_certificates(CERTIFICATES)
    cluster = Snapshot.of(read([CLUSTER]))
    trust = ssl.create_default_context(cafile=str(certificates.authority))
    table = Table("As", "Applied", "Became", "What changed, or who refuses and why", box=box.SIMPLE_HEAD)
    wrong: list[str] = []
    total = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        server(policies_in(Path(folder)), certificates.certificate, certificates.key) as port,
        httpx.Client(base_url=f"https://localhost:{port}", verify=trust, timeout=30) as client,
    ):
        webhooks = Webhooks(client, cluster)
        for example in examples():
            outcomes = [webhooks.submit(manifest, example) for manifest in read([example.path])]
            total += len(outcomes)
            _add(table, example, outcomes)
            wrong += [f"{example.path.relative_to(ROOT)}: {fault}" for fault in faults(example, outcomes)]
    console.print(table)
    for fault in wrong:
        console.print(Text(f"not as expected: {fault}", "bold red"))
    if not wrong:
        console.print(f"All {total} decisions are as expected.", highlight=False)
    return 1 if wrong else 0


def examples() -> list[Example]:
    """All examples, tenant by tenant, good ones first."""
    return [
        Example.read(path, user)
        for tenant, user in TENANTS.items()
        for mood in ("good", "hostile")
        for path in sorted((EXAMPLES / tenant / mood).glob("*.yaml"))
    ]


def _add(table: Table, example: Example, outcomes: list[Outcome]) -> None:
    for number, outcome in enumerate(outcomes):
        verdict = Text("admitted", "green") if outcome.allowed else Text("refused", "bold red")
        about = [Text(example.about, "italic")] if number == 0 else []
        lines = [Text(line) for line in outcome.lines]
        table.add_row(example.user, name_of(outcome.request), verdict, Text("\n").join([*about, *lines]))
    table.add_section()


if __name__ == "__main__":
    sys.exit(main())
