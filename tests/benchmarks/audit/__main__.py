"""`python -m tests.benchmarks.audit`: what an audit of many objects takes, against all shipped policies.

The bars, on two quiet processors: 10,000 pods of three containers, one in ten violating, in under 6 s and
300 MB; 100,000 objects of a stream in under 300 MB. Memory is that of the largest process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import yaml

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
        "resources": {"requests": amounts, "limits": amounts},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def as_json(count: int, output: IO[str]) -> None:
    """One a line."""
    output.writelines(f"{json.dumps(pod)}\n" for pod in pods(count))


def as_yaml(count: int, output: IO[str]) -> None:
    """One a document."""
    yaml.dump_all(pods(count), output, Dumper=yaml.CSafeDumper, explicit_start=True)


def measure(name: str, path: Path, policies: Path) -> None:
    """Audit a file as a stream, and print what that took."""
    command = [sys.executable, "-m", "gatekeeper_py", "audit", "--policies", str(policies)]
    command += ["--cluster", str(ROOT / "examples/cluster"), "-f", "-", "-o", "csv"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with path.open("rb") as stream:
        done = subprocess.run(command, stdin=stream, capture_output=True, text=True, cwd=ROOT, check=False)
    taken = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    denied = sum(line.startswith("deny,") for line in done.stdout.splitlines())
    # The largest child so far: sizes only grow from one measurement to the next.
    largest = used.ru_maxrss / 1024
    print(f"{name:24} {taken:7.1f} s  processors {processor:7.1f} s  {largest:5.0f} MiB  {denied} denied")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        policies = Path(folder) / "policies"
        policies.mkdir()
        for source in (POLICIES, TENANTS):
            (policies / source.name).symlink_to(source)
        for name, write, count in (
            (f"{FEW} pods, JSON", as_json, FEW),
            (f"{FEW} pods, YAML", as_yaml, FEW),
            (f"{MANY} pods, JSON", as_json, MANY),
        ):
            path = Path(folder) / "pods"
            with path.open("w", encoding="utf-8") as output:
                write(count, output)
            measure(name, path, policies)


if __name__ == "__main__":
    main()
