"""What lint says of a folder while it is edited: the same as of the folder as it then is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatekeeper_py.authoring.editor.inspection import Inspection
from gatekeeper_py.authoring.lint.finding import Finding
from gatekeeper_py.authoring.lint.linting import lint
from gatekeeper_py.manifests.manifest import ManifestError
from tests.authoring.editor.policies import GOOD, SUITE

POLICY, BINDING = (f"---\n{part}" for part in GOOD.split("---\n"))
TENANT = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Tenant
metadata: {name: foo}
spec: {namespaces: {names: [foo]}, sharing: [{to: [bar], kinds: [Service]}]}
"""
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions: [{name: v1, served: true, storage: true}]
"""
TEXTS = {
    "a.yaml": (
        GOOD,
        POLICY,
        GOOD.replace("c.image", "c.imge"),
        GOOD.replace("tenant !=", "tenat !="),
        GOOD.replace("      message: pin images\n", ""),
        GOOD.replace("pods", "widgets").replace('[""]', "[example.com]"),
        "",
        "a: [",
    ),
    "b.yaml": (BINDING, POLICY.replace("pinned", "other"), TENANT, DEFINITION, "# nothing"),
    "a_test.yaml": (
        SUITE.replace("pinned", "a"),
        SUITE.replace("pinned", "b"),
        SUITE.replace("expect", "expected"),
        "cases: []",
        "cases: [",
    ),
    "c.yaml": (TENANT, TENANT.replace("name: foo", "name: bar"), "# gatekeeper: ignore GK999\n" + POLICY),
}
EDITS = st.lists(
    st.sampled_from(sorted(TEXTS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from((*TEXTS[name], None)))
    ),
    min_size=1,
    max_size=6,
)


def codes(inspection: Inspection, edited: dict[Path, str]) -> list[tuple[str, int, str]]:
    return sorted((Path(f.problem.path).name, f.problem.line, f.code) for f in inspection.look(edited))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(edits=[("a.yaml", GOOD), ("c.yaml", TEXTS["c.yaml"][2]), ("a.yaml", "")])
@given(edits=EDITS)
def test_after_every_edit_it_says_what_lint_says(
    edits: list[tuple[str, str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("policies")
    inspection = Inspection(folder)
    for name, text in edits:
        if text is None:
            (folder / name).unlink(missing_ok=True)
        else:
            (folder / name).write_text(text, encoding="utf-8")
        assert inspection.look({}) == said_by_lint(folder)


def said_by_lint(folder: Path) -> Sequence[Finding]:
    """An editor says nothing where there is nothing to read yet."""
    try:
        return lint([folder])
    except ManifestError:
        return []


def test_what_an_editor_holds_counts_before_it_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(GOOD, encoding="utf-8")
    inspection = Inspection(tmp_path)
    assert codes(inspection, {}) == [("a.yaml", 3, "GK601")]
    assert codes(inspection, {path: POLICY}) == [("a.yaml", 4, "GK101"), ("a.yaml", 4, "GK601")]
    assert codes(inspection, {}) == [("a.yaml", 3, "GK601")]


def test_a_file_that_is_not_saved_yet_is_one_of_the_folder(tmp_path: Path) -> None:
    inspection = Inspection(tmp_path)
    assert codes(inspection, {tmp_path / "new.yaml": POLICY}) == [
        ("new.yaml", 4, "GK101"),
        ("new.yaml", 4, "GK601"),
    ]
    assert codes(inspection, {tmp_path.parent / "elsewhere.yaml": POLICY}) == []


def test_a_comment_suppresses_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(GOOD, encoding="utf-8")
    inspection = Inspection(tmp_path)
    inspection.look({})
    assert codes(inspection, {path: f"# gatekeeper: ignore-file GK601\n{GOOD}"}) == []


def test_the_policies_of_other_files_are_not_looked_at_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(GOOD.replace("pinned", name), encoding="utf-8")
    inspection = Inspection(tmp_path)
    inspection.look({})
    before = inspection._found[str(tmp_path / "b.yaml")]
    inspection.look({tmp_path / "a.yaml": GOOD})
    assert inspection._found[str(tmp_path / "b.yaml")] is before


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    found = Inspection(tmp_path / "nowhere").look({})
    assert [finding.code for finding in found] == ["GK001"]
