"""The demo: every example becomes what its own comment says, and the demo would notice if not."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from examples import demo
from tests.cli.support import GOOD

ROOT = Path(__file__).parents[2]


def test_every_example_becomes_what_it_says() -> None:
    done = subprocess.run([sys.executable, "-m", "examples.demo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("decisions are as expected.")


@pytest.fixture
def example(tmp_path: Path) -> demo.Example:
    path = tmp_path / "pod.yaml"
    path.write_text(
        f"# A pod\n# of two lines.\n# Expect: denied\n#   no-host: is true\n# Send: UPDATE status\n{GOOD}"
    )
    return demo.Example.read(path, "alice")


def test_the_comment_at_the_head_says_what_is_expected(example: demo.Example) -> None:
    assert (example.about, example.allowed) == ("A pod of two lines.", False)
    assert example.expected == ("no-host: is true",)
    assert (example.operation, example.subresource) == ("UPDATE", "status")


def test_a_decision_that_is_not_expected_is_a_fault(example: demo.Example) -> None:
    from gatekeeper_py.cluster.snapshot import Snapshot
    from gatekeeper_py.manifests.manifest import read_text
    from gatekeeper_py.policy.admission.submission import Submission, make_request

    request = make_request(read_text(GOOD)[0], Snapshot(), Submission())
    right = demo.Outcome(request, False, ["no-host: is true; remove it"])
    assert demo.faults(example, [right]) == []
    assert demo.faults(example, [replace(right, allowed=True)]) == ["Pod default/good is allowed"]
    assert demo.faults(example, [replace(right, lines=["other"])]) == ["no answer has: no-host: is true"]


def test_a_file_without_expectation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(GOOD)
    with pytest.raises(SystemExit, match=r"pod\.yaml: the comment at its head lacks `# Expect: allowed`"):
        demo.Example.read(path, "alice")
