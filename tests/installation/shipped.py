"""What ships, as the tests of an installation look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gatekeeper_py.cli.install import _texts
from gatekeeper_py.engine import load_policies
from gatekeeper_py.policy.loading.load import read

ROOT = Path(__file__).parents[2]
WEBHOOKS, POLICIES = ROOT / "webhooks", ROOT / "policies"
MANIFESTS = read([POLICIES])
LOADED = load_policies(MANIFESTS)
FILES = _texts(POLICIES, MANIFESTS)

Json = dict[str, Any]


def documents(path: Path) -> list[Json]:
    return list(yaml.safe_load_all(path.read_text()))


def named(value: Json) -> tuple[str, str]:
    return value["kind"], value["metadata"]["name"]


def of_kind(objects: list[Json], kind: str) -> list[Json]:
    return [each for each in objects if each["kind"] == kind]
