"""`gatekeeper serve` as a process of its own: real policies, real TLS, real signals."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatekeeper_py.pki.development import CLIENT_NAME, make_certificates
from tests.cli.support import POLICIES, run, write
from tests.webhook.support import pod_review


@dataclass
class Process:
    """A running server."""

    process: subprocess.Popen[bytes]
    log: Path
    authority: Path

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The events of one name, so far."""
        whole = self.log.read_text().rpartition("\n")[0]
        return [line for text in whole.splitlines() if (line := json.loads(text))["event"] == event]

    def client(self, certificate: tuple[Path, Path] | None = None) -> httpx.Client:
        (listening,) = self.lines("listening")
        trust = ssl.create_default_context(cafile=str(self.authority))
        if certificate is not None:
            trust.load_cert_chain(*certificate)
        return httpx.Client(base_url=f"https://localhost:{listening['port']}", verify=trust, timeout=20)


@contextlib.contextmanager
def serving(folder: Path, policies: Path, *arguments: str | Path) -> Iterator[Process]:
    with starting(folder, policies, *arguments) as server:
        eventually(lambda: bool(server.lines("listening")) or server.process.poll() is not None)
        yield server


@contextlib.contextmanager
def starting(folder: Path, policies: Path, *arguments: str | Path) -> Iterator[Process]:
    made = make_certificates(folder / "certs")
    command: list[str | Path] = [
        *(sys.executable, "-m", "gatekeeper_py", "serve", "--policies", policies, "--port", "0"),
        *("--tls-cert", made.certificate, "--tls-key", made.key, *arguments),
    ]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output)
    try:
        yield Process(process, log, made.authority)
    finally:
        process.terminate()
        process.wait(30)


def eventually(condition: Callable[[], bool], pause: float = 0.05) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(pause)


def answer(http: httpx.Client, path: str, **spec: Any) -> dict[str, Any]:
    review = pod_review()
    review["request"]["object"]["spec"] = {"containers": [{"name": "c", "image": "nginx:1"}], **spec}
    response: dict[str, Any] = http.post(path, json=review).json()["response"]
    return response


def test_it_mutates_validates_follows_edits_and_ends_on_sigterm(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    with serving(tmp_path, policies) as server, server.client() as http:
        assert answer(http, "/mutate")["patchType"] == "JSONPatch"
        assert "patch" not in answer(http, "/validate")
        assert answer(http, "/validate", hostNetwork=True)["status"]["code"] == 403

        write(policies, all=POLICIES.replace("spec.?hostNetwork", "spec.?hostPID"))
        eventually(lambda: bool(answer(http, "/validate", hostNetwork=True)["allowed"]))
        assert answer(http, "/validate", hostPID=True)["allowed"] is False

        write(policies, all=POLICIES.replace("spec.?hostNetwork", "spec.?hostNetwork +"))
        eventually(lambda: bool(http.get("/readyz").json()["problems"]))
        (problem,) = http.get("/readyz").json()["problems"]
        assert problem.startswith(f"{policies}/all.yaml:31:38: ")
        refusal = "edit refused, the last good policies stay in force"
        eventually(lambda: bool(server.lines(refusal)))
        (refused,) = server.lines(refusal)
        assert refused["problem"].startswith(f"{policies}/all.yaml:31:38: ")
        assert answer(http, "/validate", hostPID=True)["allowed"] is False

        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0


def test_sighup_reloads_policies_and_certificate_at_once(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    with serving(tmp_path, policies) as server, server.client() as http:
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(server.lines("policies loaded")) == 2)
        assert len(server.lines("reload asked")) == len(server.lines("certificate loaded")) == 1
        assert answer(http, "/validate", hostNetwork=True)["status"]["code"] == 403

        (policies / "all.yaml").unlink()
        server.process.send_signal(signal.SIGHUP)
        refusal = "edit refused, the last good policies stay in force"
        eventually(lambda: bool(server.lines(refusal)))
        assert answer(http, "/validate", hostNetwork=True)["status"]["code"] == 403


def test_sighup_before_it_serves_ends_nothing_and_reloads_as_soon_as_it_does(tmp_path: Path) -> None:
    with starting(tmp_path, write(tmp_path / "policies", all=POLICIES)) as server:
        eventually(lambda: bool(server.lines("policies loaded")), pause=0.001)

        def reloads() -> bool:
            server.process.send_signal(signal.SIGHUP)
            return bool(server.lines("reload asked"))

        eventually(reloads, pause=0.001)
        assert server.process.poll() is None


FEW = 64
"""File descriptors: far fewer than there are callers."""


def test_few_file_descriptors_stop_neither_decisions_nor_edits(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    with serving(tmp_path, policies) as server, contextlib.ExitStack() as callers:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (FEW, FEW))
        (listening,) = server.lines("listening")
        for _ in range(2 * FEW):
            callers.enter_context(socket.create_connection(("127.0.0.1", listening["port"])))
        for _ in range(FEW // 2):
            caller = callers.enter_context(server.client())
            assert answer(caller, "/validate", hostNetwork=True)["status"]["code"] == 403

        write(policies, all=POLICIES.replace("spec.?hostNetwork", "spec.?hostPID"))
        with server.client() as http:
            eventually(lambda: bool(answer(http, "/validate", hostNetwork=True)["allowed"]))
            assert answer(http, "/validate", hostPID=True)["allowed"] is False


def test_an_edit_of_the_cluster_is_followed(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: foo, labels: {closed: 'false'}}}"
    cluster = write(tmp_path / "cluster", foo=namespace)
    review = pod_review(
        kind={"group": "", "version": "v1", "kind": "ConfigMap"},
        resource={"group": "", "version": "v1", "resource": "configmaps"},
    )
    with serving(tmp_path, policies, "--cluster", cluster) as server, server.client() as http:
        assert http.post("/validate", json=review).json()["response"]["allowed"] is True
        write(cluster, foo=namespace.replace("false", "true"))
        eventually(lambda: not http.post("/validate", json=review).json()["response"]["allowed"])


@contextlib.contextmanager
def muted(folder: Path, output: str) -> Iterator[httpx.Client]:
    """A server whose standard output is what the shell makes of it; it listens on a port that was free."""
    made = make_certificates(folder / "certs")
    policies = write(folder / "policies", all=POLICIES)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    serve = f"exec {sys.executable} -m gatekeeper_py serve --policies {policies} --port {port} "
    serve += f"--tls-cert {made.certificate} --tls-key {made.key} {output}"
    trust = ssl.create_default_context(cafile=str(made.authority))
    with (
        subprocess.Popen(["sh", "-c", serve], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
        httpx.Client(base_url=f"https://localhost:{port}", verify=trust, timeout=20) as http,
    ):
        try:
            eventually(lambda: answers(http))
            yield http
        finally:
            process.terminate()


def answers(http: httpx.Client) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return http.get("/healthz").status_code == 200
    return False


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (">&-", "Bad file descriptor"),
        (">/dev/full", "No space left on device"),
        ("", ""),
    ],
    ids=["closed", "full", "stalled"],
)
def test_no_output_stops_decisions(tmp_path: Path, output: str, problem: str) -> None:
    """A stalled one is a pipe that nobody reads: 64 KiB fill it, which takes some hundred decisions."""
    with muted(tmp_path, output) as http:
        for _ in range(200):
            assert answer(http, "/validate", hostNetwork=True)["status"]["code"] == 403
        assert http.get("/healthz").text == "ok"
        eventually(lambda: bool(http.get("/readyz?verbose").json()["log"]["problem"]))
        told = http.get("/readyz?verbose").json()["log"]
        assert problem in told["problem"]
        assert (told["dropped"] > 0) is bool(problem)
        assert f"gatekeeper_log_dropped_lines_total {told['dropped']}" in http.get("/metrics").text


def test_bad_policies_at_the_start_are_exit_code_2(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "certs")
    policies = write(tmp_path / "policies", a="a:\n\tb: 1\n")
    result = run("serve", "--policies", policies, "--tls-cert", made.certificate, "--tls-key", made.key)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{policies}/a.yaml:2:1: a tab where YAML wants spaces. Indent with spaces\n",
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--tls-cert", "CERT", "--tls-key", "/missing"], "/missing: No such file or directory\n"),
        (["--tls-cert", "CERT", "--tls-key", "CERT"], "CERT, CERT: not a certificate and its key ("),
        (
            ["--tls-cert", "CERT", "--tls-key", "KEY", "--cluster", "x", "--kubeconfig", "y"],
            "--cluster and --kubeconfig exclude each other: name one\n",
        ),
        (["--tls-cert", "CERT", "--tls-key", "KEY", "--kubeconfig", "/missing"], "/missing: "),
        (
            ["--tls-cert", "CERT", "--tls-key", "KEY", "--host", "203.0.113.7"],
            "--host 203.0.113.7 --port 8443: ",
        ),
        (
            ["--tls-cert", "CERT", "--tls-key", "KEY", "--client-ca", "/missing"],
            "/missing: No such file or directory. "
            "--client-ca is the PEM certificate of the CA that signs the callers' certificates\n",
        ),
        (
            ["--tls-cert", "CERT", "--tls-key", "KEY", "--client-ca", "KEY"],
            "KEY: is no PEM certificate. "
            "--client-ca is the PEM certificate of the CA that signs the callers' certificates\n",
        ),
        (
            ["--tls-cert", "CERT", "--tls-key", "KEY", "--client-name", "x"],
            "--client-name needs --client-ca: a name is worth what its CA is\n",
        ),
        (
            ["--tls-cert", "CERT", "--tls-key", "KEY", "--port", "7443", "--health-port", "7443"],
            "--health-port 7443: is --port, too. Name another\n",
        ),
    ],
)
def test_what_cannot_be_served_is_exit_code_2(tmp_path: Path, arguments: list[str], error: str) -> None:
    made = make_certificates(tmp_path / "certs")
    names = {"CERT": str(made.certificate), "KEY": str(made.key)}
    policies = write(tmp_path / "policies", all=POLICIES)
    result = run("serve", "--policies", policies, *(names.get(word, word) for word in arguments))
    assert result.exit_code == 2
    for word, name in names.items():
        error = error.replace(word, name)
    assert result.stderr == error if error.endswith("\n") else result.stderr.startswith(error)


def test_a_health_port_that_is_taken_is_named(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "certs")
    policies = write(tmp_path / "policies", all=POLICIES)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ("--tls-cert", made.certificate, "--tls-key", made.key, "--port", "0")
        result = run("serve", "--policies", policies, *arguments, "--health-port", str(port))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"--host 127.0.0.1 --health-port {port}: Address already in use")


def test_with_a_client_authority_only_the_right_name_is_served(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "certs")
    policies = write(tmp_path / "policies", all=POLICIES)
    demanded = ("--client-ca", made.authority, "--client-name", CLIENT_NAME, "--health-port", "0")
    with serving(tmp_path, policies, *demanded) as server:
        with server.client() as stranger, pytest.raises(httpx.TransportError):
            stranger.post("/validate", json=pod_review())
        with server.client((made.client, made.client_key)) as http:
            assert answer(http, "/validate")["allowed"] is True
        (listening,) = server.lines("listening")
        assert httpx.get(f"http://127.0.0.1:{listening['health_port']}/readyz").json()["ready"] is True
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0


def family(pid: int) -> list[int]:
    """A process and its children."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, text.split())]


@contextlib.contextmanager
def serving_by_three(folder: Path) -> Iterator[tuple[Process, list[int]]]:
    policies = write(folder / "policies", all=POLICIES)
    with serving(folder, policies, "--workers", "3") as server:
        eventually(lambda: len(family(server.process.pid)) == 3)
        with server.client() as http:
            eventually(lambda: http.get("/readyz?verbose").json()["workers"]["answering"] == 3)
        yield server, family(server.process.pid)


def is_there(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_workers_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    with serving_by_three(tmp_path) as (server, (_, *workers)):
        server.process.kill()
        eventually(lambda: not any(map(is_there, workers)))


def test_all_that_three_decide_is_logged_and_counted_once(tmp_path: Path) -> None:
    with serving_by_three(tmp_path) as (server, pids), contextlib.ExitStack() as opened:
        callers = [opened.enter_context(server.client()) for _ in range(9)]
        for http in callers * 3:
            assert answer(http, "/validate", hostNetwork=True)["status"]["code"] == 403
        assert len({http.get("/statusz").json()["workers"]["answering"] for http in callers}) == 1
        counted = 'gatekeeper_webhook_review_duration_seconds_count{webhook="validate"} 27.0'
        assert all(counted in http.get("/metrics").text for http in callers)
        os.kill(pids[1], signal.SIGTERM)  # it is for the server to say when it is over
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    assert len(server.lines("decision")) == 27
    assert not any(map(is_there, pids))


def test_without_a_server_that_answers_them_workers_say_that_they_are_not_well(tmp_path: Path) -> None:
    with serving_by_three(tmp_path) as (server, _), contextlib.ExitStack() as opened:
        callers = [opened.enter_context(server.client()) for _ in range(6)]
        for http in callers:
            answer(http, "/validate")
        server.process.send_signal(signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(len(callers)) as together:  # each waits for seconds
                told = [asked for asked in together.map(of_a_worker, callers) if asked is not None]
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert {(each.status_code, each.text) for each in told} == {
            (503, "the server does not answer its workers\n")
        }


def of_a_worker(http: httpx.Client) -> httpx.Response | None:
    """What a worker says of its health; nothing of the server that was stopped."""
    try:
        return http.get("/healthz", timeout=6)
    except httpx.TimeoutException:
        return None
