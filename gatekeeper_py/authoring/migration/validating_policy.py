"""Kyverno's ValidatingPolicies, which are ValidatingAdmissionPolicies with more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gatekeeper_py.authoring.migration.carried import CannotCarry, Carried, Native, problem, unread
from gatekeeper_py.authoring.migration.kindselector import selecting_rules
from gatekeeper_py.authoring.migration.pod_controllers import Placed, controllers_of_policy, deeper_policy
from gatekeeper_py.authoring.migration.said import POLICY_LEFT_OUT, named, severity
from gatekeeper_py.manifests.manifest import Manifest

__all__ = ["carry_validating_policy"]

NATIVE_FIELDS: Final = (
    "matchConstraints",
    "matchConditions",
    "variables",
    "validations",
    "auditAnnotations",
    "failurePolicy",
    "validationActions",
)
OWN_FIELDS: Final = ("evaluation", "autogen", "webhookConfiguration")


def carry_validating_policy(manifest: Manifest) -> Carried:
    """A ValidatingPolicy: the native one, and what Kyverno generates of it for the controllers of pods."""
    spec = manifest.object.get("spec") or {}
    try:
        _demand_admission(spec)
        base = _native(manifest, spec)
        placed, unknown = controllers_of_policy(spec)
        if unknown:
            path = ("spec", "autogen", "podControllers", "controllers")
            raise CannotCarry(path, f"controllers {', '.join(unknown)}")
    except CannotCarry as error:
        return Carried(manifest.name, left_out=(problem(manifest, error, POLICY_LEFT_OUT),))
    natives = (base, *(_for_controllers(base, each) for each in placed))
    return Carried(manifest.name, tuple(each for native in natives for each in native.documents()))


def _demand_admission(spec: Mapping[str, Any]) -> None:
    """Raise `CannotCarry` for a policy that judges something else than requests to an API server."""
    evaluation = spec.get("evaluation") or {}
    if evaluation.get("mode", "Kubernetes") != "Kubernetes":
        what = "an evaluation of what is no request to an API server"
        raise CannotCarry(("spec", "evaluation", "mode"), what)
    if (evaluation.get("admission") or {}).get("enabled") is False:
        raise CannotCarry(("spec", "evaluation", "admission"), "a policy that is for reports alone")


def _native(manifest: Manifest, spec: Mapping[str, Any]) -> Native:
    """What a ValidatingPolicy has of a ValidatingAdmissionPolicy."""
    unread(spec, (*NATIVE_FIELDS, *OWN_FIELDS), ("spec",))
    constraints = dict(spec.get("matchConstraints") or {})
    rules = constraints.pop("resourceRules", None) or []
    return Native(
        name=manifest.name,
        rules=rules,
        validations=spec.get("validations") or (),
        actions=spec.get("validationActions") or ["Deny"],
        conditions=named(spec.get("matchConditions")),
        variables=named(spec.get("variables")),
        constraints=constraints,
        failure_policy=spec.get("failurePolicy", "Fail"),
        more={"auditAnnotations": spec["auditAnnotations"]} if spec.get("auditAnnotations") else {},
        annotations=severity(manifest),
    )


def _for_controllers(base: Native, placed: Placed) -> Native:
    """The policy for templates: Kyverno writes `object.spec.template.spec` for every `object.spec`."""
    operations = base.rules[0].get("operations") or ()
    return replace(
        base,
        name=f"{base.name}{placed.suffix}",
        rules=selecting_rules(placed.kinds, operations),
        conditions=_deeper(base.conditions, placed),
        variables=_deeper(base.variables, placed),
        validations=[_deeper(each, placed) for each in base.validations],
        more={name: [*_all_deeper(each, placed)] for name, each in base.more.items()},
    )


def _all_deeper(texts: Sequence[Mapping[str, str]], placed: Placed) -> Iterator[dict[str, str]]:
    for each in texts:
        yield _deeper(each, placed)


def _deeper(texts: Mapping[str, str], placed: Placed) -> dict[str, str]:
    return {key: deeper_policy(text, placed.steps) for key, text in texts.items()}
