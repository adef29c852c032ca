"""What loads well and does nothing: no policy at all, one without a binding, rules that select nothing.

None of this is an error in Kubernetes, and each of it is how a cluster comes to be unprotected in silence.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from gatekeeper_py.manifests.folder import SUFFIXES, inhabitants
from gatekeeper_py.manifests.place import ManifestError, Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.kinds import Kinds, ServedResource
from gatekeeper_py.objects.resource import GroupVersionResource
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.matching.match import ANY, selects
from gatekeeper_py.policy.model import Binding, Policy, Rule, ValidatingPolicy

__all__ = ["apart_from", "idle", "misspelt", "nothing_in", "unbound", "unserved"]

NAMED: Final = 5
"""Of what a folder holds instead of policies, so many names are told."""

Reached = frozenset[tuple[GroupVersionResource, str]]
"""Resources, each with a subresource or none."""


def nothing_in(folder: Path) -> Problem:
    """That a folder holds no policy, and what it holds instead."""
    what = f"holds no policy{_instead(folder)}"
    return Problem(
        str(folder), 0, 0, what, "Name the folder of ValidatingAdmissionPolicies and their bindings"
    )


def _instead(folder: Path) -> str:
    try:
        names = [path.name for path in inhabitants(folder)] if folder.is_dir() else [folder.name]
    except ManifestError:
        return ""
    if not names:
        return ": it is empty"
    if any(name.lower().endswith(SUFFIXES) for name in names):
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f": no name in it ends with {', '.join(SUFFIXES)}, only {', '.join(names[:NAMED])}{more} are there"


def idle(policies: PolicySet, kinds: Kinds) -> list[Problem]:
    """Policies and bindings that do nothing, and rules that name what `kinds` cannot serve, by place.

    Nothing is said of a group that may be that of a CustomResourceDefinition which is not among `kinds`.
    """
    return sorted([*unbound(policies), *misspelt(policies, kinds), *apart_from(policies, kinds)])


def unbound(policies: PolicySet) -> Iterator[Problem]:
    """Policies without a binding."""
    return (without_binding(policy) for policy in _every(policies) if not policy.bindings)


def misspelt(policies: PolicySet, kinds: Kinds) -> Iterator[Problem]:
    """Rules of policies and bindings that name what cannot be served."""
    known = _Known(kinds)
    for policy in _every(policies):
        yield from _misnamed(policy, POLICY_RULES, policy.match.rules, known)
        for binding in policy.bindings:
            yield from _misnamed(binding, BINDING_RULES, _narrowed(binding), known)


def apart_from(policies: PolicySet, kinds: Kinds) -> Iterator[Problem]:
    """Bindings that select nothing of what their policy is about."""
    known = _Known(kinds)
    for policy in _every(policies):
        rules = policy.match.rules
        for binding in policy.bindings:
            narrowed = _narrowed(binding)
            judged = narrowed and known.judges((*rules, *narrowed))
            if judged and not known.reach(rules) & known.reach(narrowed):
                yield apart(binding)


def _narrowed(binding: Binding) -> tuple[Rule, ...]:
    return binding.match.rules if binding.match else ()


def unserved(policies: PolicySet, kinds: Kinds) -> tuple[str, ...]:
    """The names of the policies about nothing that `kinds`, which are all there are, serve."""
    known = _Known(kinds)
    return tuple(sorted(policy.name for policy in _every(policies) if not known.reach(policy.match.rules)))


def _every(policies: PolicySet) -> tuple[Policy, ...]:
    return (*policies.validating, *policies.mutating)


POLICY_RULES: Final[FieldPath] = ("spec", "matchConstraints", "resourceRules")
BINDING_RULES: Final[FieldPath] = ("spec", "matchResources", "resourceRules")


def _misnamed(
    holder: Policy | Binding, path: FieldPath, rules: Iterable[Rule], known: _Known
) -> Iterator[Problem]:
    """Groups, resources and versions that look like a slip of the pen."""
    for index, rule in enumerate(rules):
        for field, names in (("apiGroups", rule.groups), ("resources", rule.resources)):
            for number, name in enumerate(names):
                meant = known.group(name) if field == "apiGroups" else known.resource(rule, name)
                if meant:
                    yield misnamed(holder, (*path, index, field, number), name, meant)


class _Known:
    """What a cluster serves."""

    def __init__(self, kinds: Kinds) -> None:
        self._groups: set[str] = {ANY}
        self._by_name: dict[str, list[ServedResource]] = {}
        self._plural: dict[str, str] = {}
        for resource in kinds:
            gvr = resource.served.resource
            self._groups.add(gvr.group)
            self._plural[resource.served.kind.kind] = gvr.resource
            for name in (gvr.resource, ANY):
                self._by_name.setdefault(name, []).append(resource)

    def judges(self, rules: Iterable[Rule]) -> bool:
        """Whether it can be told what rules select."""
        return all(self._groups.issuperset(rule.groups) for rule in rules)

    def reach(self, rules: Iterable[Rule]) -> Reached:
        """All that rules select."""
        return frozenset(
            each for rule in rules for resource in rule.resources for each in self._selected(rule, resource)
        )

    def _selected(self, rule: Rule, resource: str) -> Iterator[tuple[GroupVersionResource, str]]:
        """What one of a rule's resources selects."""
        for found in self._by_name.get(resource.partition("/")[0], ()):
            for subresource in ("", *found.subresources):
                if selects(rule, resource, found.served, subresource):
                    yield found.served.resource, subresource

    def group(self, name: str) -> str:
        """What to write for a group nobody can serve; empty when it is one, or may be one."""
        if name in self._groups:
            return ""
        alike = ALIKE_GROUPS if "." in name else ALIKE
        near = difflib.get_close_matches(name, self._groups - {ANY, ""}, 1, alike)
        return f"did you mean {near[0]}?" if near else "" if "." in name else NO_GROUP

    def resource(self, rule: Rule, name: str) -> str:
        """What to write for a resource that a rule's groups do not serve; empty when they do, or may."""
        if not self.judges([rule]) or any(self._selected(rule, name)):
            return ""
        anywhere = replace(rule, versions=(ANY,), scope="*")
        if versions := sorted({resource.version for resource, _ in self._selected(anywhere, name)}):
            scope = "" if rule.scope == ANY else f", and its scope is not {rule.scope}"
            return f"it is served in {', '.join(versions)}{scope}"
        near = self._near(anywhere, name)
        return f"did you mean {near}?" if near else self._without(anywhere, name)

    def _without(self, rule: Rule, name: str) -> str:
        """What a resource has instead of a subresource; empty when it is none that is known."""
        resource, _, subresource = name.partition("/")
        if not subresource or ANY in (resource, subresource):
            return ""
        found = [each for each in self._by_name.get(resource, ()) if any(self._selected(rule, resource))]
        having = sorted({each for resource in found for each in resource.subresources})
        return f"its subresources are {', '.join(having)}" if having else ""

    def _near(self, rule: Rule, name: str) -> str:
        """A resource of the rule's groups that may be meant, or empty."""
        resource, slash, subresource = name.partition("/")
        for near in difflib.get_close_matches(resource, [*self._by_name, *self._plural], 5, ALIKE):
            meant = self._plural.get(near, near)
            having = {each for served in self._by_name.get(meant, ()) for each in served.subresources}
            for each in difflib.get_close_matches(subresource, having, 1, ALIKE) if slash else [""]:
                if any(self._selected(rule, f"{meant}{slash}{each}")):
                    return f"{meant}{slash}{each}"
        return ""


ALIKE: Final = 0.8
"""How alike two names are when one may be meant by the other: `pod` and `pods` are 0.86."""

ALIKE_GROUPS: Final = 0.9
"""The same of groups with dots, which have long endings in common."""

NO_GROUP: Final = "no CustomResourceDefinition can have a group without a dot"


# --- what users are told -----------------------------------------------------------------------------


def without_binding(policy: Policy) -> Problem:
    """A policy that is never in force."""
    kind = "Validating" if isinstance(policy, ValidatingPolicy) else "Mutating"
    what = f'policy "{policy.name}" has no binding, so it is not in force'
    remedy = f"Add a {kind}AdmissionPolicyBinding with policyName {policy.name}"
    return policy.source.problem(("metadata", "name"), what, remedy)


def misnamed(holder: Policy | Binding, place: FieldPath, name: str, meant: str) -> Problem:
    """A name that selects nothing."""
    what = f'"{name}" selects nothing that is served'
    return holder.source.problem(place, what, meant[:1].upper() + meant[1:])


def apart(binding: Binding) -> Problem:
    """A binding that selects nothing of what its policy is about."""
    what = f'binding "{binding.name}" selects nothing that policy "{binding.policy_name}" is about'
    return binding.source.problem(BINDING_RULES, what, "Name resources that the policy names, too")
