"""The least an author writes of each common kind: what new policies and expressions are tried on."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from gatekeeper_py.authoring.workload import POD, TEMPLATES, in_workload
from gatekeeper_py.objects.resource import GroupVersionKind, Object

__all__ = ["kinds_with_specimens", "specimen"]


def specimen(kind: GroupVersionKind) -> Object:
    """What a manifest of a kind has besides its metadata; of a kind that is not in the data, nothing."""
    if TEMPLATES.get(kind.kind) == kind.api_version:
        made = in_workload({"kind": POD, **copy.deepcopy(_specimens()["v1 Pod"])}, kind.kind)
    else:
        made = copy.deepcopy(_specimens().get(f"{kind.api_version} {kind.kind}", {}))
    return {key: value for key, value in made.items() if key not in ("apiVersion", "kind", "metadata")}


def kinds_with_specimens() -> Iterator[GroupVersionKind]:
    """The kinds of which there is one."""
    for name in _specimens():
        yield GroupVersionKind.parse(*name.split())
    for kind, version in TEMPLATES.items():
        yield GroupVersionKind.parse(version, kind)


@cache
def _specimens() -> Mapping[str, Any]:
    text = files("gatekeeper_py.authoring").joinpath("data/specimens.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded
