"""Load over TLS connections that are kept, made by wrk: what a review costs the server, and how many it answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.webhook.process import Process

__all__ = ["Measured", "measure", "wrk"]

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = {body}
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "measured %d %d %d %d %d\\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50), latency:percentile(99)
  ))
end
"""
"""For wrk: what to send, and what to tell at the end (times in microseconds)."""

MEASURED = re.compile(r"^measured (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Measured:
    """What came of one run."""

    rate: float
    """Reviews a second."""
    cpu: float
    """Seconds of the server's processors a review, of user and system."""
    half: float
    """The median of how long an answer took, in seconds."""
    most: float
    """Its 99th percentile."""


def wrk() -> str:
    """Where wrk is; raises `SystemExit` when it is nowhere."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("these benchmarks need wrk (Debian: apt install wrk): nothing was measured")
    return found


def measure(server: Process, door: str, body: bytes, connections: int, seconds: float) -> Measured:
    """Send one review again and again over so many connections; every answer has to be a verdict."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "review.lua"
        script.write_text(SCRIPT.format(body=json.dumps(body.decode("ascii"))))
        url = f"https://localhost:{server.port}/{door}?timeout=10s"
        options = ("-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script), url)
        before = server.cpu_seconds
        said = subprocess.run((wrk(), *options), check=True, capture_output=True, text=True).stdout
        spent = server.cpu_seconds - before
    found = MEASURED.search(said)
    assert found is not None, said
    reviews, taken, errors, half, most = map(int, found.groups())
    assert not errors, said
    return Measured(reviews / taken * 1e6, spent / reviews, half / 1e6, most / 1e6)
