"""Kyverno's ClusterPolicies and Policies: the rules that validate by CEL or by patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from gatekeeper_py.authoring.migration.carried import CannotCarry, Carried, Native, literal, problem, unread
from gatekeeper_py.authoring.migration.kindselector import (
    KindSelector,
    are_known,
    are_selected,
    selecting_rules,
)
from gatekeeper_py.authoring.migration.logic import FALSE, TRUE, Condition, every, negated, some
from gatekeeper_py.authoring.migration.pattern import Outcome, Value, pattern_outcome
from gatekeeper_py.authoring.migration.pod_controllers import controllers_of_rules, deeper_rule
from gatekeeper_py.authoring.migration.resource_filter import (
    Filter,
    exclude_filters,
    is_excluded,
    match_filters,
)
from gatekeeper_py.authoring.migration.said import POLICY_LEFT_OUT, RULE_LEFT_OUT, named, severity
from gatekeeper_py.manifests.manifest import Manifest, Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.schema import Schema, builtin_schema

__all__ = ["carry_rules"]

WRITES: Final = ("CREATE", "UPDATE")
CHANGES: Final = (*WRITES, "DELETE")
"""What a rule without operations is asked about; patterns say nothing of what is deleted."""
EXISTING = "allowExistingViolations"
READ: Final = frozenset({"rules", "failurePolicy", "validationFailureAction", "emitWarning", "applyRules"})
HARMLESS: Final = READ | {
    "admission",
    "background",
    "schemaValidation",
    "skipBackgroundRequests",
    "useServerSideApply",
    "webhookConfiguration",
    "webhookTimeoutSeconds",
}
"""Fields of a ClusterPolicy's spec that are read, or say nothing of what is admitted."""
RULE_FIELDS: Final = ("name", "match", "exclude", "validate", "celPreconditions", "skipBackgroundRequests")
VALIDATE_FIELDS: Final = ("message", "failureAction", "cel", "pattern", "anyPattern", EXISTING)


def carry_rules(manifest: Manifest) -> Carried:
    """The rules of a ClusterPolicy, or of a Policy, which holds in its namespace."""
    spec = manifest.object.get("spec") or {}
    try:
        _demand_admission(spec)
    except CannotCarry as error:
        return Carried(manifest.name, left_out=(problem(manifest, error, POLICY_LEFT_OUT),))
    left_out: list[Problem] = []
    documents: list[Mapping[str, Any]] = []
    told = [*_told(manifest, spec)]
    for index, rule in enumerate(spec.get("rules") or ()):
        path: FieldPath = ("spec", "rules", index)
        try:
            made = [*_Rule.read(manifest, rule, path).natives()]
        except CannotCarry as error:
            left_out.append(problem(manifest, error, RULE_LEFT_OUT))
            continue
        documents += [each for native in made for each in native.documents()]
        told += _told_of_rule(manifest, rule, path)
    return Carried(manifest.name, tuple(documents), tuple(left_out), tuple(told) if documents else ())


def _demand_admission(spec: Mapping[str, Any]) -> None:
    """Raise `CannotCarry` for what no rule can be carried without."""
    unread(spec, HARMLESS, ("spec",))
    if spec.get("admission") is False:
        raise CannotCarry(("spec", "admission"), "a policy that is for reports alone")
    if spec.get("applyRules") == "One":
        raise CannotCarry(("spec", "applyRules"), "applyRules: One lets the first rule that matches decide")


def _told(manifest: Manifest, spec: Mapping[str, Any]) -> Iterator[Problem]:
    if spec.get("failurePolicy") == "Ignore":
        what = "failurePolicy: Ignore is about Kyverno's webhook: an expression that fails refuses there, too"
        yield manifest.source.problem(("spec", "failurePolicy"), what, "The native policy has Fail")


def _told_of_rule(manifest: Manifest, rule: Mapping[str, Any], path: FieldPath) -> Iterator[Problem]:
    if "{{" in str(rule["validate"].get("message")):
        what = "a variable in a message is shown as it is written"
        yield manifest.source.problem((*path, "validate", "message"), what, "Write a messageExpression")


@dataclass(frozen=True, slots=True)
class _Target:
    """What one native policy is about: an entry of `match`, or what Kyverno generates of it."""

    entry: Filter
    suffix: str
    kinds: Sequence[KindSelector]
    steps: tuple[str, ...] = ()
    """To the template of a pod; () to the object itself."""

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """The structure of all the kinds; () when one is unknown."""
        if not are_known(self.kinds):
            return ()
        found = [builtin_schema(served.kind) for each in self.kinds for served in each.served]
        return tuple(each for each in found if each is not None) if None not in found else ()

    def placed(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Expressions about a pod as ones about what holds its template."""
        return {key: deeper_rule(text, self.steps) if self.steps else text for key, text in texts.items()}

    def is_kept_out(self, excluded: Filter, root: str) -> Condition:
        """Whether a filter excludes. Kyverno puts controllers in the place of Pod, a CronJob of any kind."""
        replaced = self.steps and (len(self.steps) > 2 or _names_pods(excluded.kinds))
        return is_excluded(excluded, root, self.kinds if replaced else None)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule."""

    manifest: Manifest
    body: Mapping[str, Any]
    path: FieldPath
    matched: Sequence[Filter]
    excluded: Sequence[Filter]

    @classmethod
    def read(cls, manifest: Manifest, body: Mapping[str, Any], path: FieldPath) -> _Rule:
        """Raises `CannotCarry` for what has no like here."""
        unread(body, RULE_FIELDS, path)
        validate = body.get("validate")
        if not isinstance(validate, Mapping):
            raise CannotCarry(path, "a rule that validates nothing")
        unread(validate, VALIDATE_FIELDS, (*path, "validate"))
        matched = match_filters(body.get("match") or {}, (*path, "match"))
        return cls(
            manifest, body, path, matched, exclude_filters(body.get("exclude") or {}, (*path, "exclude"))
        )

    @property
    def spec(self) -> Mapping[str, Any]:
        """Of the policy."""
        spec: Mapping[str, Any] = self.manifest.object["spec"]
        return spec

    @property
    def validate(self) -> Mapping[str, Any]:
        """What it demands."""
        validate: Mapping[str, Any] = self.body["validate"]
        return validate

    @property
    def is_cel(self) -> bool:
        """Whether it is CEL already."""
        return isinstance(self.validate.get("cel"), Mapping)

    @property
    def name(self) -> str:
        """Of its policies."""
        name = f"{self.manifest.name}-{self.body['name']}"
        return re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-")

    def natives(self) -> Iterator[Native]:
        """The policies of each entry of `match`, and those for the controllers of pods."""
        for target in (*self._own_targets(), *self._generated_targets()):
            yield self._in_cel(target) if self.is_cel else self._patterned(target)

    def _own_targets(self) -> Iterator[_Target]:
        for number, entry in enumerate(self.matched, 1):
            yield _Target(entry, f"-{number}" if len(self.matched) > 1 else "", entry.kinds)

    def _generated_targets(self) -> Iterator[_Target]:
        """Kyverno puts the controllers in the place of Pod, unless what is excluded has other kinds alone."""
        own = [*self._own_targets()]
        kept_out = [kind for entry in self.excluded for kind in entry.kinds]
        if not any(_names_pods(each.kinds) for each in own) or (kept_out and not _names_pods(kept_out)):
            return
        for placed in controllers_of_rules(self.manifest):
            for each in own:
                if _names_pods(each.kinds):
                    yield _Target(each.entry, f"{each.suffix}{placed.suffix}", placed.kinds, placed.steps)
                elif _overlap(each.kinds, placed.kinds):
                    raise CannotCarry(each.entry.path, "pods and controllers of pods in one rule")

    def _native(self, target: _Target) -> Native:
        operations = self._operations(target.entry)
        selector = target.entry.namespace_selector
        return Native(
            name=f"{self.name}{target.suffix}",
            rules=selecting_rules(target.kinds, operations),
            validations=(),
            actions=self._actions(),
            conditions=self._conditions(target, operations),
            constraints={"namespaceSelector": selector} if selector else {},
            annotations=severity(self.manifest),
        )

    def _operations(self, entry: Filter) -> Sequence[str]:
        if self.is_cel:
            return entry.operations or CHANGES
        operations = [each for each in entry.operations or WRITES if each in WRITES]
        if not operations:
            raise CannotCarry(
                entry.path, "a pattern for what is deleted, which Kyverno compares with nothing"
            )
        return operations

    def _actions(self) -> list[str]:
        action = self.validate.get("failureAction") or self.spec.get("validationFailureAction") or "Audit"
        if str(action).lower() == "enforce":
            return ["Deny"]
        return ["Warn", "Audit"] if self.spec.get("emitWarning") else ["Audit"]

    def _conditions(self, target: _Target, operations: Sequence[str]) -> dict[str, str]:
        root = "(object == null ? oldObject : object)" if "DELETE" in operations else "object"
        made: dict[str, Condition] = {}
        if self.manifest.kind.kind == "Policy":
            namespace = f"{root}.metadata.?namespace.orValue('')"
            made["in-its-namespace"] = Condition(f"{namespace} == {literal(self.manifest.namespace)}", "==")
        if not are_known(target.kinds):
            made["of-its-kinds"] = are_selected(target.kinds)
        made |= dict(target.entry.conditions(root))
        for number, each in enumerate(self.excluded, 1):
            made[f"not-excluded-{number}"] = negated(target.is_kept_out(each, root))
        asked = named((self.spec.get("webhookConfiguration") or {}).get("matchConditions"))
        theirs = asked | target.placed(named(self.body.get("celPreconditions")))
        return theirs | {key: each.text for key, each in made.items() if each != TRUE}

    # --- CEL

    def _in_cel(self, target: _Target) -> Native:
        cel = self.validate["cel"]
        fields = ("expressions", "variables", "auditAnnotations", "generate")
        unread(cel, fields, (*self.path, "validate", "cel"))
        message = {"message": self.validate["message"]} if self.validate.get("message") else {}
        annotations = [target.placed(each) for each in cel.get("auditAnnotations") or ()]
        return replace(
            self._native(target),
            validations=[target.placed({**message, **each}) for each in cel.get("expressions") or ()],
            variables=target.placed(named(cel.get("variables"))),
            more={"auditAnnotations": annotations} if annotations else {},
        )

    # --- patterns

    def _patterned(self, target: _Target) -> Native:
        """The patterns of a rule, one of which an object must be like, at the place of a template."""
        text = some([self._accepted("object", target), self._existing(target)]).text
        message = {"message": str(self.validate["message"])} if self.validate.get("message") else {}
        return replace(self._native(target), validations=[{"expression": text, **message}])

    def _existing(self, target: _Target) -> Condition:
        """What the rule would have refused already when it was made may go on, if the rule denies at all."""
        denies = self._actions() == ["Deny"]
        if (
            not denies
            or self.validate.get(EXISTING) is False
            or {*WRITES} - {*self._operations(target.entry)}
        ):
            return FALSE
        was_matched = [condition for _, condition in target.entry.conditions("oldObject")]
        was_excluded = [negated(target.is_kept_out(each, "oldObject")) for each in self.excluded]
        of_the_old = [each for each in (*was_matched, *was_excluded) if "oldObject" in each.text]
        there = Condition("oldObject != null", "==")
        return every([there, *of_the_old, negated(self._accepted("oldObject", target))])

    def _accepted(self, root: str, target: _Target) -> Condition:
        """CEL for an object that the patterns have nothing against."""
        path = (*self.path, "validate")
        if "pattern" in self.validate:
            return _outcome(self.validate["pattern"], root, target, (*path, "pattern")).accepted
        if not self.validate.get("anyPattern"):
            raise CannotCarry(path, "a rule without CEL and without a pattern")
        outcomes = [
            _outcome(pattern, root, target, (*path, "anyPattern", index))
            for index, pattern in enumerate(self.validate["anyPattern"])
        ]
        passed_over = every(each.skipped for each in outcomes)
        return some([*(each.like for each in outcomes), passed_over])


def _outcome(pattern: Any, root: str, target: _Target, path: FieldPath) -> Outcome:
    for step in reversed(target.steps):
        pattern = {step: pattern}
    return pattern_outcome(pattern, Value(root, target.schemas), path)


def _names_pods(kinds: Iterable[KindSelector]) -> bool:
    """Kyverno looks for Pod, whatever group and version are named with it."""
    return any(each.kind == "Pod" for each in kinds)


def _overlap(some_kinds: Iterable[KindSelector], others: Sequence[KindSelector]) -> bool:
    return any(each.selects(served) for each in some_kinds for other in others for served in other.served)
