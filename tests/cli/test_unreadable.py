"""What cannot be read, or is no object of its kind: told with its place, and it costs only itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.cli.reporting import REPORTS
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.manifests.undefined import Undefined
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.cli.support import GOOD, POLICIES, run, write

STAMPED = GOOD.replace("{name: good}", "{name: good, labels: {team: default}}")
MISPLACED = GOOD.replace("good", "misplaced").replace("}]}}", "}]}, hostNetwork: true}")
SAID = "<stdin>:{}:109: hostNetwork stands in the wrong place. Did you mean spec.hostNetwork?\n"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return write(tmp_path / "policies", all=POLICIES)


@pytest.mark.parametrize(
    ("command", "seen"),
    [
        (("review",), "1 allowed, 0 denied"),
        (("audit",), "1 objects, 0 violating, 1 not audited"),
        (("explain", "--policy", "no-host"), "allowed, as changed"),
    ],
)
@pytest.mark.parametrize("order", [(MISPLACED, GOOD), (GOOD, MISPLACED)])
def test_an_object_that_is_none_of_its_kind_costs_only_itself(
    policies: Path, command: tuple[str, ...], seen: str, order: tuple[str, str]
) -> None:
    result = run(*command, "--policies", policies, "-f", "-", stdin="---\n".join(order))
    assert (result.exit_code, result.stderr) == (2, SAID.format(1 if order[0] is MISPLACED else 3))
    assert seen in result.stdout


@pytest.mark.parametrize("command", ["review", "audit"])
@pytest.mark.parametrize(("validate", "said"), [("warn", f"warning: {SAID.format(1)}"), ("ignore", "")])
def test_one_may_ask_for_less(policies: Path, command: str, validate: str, said: str) -> None:
    result = run(command, "--policies", policies, "--validate", validate, "-f", "-", stdin=MISPLACED)
    assert (result.exit_code, result.stderr) == (0, said)


def test_a_file_that_cannot_be_read_costs_only_itself(policies: Path, tmp_path: Path) -> None:
    files = write(tmp_path / "files", bad="a: {\n", good=STAMPED)
    result = run("audit", "--policies", policies, "-f", files)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (2, "1 objects, 0 violating, 1 not audited")
    assert f"{files}/bad.yaml:2:1: not audited: not valid YAML" in result.stdout
    assert (
        run("audit", "--policies", policies, "-f", files, "-f", "/missing", "--allow-not-audited").exit_code
        == 0
    )


@pytest.mark.parametrize(
    "arguments", [("-f", "/missing"), ("--kubeconfig", "/missing"), ("-f", "-", "--cluster", "/missing")]
)
def test_what_stops_everything_is_in_the_report_too(policies: Path, arguments: tuple[str, ...]) -> None:
    result = run("audit", "--policies", policies, "-o", "json", *arguments, stdin=GOOD)
    report = json.loads(result.stdout)
    assert (result.exit_code, report["summary"]["objects"], report["summary"]["notAudited"]) == (2, 0, 1)
    assert report["notAudited"][0]["path"] == "/missing"
    assert result.stderr.startswith("/missing: ")


@pytest.mark.parametrize("form", REPORTS)
def test_every_format_tells_what_was_not_audited(form: str) -> None:
    unread = Outcome(not_audited=(Problem("v1 Secret", 0, 0, "may not be listed"), Problem("f", 3, 1, "bad")))
    report = "".join(REPORTS[form](unread))
    assert "may not be listed" in report
    assert "bad" in report


def test_policies_that_cannot_be_loaded_are_in_the_report_with_their_place(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", bad="a: {\n")
    result = run("audit", "--policies", policies, "-o", "json", "-f", "-", stdin=GOOD)
    (found,) = json.loads(result.stdout)["notAudited"]
    assert (found["path"], found["line"], found["column"]) == (f"{policies}/bad.yaml", 2, 1)


def test_keys_that_are_numbers_are_warned_of(policies: Path) -> None:
    manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {1: a}}\n"
    result = run("review", "--policies", policies, "-f", "-", stdin=manifest)
    assert (result.exit_code, result.stderr) == (
        0,
        'warning: <stdin>:1:63: key 1 is a number, which kubectl reads as "1". Put the key in quotes\n',
    )


WIDGET = "{{apiVersion: example.com/v1, kind: Widget{}, metadata: {{name: w{}}}}}\n"
MANY = "---\n".join(WIDGET.format(number % 10, number) for number in range(300))
UNDEFINED = (
    "no definition was read for example.com/v1 Widget{} (30 objects): its fields are not checked, "
    "and its defaults are not filled in. Give its CustomResourceDefinition with --cluster or -f\n"
)
NOTES = "".join(f"note: <stdin>:{2 * number + 1}:1: {UNDEFINED.format(number)}" for number in range(10))


@pytest.mark.parametrize("command", ["review", "audit", "explain"])
def test_custom_kinds_without_a_definition_are_told_once_a_kind_on_stderr(
    policies: Path, command: str
) -> None:
    result = run(command, "--policies", policies, "-f", "-", stdin=MANY)
    assert (result.exit_code, result.stderr) == (0, NOTES)


@pytest.mark.parametrize("validate", ["warn", "ignore"])
@pytest.mark.parametrize("command", ["review", "audit", "explain"])
def test_they_are_told_whatever_is_checked(policies: Path, command: str, validate: str) -> None:
    result = run(command, "--policies", policies, "--validate", validate, "-f", "-", stdin=MANY)
    assert result.stderr == NOTES


@pytest.mark.parametrize("command", ["review", "audit", "explain"])
def test_a_definition_may_stand_after_its_objects(policies: Path, command: str) -> None:
    result = run(
        command, "--policies", policies, "-f", "-", stdin=f"{WIDGET.format('', '')}---\n{DEFINITION}"
    )
    assert (result.exit_code, result.stderr) == (0, "")


DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


def test_in_a_pipe_kinds_without_a_definition_are_a_line_each_and_no_violation(policies: Path) -> None:
    result = run("audit", "--policies", policies, "-f", "-", stdin=MANY)
    said = "".join(f"<stdin>:{2 * number + 1}:1: note: {UNDEFINED.format(number)}" for number in range(10))
    assert result.stdout == f"{said}300 objects, 0 violating, 10 kinds without a definition\n"


@pytest.mark.parametrize("form", REPORTS)
def test_every_format_tells_kinds_without_a_definition(form: str) -> None:
    kind = GroupVersionKind("example.com", "v1", "Widget")
    outcome = Outcome(undefined=(Undefined(kind, "f.yaml", 3, 1, 30),))
    report = "".join(REPORTS[form](outcome))
    assert all(word in report for word in ("Widget", "f.yaml", "30"))
    assert not outcome.fails()
