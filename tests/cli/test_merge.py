"""`gatekeeper audit merge`: reports of shards put together say what one report of all would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.reports import json as reports
from gatekeeper_py.manifests.undefined import Undefined
from gatekeeper_py.objects.resource import GroupVersionKind
from tests.audit.support import CLEAN, EVERYTHING, audited
from tests.cli.support import GOOD, HOST, POLICIES, UNPINNED, run, write

POD = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: foo}, spec: {containers: [{name: c, image: i}]}}"
WORKLOAD = audited(POD, "foo")
WIDGET = GroupVersionKind("example.com", "v1", "Widget")


@pytest.mark.parametrize(
    "outcome",
    [
        EVERYTHING,
        Outcome(),
        Outcome((CLEAN, WORKLOAD)),
        Outcome((CLEAN,), shard=(1, 3)),
        Outcome((CLEAN,), undefined=(Undefined(WIDGET, "f.yaml", 3, 1, 30),)),
    ],
)
def test_a_report_read_again_says_the_same(outcome: Outcome) -> None:
    text = reports.report(outcome)
    read = reports.read(text)
    assert reports.report(read) == text
    assert (read.objects, read.shard, read.not_audited) == (
        outcome.objects,
        outcome.shard,
        outcome.not_audited,
    )
    assert read.runtime_classes == outcome.runtime_classes
    assert (read.results, read.undefined) == (outcome.results, outcome.undefined)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"results": []}', '{"results": [{}], "notAudited": []}'])
def test_anything_else_is_no_report(text: str) -> None:
    with pytest.raises(reports.NotAReport, match="is no report that"):
        reports.read(text)


ALL = "---\n".join(
    text.replace("{name: ", f"{{name: {n}") for n in "abcdefgh" for text in (GOOD, HOST, UNPINNED)
)


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    policies = write(tmp_path / "policies", all=POLICIES)
    made = []
    for shard in ("0/3", "1/3", "2/3", "0/1"):
        path = tmp_path / f"{shard.replace('/', '-')}.json"
        path.write_text(
            run("audit", "--policies", policies, "-f", "-", "-o", "json", "--shard", shard, stdin=ALL).stdout
        )
        made.append(path)
    return made


def test_shards_make_the_whole(shards: list[Path]) -> None:
    *parts, whole = shards
    merged = run("audit", "merge", "-o", "json", *parts)
    assert merged.exit_code == 1
    one, other = json.loads(merged.stdout), json.loads(whole.read_text())
    assert one["summary"] == other["summary"]
    assert sorted(each["name"] for each in one["results"]) == sorted(
        each["name"] for each in other["results"]
    )
    table = run("audit", "merge", *parts).stdout.splitlines()
    assert sorted(table) == sorted(run("audit", "merge", whole).stdout.splitlines())


def test_a_kind_without_a_definition_is_told_once_of_all_shards(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    text = "---\n".join(
        f"{{apiVersion: example.com/v1, kind: Widget, metadata: {{name: w{n}}}}}\n" for n in range(9)
    )
    parts = [tmp_path / f"{shard}.json" for shard in range(2)]
    for shard, path in enumerate(parts):
        told = run(
            "audit", "--policies", policies, "-f", "-", "-o", "json", "--shard", f"{shard}/2", stdin=text
        )
        path.write_text(told.stdout)
    (merged,) = json.loads(run("audit", "merge", "-o", "json", *parts).stdout)["withoutDefinition"]
    assert (merged["apiVersion"], merged["kind"], merged["objects"]) == ("example.com/v1", "Widget", 9)


def test_a_shard_that_is_missing_is_not_audited(shards: list[Path]) -> None:
    result = run("audit", "merge", shards[0], shards[2])
    assert result.exit_code == 2
    assert result.stderr == "shard 1/3: its report is not among these. Add it\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: no such file or directory"),
        ("{}", "is no report that `gatekeeper audit -o json` wrote"),
    ],
)
def test_what_is_no_report_is_exit_code_2(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    result = run("audit", "merge", path)
    assert (result.exit_code, result.stderr) == (2, f"{path}: {said}\n")


def test_a_shard_has_a_number_below_their_count(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=POLICIES)
    for shard in ("3/3", "x/3", "1", "-1/3", "0/0"):
        result = run("audit", "--policies", policies, "-f", "-", "--shard", shard, stdin=GOOD)
        assert result.exit_code == 2
        assert f"{shard!r} is not I/N with I from 0 to N-1" in result.stderr


def test_the_help_names_what_else_audit_does() -> None:
    assert "merge" in run("audit", "--help").stdout
    assert "REPORT..." in run("audit", "merge", "--help").stdout
