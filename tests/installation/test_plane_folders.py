"""The folder that an API server reads its webhooks from is kept, and never begun."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from gatekeeper_py.installation.plane_files import manifests
from gatekeeper_py.installation.plane_folders import FolderError, PlaneFolders
from gatekeeper_py.webhook.registration import Client, configurations, control_plane_site

SITE = control_plane_site("foo", (), ".static.k8s.io")
OLD, NEW = (configurations(Client("https://10.0.0.7:8443", ca), site=SITE) for ca in ("b2xk", "bmV3"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """As `gatekeeper install --manifests` leaves it."""
    for name, text in manifests(OLD, tmp_path / "foo", "https://10.0.0.7:8443").items():
        file = tmp_path / "foo" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def authorities(root: Path) -> set[str]:
    files = (root / "foo").glob("*/*.yaml")
    return {
        each["clientConfig"]["caBundle"]
        for file in files
        for each in yaml.safe_load(file.read_text())["webhooks"]
    }


def test_what_is_as_it_should_be_is_left_alone(root: Path) -> None:
    before = [file.stat().st_mtime_ns for file in root.rglob("*.yaml")]
    assert PlaneFolders(root).keep("foo", OLD) is False
    assert [file.stat().st_mtime_ns for file in root.rglob("*.yaml")] == before


def test_what_is_old_is_written_anew_and_nothing_is_left_beside_it(root: Path) -> None:
    admission = (root / "foo" / "admission.yaml").read_text()
    names = sorted(root.rglob("*"))
    assert PlaneFolders(root).keep("foo", NEW) is True
    assert authorities(root) == {"bmV3"}
    assert sorted(root.rglob("*")) == names
    assert (root / "foo" / "admission.yaml").read_text() == admission
    assert (root / "foo" / "mutating" / "gatekeeper.yaml").stat().st_mode & 0o077 == 0


def test_one_file_that_is_gone_is_written(root: Path) -> None:
    (root / "foo" / "validating" / "gatekeeper.yaml").unlink()
    assert PlaneFolders(root).keep("foo", OLD) is True
    assert authorities(root) == {"b2xk"}


def test_no_folder_is_begun(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="there are no files of gatekeeper install --manifests"):
        PlaneFolders(tmp_path).keep("foo", OLD)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_named_and_stays_whole(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_source: object, target: object) -> None:
        raise OSError(30, "Read-only file system", str(target))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(FolderError, match=r"mutating/gatekeeper\.yaml: Read-only file system"):
        PlaneFolders(root).keep("foo", NEW)
    assert authorities(root) == {"b2xk"}
    assert not list(root.rglob(".gatekeeper-*"))
