"""`gatekeeper audit cost` on files: what is billed, and what is said when something is not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from gatekeeper_py.cli import gatekeeper
from tests.billing.samples import PRICES, objects, runtime_class, thirty
from tests.shipped import POLICIES, TENANTS

Json = dict[str, Any]


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ships, with the tenants foo and bar."""
    folder = shutil.copytree(POLICIES, tmp_path_factory.mktemp("policies") / "policies")
    shutil.copytree(TENANTS, folder / "tenants", dirs_exist_ok=True)
    return folder


def cost(policies: Path, *arguments: str | Path) -> Result:
    line = ["audit", "cost", "--policies", policies, "--prices", PRICES, *arguments]
    return CliRunner().invoke(gatekeeper, list(map(str, line)), catch_exceptions=False)


def written(folder: Path, *documents: Json) -> Path:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return path


def deployment(**spec: object) -> Json:
    container = {
        "name": "web",
        "image": "nginx:1.27",
        "resources": {"limits": {"cpu": "750m", "memory": "896Mi"}},
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container], **spec}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "foo"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


def test_what_exists_costs_what_was_reckoned_by_hand(policies: Path, tmp_path: Path) -> None:
    table = thirty()
    file = written(tmp_path, *objects(table))
    done = cost(policies, "-f", file, "--existing", "--hours", "100", "-o", "json")
    assert done.exit_code == 0, done.output
    found = orjson.loads(done.stdout)
    assert (found["charged"], found["total"]) == (table["charged"], table["total"])


def test_what_is_planned_gets_class_overhead_and_requests_first(policies: Path, tmp_path: Path) -> None:
    """Three pods of 750m and 896Mi, limits only, become three of 1 vCPU and 1 GiB in Kata."""
    sheet = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    sheet["spec"]["pods"][1]["runtimeClasses"] = ["kata"]
    prices = tmp_path / "prices.yaml"
    prices.write_text(yaml.safe_dump(sheet), encoding="utf-8")
    kata = runtime_class("kata", {"cpu": "250m", "memory": "128Mi"}) | {"handler": "kata"}
    file = written(tmp_path, deployment(), kata)
    done = cost(policies, "-f", file, "--prices", prices, "--hours", "100", "-o", "json", "--by", "class")
    assert done.exit_code == 0, done.output
    (group,) = orjson.loads(done.stdout)["groups"]
    assert group["by"] == {"class": "kata"}
    assert (group["pods"], group["vcpu"], group["gib"], group["cost"]) == (3, "3", "3", "11.88")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (deployment(hostPID=True), "Deployment web: its pods would be refused: "),
        (deployment(), "pod foo/web-1: its runtime class 'kata' is unknown, and so is its overhead"),
        (deployment() | {"kind": "DaemonSet"}, "objects.yaml:"),
        (deployment() | {"apiVersion": "example.com/v1", "kind": "Rollout"}, "objects.yaml:"),
        (
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "foo"}},
            "no pod to bill",
        ),
    ],
)
def test_what_cannot_be_billed_is_exit_code_two(
    policies: Path, tmp_path: Path, document: Json, told: str
) -> None:
    file = written(tmp_path, document)
    done = cost(policies, "-f", file)
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert any(line.startswith("not billed: ") for line in done.stderr.splitlines())
    assert cost(policies, "-f", file, "--allow-not-billed").exit_code == 0


def test_an_object_that_no_api_server_would_store_is_no_pod_for_nothing(
    policies: Path, tmp_path: Path
) -> None:
    file = written(tmp_path, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}})
    done = cost(policies, "-f", file, "--existing")
    assert done.exit_code == 2
    assert "not billed: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name what to bill: either -f or --kubeconfig"),
        (
            ["-f", "x", "--by", "colour"],
            "--by colour: must be one of tenant, class, namespace, node, or label:NAME",
        ),
        (["-f", "x", "--to", "2026-11-01T00:00:00Z"], "--to needs --from"),
        (["-f", "x", "--from", "soon"], "--from soon: must be a time such as 2026-11-30T00:00:00Z"),
        (
            ["-f", "x", "--from", "2020-01-01", "--hours", "1"],
            "--hours and --from exclude each other: name one",
        ),
        (
            ["-f", "x", "--from", "2020-01-02", "--to", "2020-01-01"],
            "--to 2020-01-01T00:00:00+00:00: must be after 2020-01-02T00:00:00+00:00",
        ),
        (
            ["-f", "x", "--from", "2020-01-02", "--to", "9020-01-01"],
            "--to 9020-01-01T00:00:00+00:00: has not come yet; --hours bills what is to come",
        ),
    ],
)
def test_a_command_line_that_cannot_be_used_is_told(policies: Path, arguments: list[str], told: str) -> None:
    done = cost(policies, *arguments)
    assert done.exit_code == 2
    assert told in done.stderr


def test_without_a_price_nothing_is_billed(policies: Path, tmp_path: Path) -> None:
    done = cost(policies, "-f", "x", "--prices", tmp_path)
    assert done.exit_code == 2
    assert done.stderr == f"{tmp_path}: holds no price sheet\n"


@pytest.mark.parametrize("form", ["table", "csv", "json", "html"])
def test_every_form_is_written(policies: Path, tmp_path: Path, form: str) -> None:
    file = written(tmp_path, *objects(thirty()))
    done = cost(policies, "-f", file, "--existing", "--hours", "100", "-o", form)
    assert done.exit_code == 0
    assert "foo" in done.stdout


def test_the_example_price_sheet_is_right(policies: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[2] / "examples"
    done = cost(
        policies,
        "--prices",
        root / "prices" / "cloud.yaml",
        "-f",
        root / "foo" / "good",
        "--cluster",
        root / "cluster",
    )
    assert done.exit_code == 0, done.output
    assert "foo" in done.stdout


@pytest.mark.parametrize("form", ["table", "csv", "json", "html"])
def test_a_bill_of_what_ran_says_that_what_was_deleted_is_not_in_it(
    policies: Path, tmp_path: Path, form: str
) -> None:
    file = written(tmp_path, *objects(thirty()))
    asked = ("-f", file, "--existing", "-o", form)
    ran = cost(policies, *asked, "--from", "2026-11-01T00:00:00Z", "--to", "2026-11-02T00:00:00Z")
    runs = cost(policies, *asked, "--hours", "24")
    assert "note: pods that were deleted are not in it (docs/cost.md)\n" in ran.stderr
    assert ("pods that were deleted are not in it" in ran.stdout) == (form != "csv")
    assert "deleted" not in runs.stdout + runs.stderr
