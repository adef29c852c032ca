"""The policies that ship: in a wheel beside the code, in a checkout and an image beside the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from gatekeeper_py.policy.loading.load import KUSTOMIZATIONS, is_test

__all__ = ["DRAFTED", "NotShipped", "folder", "policies", "spec_of"]

PACKAGE: Final = Path(__file__).parents[1]
PLACES: Final = (PACKAGE / "policies", PACKAGE.parent / "policies")

PLATFORM: Final = "tenants/platform.yaml"
SETTINGS: Final = "tenants/settings.yaml"
DRAFTED: Final = (PLATFORM, SETTINGS)
"""What every cluster needs a version of its own of."""


class NotShipped(Exception):
    """This installation has no policies."""


def folder() -> Path:
    """Where they are; raises `NotShipped`."""
    for place in PLACES:
        if (place / SETTINGS).is_file():
            return place
    raise NotShipped(f"no policies came with this installation: {' and '.join(map(str, PLACES))} hold none")


def policies() -> Iterator[tuple[str, str]]:
    """Each file's path and text, without suites and without what is drafted; raises `NotShipped`."""
    home = folder()
    for path in sorted(home.rglob("*.yaml")):
        name = path.relative_to(home).as_posix()
        if not is_test(path) and path.name not in KUSTOMIZATIONS and name not in DRAFTED:
            yield name, path.read_text(encoding="utf-8")


def spec_of(name: str) -> dict[str, Any]:
    """The spec of a document that is drafted, as it ships."""
    spec: dict[str, Any] = yaml.safe_load((folder() / name).read_text(encoding="utf-8"))["spec"]
    return spec
