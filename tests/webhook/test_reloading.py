"""Edits are put in force by who looks for them now and then, as the server does by its event loop."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatekeeper_py.webhook import watch
from gatekeeper_py.webhook.log import make_log
from gatekeeper_py.webhook.origin import FromFiles
from gatekeeper_py.webhook.reloading import Reloading
from gatekeeper_py.webhook.revision import BadPolicies, Policies
from gatekeeper_py.webhook.watch import POLL, REST
from tests.webhook.test_edits import SETTINGS, rule


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET", 0.01)


@dataclass
class Looking:
    """A folder of two policies, and who looks at it by a clock of its own."""

    folder: Path
    time: float = 100.0
    output: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for name, text in {"bad": rule("bad"), "evil": rule("evil"), "settings": SETTINGS}.items():
            (self.folder / f"{name}.yaml").write_text(text)
        origin = FromFiles(self.folder, None)
        self.policies = Policies(origin.load)
        log = make_log(self.output)
        self.reloading = Reloading(self.policies, origin.fingerprint, log, lambda: self.time)

    def look(self, after: float = POLL) -> int:
        """How many policies are in force after a look."""
        self.time += after
        self.reloading.look()
        assert self.policies.in_force is not None
        return self.policies.in_force.loaded.count

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.output.getvalue().splitlines()]


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    made = Looking(tmp_path / "policies")
    made.reloading.begin()
    return made


def test_without_policies_it_does_not_begin(tmp_path: Path) -> None:
    made = Looking(tmp_path / "policies")
    shutil.rmtree(made.folder)
    with pytest.raises(BadPolicies, match="no such file or folder"):
        made.reloading.begin()


def test_an_edit_is_in_force_at_the_next_look_that_is_due(looking: Looking) -> None:
    assert looking.look() == 2
    (looking.folder / "new.yaml").write_text(rule("new"))
    assert looking.look(0) == 2
    assert looking.look() == 3
    assert looking.events() == ["policies loaded", "policies loaded"]


def test_a_bad_edit_leaves_what_is_in_force(looking: Looking) -> None:
    (looking.folder / "evil.yaml").write_text("kind: [")
    assert looking.look() == 2
    assert looking.policies.problems
    assert looking.events()[-1] == "edit refused, the last good policies stay in force"
    assert looking.look() == 2
    assert len(looking.events()) == 2
    (looking.folder / "evil.yaml").write_text(rule("evil"))
    assert looking.look() == 2
    assert looking.policies.problems == ()


def test_what_is_taken_away_is_believed_when_the_files_are_at_rest(looking: Looking) -> None:
    (looking.folder / "evil.yaml").unlink()
    assert looking.look() == 2
    assert looking.events()[-1] == "edit not believed yet"
    assert looking.look() == 2
    assert looking.look(REST) == 1


def test_who_asks_has_finished_writing(looking: Looking) -> None:
    (looking.folder / "evil.yaml").unlink()
    looking.reloading.ask()
    assert looking.look(0) == 1
    assert looking.look() == 1
    assert looking.events() == ["policies loaded", "reload asked", "policies loaded"]


def test_an_edit_meanwhile_counts_anew(looking: Looking) -> None:
    (looking.folder / "evil.yaml").unlink()
    assert looking.look() == 2
    (looking.folder / "evil.yaml").write_text(rule("evil"))
    assert looking.look() == 2
    assert looking.look(REST) == 2
    assert looking.policies.problems == ()
