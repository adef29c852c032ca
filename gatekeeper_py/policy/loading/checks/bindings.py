"""Bindings of both kinds."""

from __future__ import annotations

from typing import Any, cast

from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects import naming as names
from gatekeeper_py.policy.admission.decision import Action
from gatekeeper_py.policy.loading.checks.constraints import (
    check_mutating_operations,
    check_resources,
    check_selector,
)
from gatekeeper_py.policy.loading.checks.metadata import check_metadata
from gatekeeper_py.policy.loading.checks.parts import Faults, Part, part, text, texts
from gatekeeper_py.policy.loading.faults import duplicate, forbidden, invalid, required
from gatekeeper_py.policy.model import Binding, MatchResources, MutatingBinding, ParamRef, ValidatingBinding

__all__ = ["check_binding"]

ACTIONS = ("Audit", "Deny", "Warn")
NOT_FOUND_ACTIONS = ("Deny", "Allow")

DENY_AND_WARN = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API "
    "response and headers serves no purpose)"
)
EXCLUSIVE = "name and selector are mutually exclusive"

POLICY_NAME = ("spec", "policyName")
PARAM_REF = ("spec", "paramRef")
MATCH = ("spec", "matchResources")
VALIDATION_ACTIONS = ("spec", "validationActions")


def check_binding(manifest: Manifest) -> tuple[Binding | None, list[Problem]]:
    """The binding, or everything that is wrong with it."""
    faults, spec = Faults(), part(manifest.object, "spec")
    check_metadata(faults, part(manifest.object, "metadata"))
    _policy_name(faults, text(spec, "policyName"))
    common: dict[str, Any] = {
        "name": manifest.name,
        "source": manifest.source,
        "policy_name": text(spec, "policyName"),
        "param_ref": _param_ref(faults, spec.get("paramRef")),
        "match": _match(faults, spec.get("matchResources")),
    }
    binding: Binding
    if manifest.kind.kind == "ValidatingAdmissionPolicyBinding":
        binding = ValidatingBinding(**common, actions=_actions(faults, texts(spec, "validationActions")))
    else:
        check_mutating_operations(faults, MATCH, part(spec, "matchResources"))
        binding = MutatingBinding(**common)
    return (None, faults.problems(manifest)) if faults.found else (binding, [])


def _policy_name(faults: Faults, name: str) -> None:
    if name:
        faults.name(POLICY_NAME, name, names.dns_subdomain)
    else:
        faults.add(required(POLICY_NAME))


def _match(faults: Faults, found: Part | None) -> MatchResources | None:
    return None if found is None else check_resources(faults, MATCH, found)


def _param_ref(faults: Faults, found: Part | None) -> ParamRef | None:
    if found is None:
        return None
    name, action = text(found, "name"), text(found, "parameterNotFoundAction")
    selector_field = (*PARAM_REF, "selector")
    both = bool(name) and found.get("selector") is not None
    faults.name((*PARAM_REF, "name"), name, names.path_segment)
    if both:
        faults.add(forbidden((*PARAM_REF, "name"), EXCLUSIVE))
    selector = check_selector(faults, selector_field, found.get("selector"))
    if both:
        faults.add(forbidden(selector_field, EXCLUSIVE))
    if not name and selector is None:
        faults.add(required(PARAM_REF, "one of name or selector must be specified"))
    _not_found_action(faults, action)
    return ParamRef(name, selector, text(found, "namespace"), cast(Any, action))


def _not_found_action(faults: Faults, action: str) -> None:
    field = (*PARAM_REF, "parameterNotFoundAction")
    if action:
        faults.choice(field, action, NOT_FOUND_ACTIONS)
    else:
        faults.add(required(field))


def _actions(faults: Faults, actions: tuple[str, ...]) -> tuple[Action, ...]:
    for index, action in enumerate(actions):
        faults.choice((*VALIDATION_ACTIONS, index), action, ACTIONS)
        if action in actions[:index]:
            faults.add(duplicate((*VALIDATION_ACTIONS, index), action))
    if "Deny" in actions and "Warn" in actions:
        faults.add(invalid(VALIDATION_ACTIONS, actions, DENY_AND_WARN, remedy="Remove Warn"))
    if not actions:
        faults.add(required(VALIDATION_ACTIONS, "at least one validation action is required"))
    return cast(tuple[Action, ...], actions)
