"""From manifests of other engines to files of native policies, each tried by loading it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gatekeeper_py.authoring.layout.filelayout import laid_out
from gatekeeper_py.authoring.migration.carried import Carried
from gatekeeper_py.authoring.migration.cluster_policy import carry_rules
from gatekeeper_py.authoring.migration.constraint_template import GROUP, carry_template
from gatekeeper_py.authoring.migration.said import POLICY_LEFT_OUT
from gatekeeper_py.authoring.migration.validating_policy import carry_validating_policy
from gatekeeper_py.authoring.policyfile import comment_block, file_text
from gatekeeper_py.engine import load_policies
from gatekeeper_py.manifests.manifest import Manifest, ManifestError, Problem, read_text

__all__ = ["Translated", "translated"]

RULES = frozenset({"ClusterPolicy", "Policy"})
UNREAD = "Kyverno's ClusterPolicies and ValidatingPolicies and Gatekeeper's ConstraintTemplates are"


@dataclass(frozen=True, slots=True)
class Translated:
    """What all of them became."""

    files: Mapping[str, str]
    left_out: tuple[Problem, ...]
    """What nothing enforces any more."""
    otherwise: tuple[Problem, ...]
    """What is said of the rest."""


def translated(manifests: Sequence[Manifest]) -> Translated:
    """The native policies of foreign ones, a file for each, and everything that could not be carried."""
    carried = [_tried(each, manifest) for each, manifest in _carried(manifests)]
    return Translated(
        files={f"{each.name}.yaml": _text(each) for each in carried if each.documents},
        left_out=tuple(problem for each in carried for problem in each.left_out),
        otherwise=(*(problem for each in carried for problem in each.otherwise), *_foreign(manifests)),
    )


def _carried(manifests: Sequence[Manifest]) -> Iterator[tuple[Carried, Manifest]]:
    constraints = [manifest for manifest in manifests if manifest.kind.group == GROUP]
    for manifest in manifests:
        kind = manifest.kind
        if kind.group == "policies.kyverno.io" and kind.kind == "ValidatingPolicy":
            yield _shaped(manifest, carry_validating_policy), manifest
        elif kind.group == "kyverno.io" and kind.kind in RULES:
            yield _shaped(manifest, carry_rules), manifest
        elif kind.group == "templates.gatekeeper.sh" and kind.kind == "ConstraintTemplate":
            name = _constraint_kind(manifest)
            used = [each for each in constraints if each.kind.kind == name]
            yield _shaped(manifest, partial(carry_template, constraints=used)), manifest


def _shaped(manifest: Manifest, carry: Callable[[Manifest], Carried]) -> Carried:
    """What is carried of it; nothing, where it has not the shape of its kind."""
    try:
        return carry(manifest)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        told = manifest.source.problem(
            ("spec",), f"it is no {manifest.kind.kind} by its fields", POLICY_LEFT_OUT
        )
        return Carried(manifest.name, left_out=(told,))


def _constraint_kind(template: Manifest) -> str | None:
    """The kind of a template's constraints."""
    found: Any = template.object
    for name in ("spec", "crd", "spec", "names", "kind"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _foreign(manifests: Sequence[Manifest]) -> Iterator[Problem]:
    """Manifests that are none of these, and constraints without their template."""
    templates = {_constraint_kind(each) for each in manifests if each.kind.kind == "ConstraintTemplate"}
    for manifest in manifests:
        kind = manifest.kind
        if kind.group == GROUP and kind.kind not in templates:
            what = f"the template of {kind.kind} is not here, so nothing enforces the constraint"
            yield manifest.source.problem(("kind",), what, "Name the file of the template, too")
        elif kind.group != GROUP and kind.kind not in (*RULES, "ValidatingPolicy", "ConstraintTemplate"):
            yield manifest.source.problem(
                ("kind",), f"{kind.kind} is nothing that is imported", f"{UNREAD} imported"
            )


def _tried(carried: Carried, manifest: Manifest) -> Carried:
    """What loads; a policy with words that only the other engine has is left out."""
    if not carried.documents:
        return carried
    try:
        load_policies(read_text(_text(carried), "<imported>"))
    except ManifestError as error:
        what = error.problems[0].what.partition("\n")[0]
        told = manifest.source.problem(("spec",), f"it does not load here: {what}", POLICY_LEFT_OUT)
        return replace(carried, documents=(), left_out=(*carried.left_out, told))
    return carried


def _text(carried: Carried) -> str:
    told = {"Origin": f"{carried.name}, as gatekeeper import has read it"}
    notes = [_said(problem) for problem in (*carried.left_out, *carried.otherwise)]
    return laid_out(
        file_text(comment_block(f"Imported from {carried.name}.", told, notes), list(carried.documents))
    )


def _said(problem: Problem) -> str:
    return f"Not carried: {problem.what}. {problem.remedy}."
