"""`gatekeeper playground`: where it listens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from gatekeeper_py.cli.playground import command
from tests.cli.support import run

ROOT = Path(__file__).parents[2]


def test_it_listens_on_this_machine_alone() -> None:
    asked = [sys.executable, "-W", "error", "-m", "gatekeeper_py", "playground", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        address = line.split()[0]
        try:
            assert line == f"{address} (end with Ctrl-C)\n"
            port = int(address.rpartition(":")[2].rstrip("/"))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                assert b"Playground of gatekeeper_py" in answer.read()
            listening = Path(f"/proc/{process.pid}/net/tcp").read_text(encoding="ascii")
            places = [row.split()[1] for row in listening.splitlines()[1:] if row.split()[3] == "0A"]
            assert [place for place in places if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
        finally:
            process.terminate()
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("playground", "--port", str(port))
    assert result.exit_code == 2
    assert result.output == f"--port {port}: address already in use; name another\n"


def test_no_option_opens_it_to_others() -> None:
    assert {option for parameter in command.params for option in parameter.opts} == {"--port", "--open"}
