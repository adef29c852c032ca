from __future__ import annotations

from pathlib import Path

from gatekeeper_py.tenancy.definitions import render

FILE = Path(__file__).parents[2] / "webhooks" / "crds.yaml"


def test_the_file_that_is_installed_has_the_shape_the_loader_checks() -> None:
    assert FILE.read_text(encoding="utf-8") == render()
