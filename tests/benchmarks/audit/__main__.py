"""`python -m tests.benchmarks.audit`: what an audit of many objects takes, against all shipped policies.

The bars, on two quiet processors: 10,000 pods of three containers, one in ten violating, in under 6 s and
300 MB; 100,000 objects of a stream in under 300 MB, in every form of report. Memory is the proportional set
size (PSS) of the command and all its workers together, the largest of ten looks a second.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

from gatekeeper_py.cli.reporting import REPORTS
from tests.shipped import POLICIES, TENANTS

ROOT = Path(__file__).parents[3]
FEW, MANY = 10_000, 100_000
VIOLATING = 10
"""One in so many."""


def pods(count: int) -> Iterator[dict[str, Any]]:
    """Pods of the two tenants of examples/."""
    for number in range(count):
        namespace = ("foo", "bar")[number % 2]
        containers = [_container(index) for index in range(3)]
        if number % VIOLATING == 0:
            containers[0]["securityContext"] = {"privileged": True}
        metadata = {"name": f"web-{number}", "namespace": namespace, "labels": {"app": "web"}}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}}


def _container(index: int) -> dict[str, Any]:
    amounts = {"cpu": "100m", "memory": "128Mi"}
    return {
        "name": f"c{index}",
        "image": f"registry.example/app:{index}",
        "env": [{"name": "MODE", "value": "serve"}],
        "ports": [{"name": f"http{index}", "containerPort": 8080 + index}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080 + index}},
        "resources": {"requests": amounts, "limits": dict(amounts)},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def as_json(count: int, output: IO[str]) -> None:
    """One a line."""
    output.writelines(f"{json.dumps(pod)}\n" for pod in pods(count))


def as_yaml(count: int, output: IO[str]) -> None:
    """One a document."""
    yaml.dump_all(pods(count), output, Dumper=yaml.CSafeDumper, explicit_start=True)


LOOK = 0.1
"""Seconds between two looks at memory."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took."""

    seconds: float
    processors: float
    """Seconds of all processors together."""
    memory: int
    """The most bytes at a time, of all its processes together."""
    lines: int
    """Lines that it printed."""


def proportional(process: int) -> int:
    """The proportional set size of a process and all below it, in bytes; what is shared counts once."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0  # it has just ended
    own = next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
    return (own << 10) + sum(map(proportional, map(int, children)))


def taken(command: Sequence[str], path: Path) -> Taken:
    """Run a command with a file as its standard input."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    largest = 0
    with path.open("rb") as stream, tempfile.TemporaryFile() as output:
        running = subprocess.Popen(command, stdin=stream, stdout=output, stderr=subprocess.PIPE, cwd=ROOT)
        while running.poll() is None:
            largest = max(largest, proportional(running.pid))
            time.sleep(LOOK)
        seconds = time.monotonic() - started
        if running.returncode != 1:
            raise SystemExit(running.stderr.read().decode() if running.stderr else "no violation was found")
        output.seek(0)
        lines = sum(1 for _ in output)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processors = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Taken(seconds, processors, largest, lines)


def measure(name: str, path: Path, policies: Path, form: str) -> None:
    """Audit a file as a stream, and print what that took."""
    command = [sys.executable, "-m", "gatekeeper_py", "audit", "--policies", str(policies)]
    command += ["--cluster", str(ROOT / "examples/cluster"), "-f", "-", "-o", form]
    took = taken(command, path)
    print(
        f"{name:22} {form:13} {took.seconds:7.1f} s  processors {took.processors:7.1f} s"
        f"  {took.memory >> 20:5} MiB  {took.lines} lines",
        flush=True,
    )


def main() -> None:
    """Measure and print; a word after the command leaves out what does not bear it in its name."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as folder:
        policies = Path(folder) / "policies"
        policies.mkdir()
        for source in (POLICIES, TENANTS):
            (policies / source.name).symlink_to(source)
        for name, write, count, forms in MEASURED:
            chosen = [form for form in forms if wanted in f"{name} {form}"]
            if chosen:
                path = Path(folder) / "pods"
                with path.open("w", encoding="utf-8") as output:
                    write(count, output)
            for form in chosen:
                measure(name, path, policies, form)


EVERY_FORM = tuple(sorted(REPORTS))

MEASURED: tuple[tuple[str, Callable[[int, IO[str]], None], int, tuple[str, ...]], ...] = (
    (f"{FEW} pods, JSON", as_json, FEW, ("csv",)),
    (f"{FEW} pods, YAML", as_yaml, FEW, ("csv",)),
    (f"{MANY} pods, YAML", as_yaml, MANY, ("csv",)),
    (f"{MANY} pods, JSON", as_json, MANY, EVERY_FORM),
)

if __name__ == "__main__":
    main()
