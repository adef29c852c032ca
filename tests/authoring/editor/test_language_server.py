"""The language server, driven over its protocol as editors drive it."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.authoring.editor.client import Editor, editing
from tests.authoring.editor.policies import GOOD, POLICY, SUITE
from tests.cli.support import run

CONDITION = "variables.containers.all(c, c.image.contains('@'))"


def applied(text: str, edit: dict[str, Any]) -> str:
    """A text as an editor leaves it after an edit."""
    lines = text.split("\n")
    start, end = edit["range"]["start"], edit["range"]["end"]
    first, last = lines[start["line"]], lines[end["line"]]
    begin = first.encode("utf-16-le")[: 2 * start["character"]].decode("utf-16-le")
    rest = last.encode("utf-16-le")[2 * end["character"] :].decode("utf-16-le")
    return "\n".join([*lines[: start["line"]], begin + edit["newText"] + rest, *lines[end["line"] + 1 :]])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with policies; one of them is not in force."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "policies").mkdir()
    (folder / "policies" / "pinned.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "policies" / "pinned_test.yaml").write_text(SUITE, encoding="utf-8")
    unbound = GOOD.partition("---\n")[0].replace("pinned", "unbound")
    (folder / "policies" / "unbound.yaml").write_text(unbound, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def editor(workspace: Path) -> Iterator[Editor]:
    with editing(workspace) as opened:
        yield opened


@pytest.fixture
def policy(workspace: Path, editor: Editor) -> Iterator[Path]:
    path = workspace / "policies" / "pinned.yaml"
    editor.open(path)
    yield path
    editor.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})


def test_a_workspace_is_looked_at_before_a_file_is_opened(workspace: Path, editor: Editor) -> None:
    found = editor.wrong(workspace / "policies" / "unbound.yaml")
    assert {each["code"] for each in found} == {"GK101", "GK601"}
    assert {each["source"] for each in found} == {"gatekeeper"}
    assert found[0]["range"] == {"start": {"line": 2, "character": 17}, "end": {"line": 2, "character": 24}}


def test_what_changes_on_disk_is_looked_at_when_the_editor_tells(workspace: Path, editor: Editor) -> None:
    path = workspace / "policies" / "unbound.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(f"# gatekeeper: ignore-file GK101, GK601\n{before}", encoding="utf-8")
    change = {"uri": path.as_uri(), "type": 2}
    editor.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
    assert editor.wrong(path) == []
    assert {each["globPattern"] for each in editor.watched} >= {"**/*.yaml", "**/*.json"}


def test_an_edit_is_answered_and_its_correction_too(policy: Path, editor: Editor) -> None:
    editor.write(policy, GOOD.replace("c.image", "c.imge"))
    (found,) = editor.wrong(policy)
    assert found["code"] == "GK201"
    assert found["severity"] == 1
    assert found["message"] == (
        'no kind that the policy matches has a field "imge" here. Did you mean image?'
    )
    line = GOOD[: GOOD.index("c.image")].count("\n")
    start = GOOD.split("\n")[line].index("c.image") + 2
    assert found["range"] == {
        "start": {"line": line, "character": start},
        "end": {"line": line, "character": start + 4},
    }
    editor.write(policy, GOOD)
    assert editor.wrong(policy) == []


def test_columns_are_counted_as_the_editor_does(policy: Path, editor: Editor) -> None:
    """In UTF-16, where the face is two."""
    text = POLICY.replace("EXPRESSION", "('😀' == variables.containers[0].imge || variables.most > 9)")
    editor.write(policy, text)
    (found,) = editor.wrong(policy)
    character = text.split("\n")[found["range"]["start"]["line"]].index("imge") + 1
    assert found["range"]["start"]["character"] == character
    answer = editor.at("textDocument/completion", policy, text, "containers[0].im")
    (item,) = [each for each in answer["items"] if each["label"] == "image"]
    assert applied(text, item["textEdit"]) == text.replace("imge", "imagege")
    editor.write(policy, GOOD)
    assert editor.wrong(policy) == []


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("variables.", "containers"),
        ("tenant.", "storageClasses"),
        ("tenant.storageClasses.per", "permits"),
        ("object.spec.host", "hostNetwork"),
        ("variables.containers.all(c, c.im", "image"),
        ("refer", "references"),
    ],
)
def test_expressions_are_completed(written: str, label: str, policy: Path, editor: Editor) -> None:
    text = POLICY.replace("EXPRESSION", written)
    editor.write(policy, text)
    answer = editor.at("textDocument/completion", policy, text, f"expression: {written}")
    (item,) = [each for each in answer["items"] if each["label"] == label]
    assert item["documentation"]["kind"] == "markdown"
    assert f"{written.rpartition('.')[0]}.{label}".lstrip(".") in applied(text, item["textEdit"])


@pytest.mark.parametrize(
    ("old", "new", "label"),
    [
        ("      message:", "      rea", "reason"),
        ("[Deny]", "[", "Warn"),
        ("spec:\n  match", "spec:\n  fail\n  match", "failurePolicy"),
    ],
)
def test_fields_are_completed(old: str, new: str, label: str, policy: Path, editor: Editor) -> None:
    text = GOOD.replace(old, new, 1)
    editor.write(policy, text)
    after = "  fail" if "fail" in new else new
    answer = editor.at("textDocument/completion", policy, text, after)
    assert label in [each["label"] for each in answer["items"]]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (
            "variables.contain",
            "```cel\nobject.spec.containers + object.spec.?initContainers.orValue([])\n```",
        ),
        ("c.ima", "```cel\nimage: string\n```"),
        (
            "c.image.cont",
            "```cel\nstring.contains(string) -> bool\n```\n\nWhether a string has another in it.",
        ),
        ("expression: ten", "The owner of the request's namespace; null where nobody owns it."),
        ("validationAct", "What becomes of a violation: Deny refuses"),
    ],
)
def test_words_say_what_they_are(after: str, said: str, policy: Path, editor: Editor) -> None:
    editor.write(policy, GOOD)
    answer = editor.at("textDocument/hover", policy, GOOD, after)
    assert said in answer["contents"]["value"]


@pytest.mark.parametrize("after", ["message: pin", "contains('@"])
def test_of_other_words_nothing_is_said(after: str, policy: Path, editor: Editor) -> None:
    editor.write(policy, GOOD)
    assert editor.at("textDocument/hover", policy, GOOD, after) is None


def test_a_variable_leads_to_where_it_is_named(policy: Path, editor: Editor) -> None:
    editor.write(policy, GOOD)
    answer = editor.at("textDocument/definition", policy, GOOD, "variables.contain")
    line = GOOD[: GOOD.index("name: containers")].count("\n")
    assert answer["uri"] == policy.as_uri()
    assert answer["range"]["start"] == {"line": line, "character": len("    - name: ")}
    assert editor.at("textDocument/definition", policy, GOOD, "object.sp") is None


def test_a_quick_fix_mends_what_it_is_offered_for(policy: Path, editor: Editor) -> None:
    text = GOOD.replace("c.image", "c.imge")
    editor.write(policy, GOOD)
    editor.write(policy, text)
    found = editor.wrong(policy)
    while not found:
        found = editor.wrong(policy)
    place = {"textDocument": {"uri": policy.as_uri()}, "range": found[0]["range"]}
    actions = editor.ask("textDocument/codeAction", {**place, "context": {"diagnostics": found}})
    assert [action["title"] for action in actions] == ["Write image", "Ignore GK201 here"]
    assert actions[0]["isPreferred"]
    (edit,) = actions[0]["edit"]["changes"][policy.as_uri()]
    assert applied(text, edit) == GOOD


def test_a_file_outside_of_the_policies_that_are_named_is_said_to_be(workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    with editing(workspace, "--policies", str(workspace / "policies")) as opened:
        opened.open(other, GOOD)
        message = opened.message("window/logMessage")
        assert message["message"] == f"{other} is not in {workspace / 'policies'}: nothing is said of it"


def test_without_its_library_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gatekeeper_py.authoring.editor.language_server", raising=False)
    monkeypatch.setitem(sys.modules, "pygls.lsp.server", None)
    result = run("lsp")
    assert result.exit_code == 2
    assert result.output == "the language server needs pygls: pip install 'gatekeeper_py[editor]'\n"


def test_the_configurations_in_the_documents_can_be_read() -> None:
    page = (Path(__file__).parents[3] / "docs" / "editors.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(json|toml)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    read = [(form, json.loads(text) if form == "json" else tomllib.loads(text)) for form, text in blocks]
    (server,) = [found for form, found in read if form == "json" and "glspc.server.command" in found]
    assert server["glspc.server.commandArguments"] == ["lsp"]
    (helix,) = [found for form, found in read if form == "toml"]
    assert helix["language-server"]["gatekeeper"] == {"command": "gatekeeper", "args": ["lsp"]}
