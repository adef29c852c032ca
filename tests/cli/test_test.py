"""`gatekeeper test`: suites, faults and exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper_py.authoring.suite import read_suite
from gatekeeper_py.cli.testing import Choice, follow, touches
from tests.cli.support import POLICIES, run, write

SUITE = """\
policies: [all.yaml]
cases:
  - name: on the node's network
    object:
      apiVersion: v1
      kind: Pod
      metadata: {name: p, namespace: foo}
      spec: {hostNetwork: true, containers: [{name: c, image: "nginx:1"}]}
    expect: deny
    message: spec.hostNetwork is true
"""


@pytest.mark.parametrize(
    ("suite", "code", "output"),
    [
        (SUITE, 0, "1 suites, 1 cases, 0 failed\n"),
        (
            SUITE.replace("expect: deny", "expect: allow"),
            1,
            "FAIL  {dir}/all_test.yaml:3:5: on the node's network\n"
            "      expected allow, got deny: ValidatingAdmissionPolicy 'no-host' with binding 'no-host' denied "
            "request: spec.hostNetwork is true; remove it\n"
            "1 suites, 1 cases, 1 failed\n",
        ),
    ],
)
def test_the_exit_code_says_whether_the_policies_do_what_is_expected(
    tmp_path: Path, suite: str, code: int, output: str
) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=suite)
    result = run("test", folder)
    assert (result.exit_code, result.stdout) == (code, output.format(dir=folder))


def test_verbose_names_every_case(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=SUITE)
    assert f"ok    {folder}/all_test.yaml: on the node's network\n" in run("test", "-v", folder).stdout


def test_a_suite_that_cannot_be_read_is_exit_code_2(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, all_test="cases: []\n")
    result = run("test", folder)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{folder}/all_test.yaml:1:")


def test_every_suite_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, a_test="cases: []\n", b_test="cases: 5\n")
    told = run("test", folder).stderr.splitlines()
    assert [line.partition(": ")[0] for line in told] == [
        f"{folder}/a_test.yaml:1:8",
        f"{folder}/b_test.yaml:1:8",
    ]


def test_cases_can_be_chosen(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=SUITE)
    assert run("test", folder, "-k", "network").stdout == "1 suites, 1 cases, 0 failed\n"
    nothing = run("test", folder, "-k", "nothing")
    assert (nothing.exit_code, nothing.stderr) == (
        2,
        "-k nothing: no case has this in its suite's path or its name\n",
    )


def test_too_little_coverage_fails(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=SUITE)
    told = run("test", folder, "--coverage")
    assert told.exit_code == 0
    assert (
        'validations[0] of policy "closed-namespaces" is never false. Add a case that shows it' in told.stdout
    )
    assert run("test", folder, "--min-coverage", "90").exit_code == 1
    assert run("test", folder, "--min-coverage", "10").exit_code == 0


def test_a_policy_without_a_suite_is_not_covered(tmp_path: Path) -> None:
    lonely = POLICIES[POLICIES.index("apiVersion: admissionregistration.k8s.io/v1\nkind: Validating") :]
    folder = write(
        tmp_path, lonely=lonely.replace("name: no-host", "name: lonely").replace("pinned", "other")
    )
    write(tmp_path, all=POLICIES.replace("closed-namespaces", "closed"), all_test=SUITE)
    assert f"{folder}/lonely.yaml:" in run("test", folder, "--coverage").stdout


def test_a_report_is_written(tmp_path: Path) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=SUITE)
    run("test", folder, "--junit", tmp_path / "report.xml")
    assert 'tests="1" failures="0"' in (tmp_path / "report.xml").read_text()
    assert run("test", folder, "--junit", tmp_path / "none" / "report.xml").exit_code == 2


def test_what_differs_is_shown_as_a_diff(tmp_path: Path) -> None:
    suite = SUITE.replace(
        "message: spec.hostNetwork is true", "message: another\n    patched: {metadata: {labels: {team: a}}}"
    )
    folder = write(tmp_path, all=POLICIES, all_test=suite)
    lines = run("test", folder).stdout.splitlines()
    assert lines[1:5] == [
        "      expected a message with",
        "      - another",
        "      and got",
        "      + ValidatingAdmissionPolicy 'no-host' with binding 'no-host' denied request: spec.hostNetwork is true; remove it",
    ]
    assert lines[5:8] == [
        "      the object in the end differs from patched",
        '      - metadata.labels.team: "a"',
        '      + metadata.labels.team: "foo"',
    ]


CHOICE = Choice(verbose=True, chosen="", allow_no_suites=False, report=None, covers=False, least=None)


def test_an_edit_runs_what_it_touches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=SUITE)
    write(tmp_path, other=POLICIES, other_test=SUITE.replace("all.yaml", "other.yaml"))
    told: list[str] = []

    def edits() -> Iterator[set[Path]]:
        told.append(capsys.readouterr().out)
        (folder / "all_test.yaml").write_text(SUITE.replace("expect: deny", "expect: allow"))
        yield {folder / "all_test.yaml"}
        told.append(capsys.readouterr().out)
        (folder / "all_test.yaml").write_text("cases: 5")
        yield {folder / "all_test.yaml"}
        told.append(capsys.readouterr().err)
        (folder / "all_test.yaml").write_text(SUITE)
        yield {folder / "all.yaml"}
        told.append(capsys.readouterr().out)
        yield {folder / "notes.txt_test.yaml"}
        told.append(capsys.readouterr().out)

    follow([folder], CHOICE, edits())
    assert told[0].endswith("2 suites, 2 cases, 0 failed\n")
    assert told[1].endswith("1 suites, 1 cases, 1 failed\n")
    assert told[2].startswith(f"{folder}/all_test.yaml:1:")
    assert told[3].endswith("1 suites, 1 cases, 0 failed\n")
    assert told[4] == ""


@pytest.mark.parametrize(
    ("edited", "touched"),
    [
        ("all_test.yaml", True),
        ("all.yaml", True),
        ("tenants.yaml", True),
        ("other.yaml", False),
        ("other_test.yaml", False),
    ],
)
def test_what_an_edit_touches(edited: str, touched: bool, tmp_path: Path) -> None:
    folder = write(tmp_path, all_test=SUITE, other_test=SUITE)
    assert touches([folder / edited], read_suite(folder / "all_test.yaml")) is touched
    write(tmp_path, named_test="tenants: [example]\n" + SUITE)
    named = read_suite(folder / "named_test.yaml")
    assert touches([folder / edited], named) is (edited == "all.yaml")


def test_edits_are_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, all=POLICIES, all_test=SUITE)
    monkeypatch.setattr("watchfiles.watch", lambda *_, **__: iter([{(2, str(folder / "all.yaml"))}]))
    assert run("test", folder, "--watch").stdout == "1 suites, 1 cases, 0 failed\n" * 2
