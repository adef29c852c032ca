"""From a blueprint to the text of two files: a policy, and the suite that shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekeeper_py.authoring.entry import PREFIX
from gatekeeper_py.authoring.layout.filelayout import laid_out
from gatekeeper_py.authoring.lint.linting import lint
from gatekeeper_py.authoring.policyfile import Expression, comment_block, file_text
from gatekeeper_py.authoring.runner import run
from gatekeeper_py.authoring.scaffold.blueprint import OF_TENANTS, Blueprint
from gatekeeper_py.authoring.scaffold.sketch import Sketch
from gatekeeper_py.authoring.scaffold.templates import sketched
from gatekeeper_py.authoring.scaffold.topic import EPHEMERAL, Target
from gatekeeper_py.authoring.suite import read_suite
from gatekeeper_py.objects.resource import Object

__all__ = ["PARAM_NAMESPACE", "Drafted", "drafted", "faults"]

VERSION = "admissionregistration.k8s.io/v1"
NOBODYS = "open"
"""What policies that ask about no tenant are tried on, so that those of the folder make no difference."""
PARAM_NAMESPACE = "gatekeeper-system"
"""Where the ConfigMap of a param stands: a namespace that is not a tenant's."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """The files of a new policy by their names."""

    files: Mapping[str, str]


def drafted(blueprint: Blueprint, definitions: Mapping[str, Object]) -> Drafted:
    """The policy and its suite. Raises `CannotDraft`."""
    sketch = sketched(blueprint)
    return Drafted(
        {
            f"{blueprint.name}.yaml": _policy_file(blueprint, sketch),
            f"{blueprint.name}_test.yaml": _suite_file(blueprint, sketch, definitions),
        }
    )


def faults(suite: Path) -> list[str]:
    """What lint and the cases say of a suite and the policy beside it; nothing when all is well."""
    policy = suite.with_name(suite.name.replace("_test.", "."))
    told = [str(finding) for finding in lint([policy, suite])]
    if told:
        return told
    return [f"{each.case.name}: {fault}" for each in run(read_suite(suite)) for fault in each.faults]


def _policy_file(blueprint: Blueprint, sketch: Sketch) -> str:
    stops = {"Stops": blueprint.stops or STOPS[blueprint.template]}
    kind = "Mutating" if sketch.mutation else "Validating"
    policy: dict[str, Any] = {
        "apiVersion": VERSION,
        "kind": f"{kind}AdmissionPolicy",
        "metadata": _metadata(blueprint),
        "spec": _spec(blueprint, sketch),
    }
    documents = [policy, _binding(blueprint, sketch, kind), *_params(blueprint, sketch)]
    return laid_out(file_text(comment_block(sketch.summary, {**sketch.parts, **stops}), documents))


STOPS: Mapping[str, str] = {
    "validating": "values that the platform does not support",
    "mutating": "authors having to know a value that is the same for everybody",
    "param": "values that the platform does not support; which these are changes without the policy",
    "tenant": "passing for another tenant",
    "reference": "having a controller read or change what is another tenant's",
    "look-up": "one namespace using up what all share",
}
"""What a policy of each template is for, where nobody says."""


def _metadata(blueprint: Blueprint) -> dict[str, Any]:
    made: dict[str, Any] = {"name": blueprint.name}
    if blueprint.template not in OF_TENANTS:
        made["labels"] = {f"{PREFIX}portable": "true"}
    return {**made, "annotations": {f"{PREFIX}severity": "medium"}}


def _spec(blueprint: Blueprint, sketch: Sketch) -> dict[str, Any]:
    spec: dict[str, Any] = {"failurePolicy": "Fail"}
    if sketch.mutation:
        spec["reinvocationPolicy"] = "IfNeeded"
    if sketch.params:
        spec["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
    spec["matchConstraints"] = {"resourceRules": list(_rules(blueprint, sketch))}
    spec["matchConditions"] = _expressions(sketch.conditions)
    if sketch.variables:
        spec["variables"] = _expressions(sketch.variables)
    if sketch.mutation:
        applied = {"expression": Expression(sketch.mutation)}
        return {**spec, "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": applied}]}
    rule = {field: Expression(text) for field, text in sketch.validation.items()}
    return {**spec, "validations": [{**rule, "reason": "Forbidden"}]}


def _expressions(texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Named expressions as conditions and variables are written."""
    return [{"name": name, "expression": Expression(text)} for name, text in texts.items()]


def _rules(blueprint: Blueprint, sketch: Sketch) -> Iterator[dict[str, Any]]:
    """A rule for the resources of each group and version."""
    together: defaultdict[tuple[str, str], list[Target]] = defaultdict(list)
    for target in blueprint.targets:
        together[target.served.resource[:2]].append(target)
    for (group, version), targets in together.items():
        yield {
            "apiGroups": [group],
            "apiVersions": [version],
            "operations": list(sketch.operations),
            "resources": [name for each in targets for name in _resources(blueprint, each)],
        }


def _resources(blueprint: Blueprint, target: Target) -> Iterator[str]:
    """A resource, and the subresource by which such a field comes as well."""
    name = target.served.resource.resource
    yield name
    if target.is_pod and blueprint.location is not None and blueprint.location.is_of_any_container:
        yield f"{name}/{EPHEMERAL}"


def _binding(blueprint: Blueprint, sketch: Sketch, kind: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"policyName": blueprint.name}
    if sketch.params:
        name = {"name": blueprint.name, "namespace": PARAM_NAMESPACE}
        spec["paramRef"] = {**name, "parameterNotFoundAction": "Deny"}
    if kind == "Validating":
        spec["validationActions"] = ["Deny"]
    return {
        "apiVersion": VERSION,
        "kind": f"{kind}AdmissionPolicyBinding",
        "metadata": {"name": blueprint.name},
        "spec": spec,
    }


def _params(blueprint: Blueprint, sketch: Sketch) -> Iterator[dict[str, Any]]:
    if sketch.params:
        metadata = {"name": blueprint.name, "namespace": PARAM_NAMESPACE}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(sketch.params)}


def _suite_file(blueprint: Blueprint, sketch: Sketch, definitions: Mapping[str, Object]) -> str:
    suite: dict[str, Any] = {"tenants": [sketch.tenants or NOBODYS]}
    if sketch.tenants:
        suite["user"] = "alice"
    used = [
        definitions[kind]
        for kind in dict.fromkeys(each.served.kind.kind for each in blueprint.targets)
        if kind in definitions
    ]
    if cluster := [*used, *sketch.cluster]:
        suite["cluster"] = cluster
    suite["objects"] = dict(sketch.objects)
    text = file_text(f"# Cases of {blueprint.name}.yaml; how a suite reads: docs/testing.md.\n", [suite])
    cases = [file_text("", [{"cases": [case]}]).removeprefix("cases:\n") for case in sketch.cases]
    return text + "cases:\n" + "\n".join(cases)
