"""What shells complete: asked of a real bash, which asks the real command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper_py.cli import COMMANDS, gatekeeper
from gatekeeper_py.cli.completion import SHELLS
from tests.cli.support import run

ROOT = Path(__file__).parents[2]
PROGRAM = f'#!/bin/sh\nexec "{sys.executable}" -m gatekeeper_py "$@"\n'
ASK = """\
eval "$(gatekeeper completion bash)"
complete -p gatekeeper
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
compopt() { local IFS=' '; echo "compopt $*"; }
_gatekeeper_completion gatekeeper
printf '%s\\n' "${COMPREPLY[@]}"
"""

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with nothing but the command."""
    path = tmp_path / "gatekeeper"
    path.write_text(PROGRAM, encoding="utf-8")
    path.chmod(0o755)
    return tmp_path


def completed(program: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    environment = {**os.environ, "PATH": f"{program}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    asked = ["bash", "--norc", "-c", ASK, "bash", "gatekeeper", *words]
    done = subprocess.run(asked, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "complete -o nosort -F _gatekeeper_completion gatekeeper"
    return lines[1:]


@needs_bash
def test_bash_completes_commands(program: Path) -> None:
    assert completed(program, "") == sorted(COMMANDS)
    assert completed(program, "in") == ["init", "install"]


@needs_bash
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("review", "--no-d"), ["--no-defaults"]),
        (("review", "-o", ""), ["table", "json", "yaml", "diff"]),
        (("certs", ""), ["dev"]),
        (("completion", ""), list(SHELLS)),
        (("lint", "policies"), ["compopt -o default", ""]),
        (("review", "--policies", "p"), ["compopt -o default", ""]),
        (("review", "-f", "p"), ["compopt -o default", ""]),
    ],
)
def test_bash_completes_options_their_values_and_files(
    words: tuple[str, ...], offered: list[str], program: Path
) -> None:
    assert completed(program, *words) == offered


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("bash", "complete -o nosort -F _gatekeeper_completion gatekeeper"),
        ("zsh", "#compdef gatekeeper"),
        ("fish", "complete --no-files --command gatekeeper"),
    ],
)
def test_each_shell_has_its_script(shell: str, line: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert line in result.output
    assert "_GATEKEEPER_COMPLETE=" in result.output


def test_an_unknown_shell_is_refused() -> None:
    result = run("completion", "tcsh")
    assert result.exit_code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in result.output


def test_completing_commands_imports_none() -> None:
    code = (
        "import sys, click, gatekeeper_py.cli as c\n"
        "items = c.gatekeeper.shell_complete(click.Context(c.gatekeeper), 'st')\n"
        "print([item.value for item in items], [m for m in sys.modules if m.startswith('gatekeeper_py.cli.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['status'] ['gatekeeper_py.cli.exits']\n"


def test_the_help_of_a_command_is_shown_beside_it() -> None:
    import click

    items = gatekeeper.shell_complete(click.Context(gatekeeper), "lint")
    assert [(item.value, item.help) for item in items] == [("lint", COMMANDS["lint"])]
