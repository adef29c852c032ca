"""The command as a whole."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gatekeeper_py.cli import COMMANDS
from tests.cli.support import run


def test_help_lists_every_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name, summary in COMMANDS.items():
        assert f"  {name} " in result.output
        assert summary in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: gatekeeper {name}")


def test_help_imports_no_command() -> None:
    """What makes `gatekeeper --help` answer at once."""
    code = (
        "import sys, gatekeeper_py.cli as c\n"
        "try: c.gatekeeper.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = [m for m in sys.modules if m.split('.')[0] in "
        "('starlette', 'uvicorn', 'yaml', 'lark', 'celpy', 'cryptography', 'rich', 'lightkube', 'orjson')]\n"
        "print('HEAVY', heavy)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.endswith("HEAVY []\n")


@pytest.mark.parametrize("name", ["audit", "lint", "test", "fmt", "new"])
def test_help_of_a_command_imports_no_engine(name: str) -> None:
    code = (
        "import sys, gatekeeper_py.cli as c\n"
        f"try: c.gatekeeper.main(['{name}', '--help'])\n"
        "except SystemExit: pass\n"
        "print('HEAVY', [m for m in sys.modules if m in ('gatekeeper_py.engine', 'gatekeeper_py.cel', 'yaml', 'rich')])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.endswith("HEAVY []\n")


def test_an_unknown_command_is_exit_code_2() -> None:
    result = run("revue")
    assert result.exit_code == 2
    assert "No such command 'revue'" in result.output


def test_version() -> None:
    assert run("--version").output == "gatekeeper 0.1.0\n"


def test_an_error_of_ours_is_one_line_and_exit_code_2() -> None:
    code = (
        "import gatekeeper_py.cli as c, gatekeeper_py.cli.certs as certs\n"
        "def broken(*_): raise KeyError('oops')\n"
        "certs.make_certificates = broken\n"
        "import sys; sys.argv = ['gatekeeper', 'certs', 'dev', '/nowhere']\n"
        "c.main()"
    )
    environment = {key: value for key, value in os.environ.items() if key != "GATEKEEPER_DEBUG"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("internal error: KeyError: 'oops' at <string>:2\n")
    assert "Traceback" not in done.stderr
