"""What LimitRanges of its namespace give a new pod (plugin/pkg/admission/limitranger).

The API server fills in before it asks any policy, so a manifest that is reviewed gets the same: for each
container, limits and requests that it does not state, and an annotation that says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gatekeeper_py.golang.quantities import canonical
from gatekeeper_py.objects.resource import GroupVersionKind, Object, Objects

__all__ = ["LIMIT_RANGE", "apply_limit_ranges"]

LIMIT_RANGE = GroupVersionKind("", "v1", "LimitRange")

ANNOTATION = "kubernetes.io/limit-ranger"
SAID = "LimitRanger plugin set: {}"

CONTAINERS = (("containers", "container"), ("initContainers", "init container"))
"""The fields, and what the annotation calls what is in them."""

GIVEN = (("requests", "request"), ("limits", "limit"))
"""Of resources, and what the annotation calls one."""


def apply_limit_ranges(pod: Object, view: Objects | None) -> None:
    """Fill in a pod what the LimitRanges of its namespace give, one after the other."""
    namespace = pod["metadata"].get("namespace") or ""
    for limit_range in view.list(LIMIT_RANGE, namespace) if view is not None and namespace else ():
        said = list(_filled(pod["spec"], _defaults(limit_range)))
        if said:
            annotations = pod["metadata"].setdefault("annotations", {})
            annotations[ANNOTATION] = SAID.format("; ".join(said))


def _defaults(limit_range: Object) -> Mapping[str, Mapping[str, Any]]:
    """What it gives to containers, by `requests` and `limits`."""
    found: dict[str, dict[str, Any]] = {"requests": {}, "limits": {}}
    spec = limit_range.get("spec")
    items = spec.get("limits") if isinstance(spec, dict) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("type") == "Container":
            for kind, amounts in _of_item(item).items():
                found[kind].update(amounts)
    return found


def _of_item(item: Object) -> Mapping[str, Mapping[str, Any]]:
    """With the defaults of the type itself (pkg/apis/core/v1/defaults.go, SetDefaults_LimitRangeItem).

    A default is the maximum where there is none; a request is the default, or else the minimum.
    """
    given = {name: item.get(name) or {} for name in ("default", "defaultRequest", "max", "min")}
    limits = {**given["max"], **given["default"]}
    requests = {**given["min"], **limits, **given["defaultRequest"]}
    return {"requests": requests, "limits": limits}


def _filled(spec: Object, defaults: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for field, called in CONTAINERS:
        for container in spec.get(field) or ():
            resources = container.setdefault("resources", {})
            for kind, word in GIVEN:
                missing = sorted(set(defaults[kind]) - set(resources.get(kind) or {}))
                if missing:
                    stated = resources.get(kind) or {}
                    resources[kind] = stated | {
                        name: canonical(str(defaults[kind][name])) for name in missing
                    }
                    yield f"{', '.join(missing)} {word} for {called} {container.get('name', '')}"
