"""Rules about pods as rules about the templates of their controllers, which Kyverno generates.

For rules of a ClusterPolicy as in kyverno/pkg/autogen/v1, for a ValidatingPolicy as in
kyverno/pkg/cel/autogen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper_py.authoring.migration.kindselector import KindSelector
from gatekeeper_py.manifests.manifest import Manifest

__all__ = ["Placed", "controllers_of_policy", "controllers_of_rules", "deeper_policy", "deeper_rule"]

ANNOTATION = "pod-policies.kyverno.io/autogen-controllers"
CRON_JOB: Final = "CronJob"
"""Whose pods stand deeper."""
TEMPLATED: Final[Mapping[str, KindSelector]] = {
    "Deployment": KindSelector("apps", "v1", "Deployment"),
    "StatefulSet": KindSelector("apps", "v1", "StatefulSet"),
    "DaemonSet": KindSelector("apps", "v1", "DaemonSet"),
    "ReplicaSet": KindSelector("apps", "v1", "ReplicaSet"),
    "ReplicationController": KindSelector("", "v1", "ReplicationController"),
    "Job": KindSelector("batch", "v1", "Job"),
}
"""Kinds whose pods stand in spec.template."""
CRON_JOBS: Final = KindSelector("batch", "v1", CRON_JOB)
EVERY: Final = frozenset({*TEMPLATED, CRON_JOB})
OF_TEMPLATE, OF_CRON_JOB = ("spec", "template"), ("spec", "jobTemplate", "spec", "template")


@dataclass(frozen=True, slots=True)
class Placed:
    """Controllers that have the template at one place."""

    suffix: str
    """Of the names of their policies."""
    kinds: tuple[KindSelector, ...]
    steps: tuple[str, ...]


def _placed(names: Iterable[str]) -> Iterator[Placed]:
    chosen = frozenset(names)
    if templated := tuple(kind for name, kind in TEMPLATED.items() if name in chosen):
        yield Placed("-controllers", templated, OF_TEMPLATE)
    if CRON_JOB in chosen:
        yield Placed("-cronjobs", (CRON_JOBS,), OF_CRON_JOB)


# --- rules of ClusterPolicies


def controllers_of_rules(manifest: Manifest) -> list[Placed]:
    """For which controllers Kyverno generates rules of a ClusterPolicy, as all of its rules together allow.

    The annotation is a list without spaces; `none` names no kind, and `all` is what older releases took.
    """
    rules = (manifest.object.get("spec") or {}).get("rules") or ()
    blocks = [
        block for rule in rules for name in ("match", "exclude") for block in _blocks(rule.get(name) or {})
    ]
    kinds = {kind for block in blocks for kind in block.get("kinds") or ()}
    if not kinds & {"Pod", *EVERY} or any(map(_speaks_of_one_kind, blocks)) or any(map(_patches, rules)):
        return []
    annotations = (manifest.object.get("metadata") or {}).get("annotations") or {}
    named = annotations.get(ANNOTATION)
    return [*_placed(EVERY if named in (None, "all") else str(named).split(","))]


def _blocks(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The `resources` of `match` or `exclude`."""
    yield part.get("resources") or {}
    for name in ("any", "all"):
        yield from (entry.get("resources") or {} for entry in part.get(name) or ())


def _speaks_of_one_kind(block: Mapping[str, Any]) -> bool:
    """Whether it filters by what a pod need not share with its controller, or has other kinds beside Pod."""
    kinds = block.get("kinds") or ()
    return (
        any(block.get(name) for name in ("name", "names"))
        or any(block.get(name) is not None for name in ("selector", "annotations"))
        or (len(kinds) > 1 and any(re.fullmatch(r"(.*/)?Pod", str(kind)) for kind in kinds))
    )


def _patches(rule: Mapping[str, Any]) -> bool:
    """Whether it makes objects, or changes them at paths."""
    mutate = rule.get("mutate") or {}
    steps = (mutate, *(mutate.get("foreach") or ()))
    return bool(rule.get("generate")) or any(step.get("patchesJson6902") for step in steps)


def deeper_rule(text: str, steps: Sequence[str]) -> str:
    """An expression about a pod as one about what holds its template: Kyverno replaces the text anywhere."""
    for field in ("spec", "metadata"):
        for root in ("object", "oldObject"):
            text = text.replace(f"{root}.{field}", f"{root}.{'.'.join(steps)}.{field}")
    return text


# --- ValidatingPolicies


def controllers_of_policy(spec: Mapping[str, Any]) -> tuple[list[Placed], list[str]]:
    """For which controllers Kyverno generates a ValidatingPolicy, and which of the named it does not know."""
    constraints = spec.get("matchConstraints") or {}
    if not _is_about_pods_alone(constraints):
        return [], []
    named = ((spec.get("autogen") or {}).get("podControllers") or {}).get("controllers")
    plurals = {f"{kind.lower()}s": kind for kind in EVERY if kind != "ReplicationController"}
    if named is None:
        return [*_placed(plurals.values())], []
    known = [plurals[name] for name in named if name in plurals]
    return [*_placed(known)], [name for name in named if name not in plurals]


def _is_about_pods_alone(constraints: Mapping[str, Any]) -> bool:
    rules = constraints.get("resourceRules") or []
    selector = constraints.get("objectSelector") or {}
    return (
        len(rules) == 1
        and not any(selector.values())
        and not constraints.get("excludeResourceRules")
        and not rules[0].get("resourceNames")
        and [rules[0].get(name) for name in ("apiGroups", "apiVersions", "resources")]
        == [[""], ["v1"], ["pods"]]
    )


def deeper_policy(text: str, steps: Sequence[str]) -> str:
    """The same for a ValidatingPolicy, where a controller's own namespace stays what it is."""
    for field in ("spec", "metadata"):
        for root in ("object", "oldObject"):
            deeper = f"{root}.{'.'.join(steps)}.{field}"
            text = re.sub(rf"{root}\.{field}(?!\.namespace(?![A-Za-z0-9_]))", deeper, text)
    return text
