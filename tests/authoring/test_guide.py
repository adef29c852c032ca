"""The guide is true: each of its files and commands, in the order of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from gatekeeper_py.cli import COMMANDS
from tests.authoring.walkthrough import steps, walked
from tests.cli.support import run

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")


def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    told = [(step.line, step.command, output) for step, output in walked(GUIDE, tmp_path)]
    said = [(step.line, step.command, step.text) for step in steps(GUIDE) if step.command]
    assert told == said
    assert len(told) > 15


def test_pipelines_of_ci_are_yaml_and_run_commands_that_exist() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    commands = {word for block in blocks for word in re.findall(r"gatekeeper ([a-z]+)", block)}
    assert {"lint", "test"} <= commands <= set(COMMANDS)
    assert all(yaml.safe_load(block) for block in blocks)


HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_for_pre_commit_runs(hook: dict[str, object], tmp_path: Path) -> None:
    assert hook["language"] == "python"
    program, command = str(hook["entry"]).split()
    assert (program, command in COMMANDS) == ("gatekeeper", True)
    run("new", "team", "--template", "validating", "--resource", "pods", "--dir", tmp_path)
    assert run(command, tmp_path).exit_code == 0
    assert f"id: {hook['id']}" in GUIDE
