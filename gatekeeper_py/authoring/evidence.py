"""What the suites show of policies: which of their parts were never true, never false, or never run.

The programs of a loaded engine are put under watch, so what counts is what the engine itself evaluated.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from gatekeeper_py.cel import Budget, Program
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.policy.loading.load import PolicySet
from gatekeeper_py.policy.model import Expression, MutatingPolicy, Policy, ValidatingPolicy
from gatekeeper_py.policy.sharing.index import PolicyIndex

__all__ = ["Coverage", "Part", "parts"]

TRUE, FALSE, RUN = "true", "false", "run"

P = TypeVar("P", ValidatingPolicy, MutatingPolicy)


@dataclass(frozen=True, slots=True)
class Part:
    """A policy, or an expression of it, and what a suite should have it give."""

    policy: Policy = field(compare=False, hash=False, repr=False)
    name: str
    """`policy`, or how messages name the expression."""
    path: FieldPath
    wanted: tuple[str, ...]
    file: str
    expression: Expression | None = field(default=None, compare=False, hash=False)

    def missed(self, outcome: str) -> Problem:
        """That no case has it give that."""
        what = f'{self.name} of policy "{self.policy.name}" is never {outcome}'
        return self.policy.source.problem(self.path, what, "Add a case that shows it")


def parts(policy: Policy) -> Iterator[Part]:
    """Everything of a policy that a suite should show."""
    yield _part(policy, "the rule", ("metadata", "name"), (RUN,), None)
    for index, condition in enumerate(policy.match_conditions):
        path: FieldPath = ("spec", "matchConditions", index, "expression")
        yield _part(policy, f'condition "{condition.name}"', path, (TRUE, FALSE), condition.expression)
    yield from _mutation_parts(policy) if isinstance(policy, MutatingPolicy) else _validation_parts(policy)


def _mutation_parts(policy: MutatingPolicy) -> Iterator[Part]:
    for index, mutation in enumerate(policy.mutations):
        path: FieldPath = ("spec", "mutations", index, mutation.field, "expression")
        yield _part(policy, f"mutations[{index}]", path, (RUN,), mutation.expression)


def _validation_parts(policy: ValidatingPolicy) -> Iterator[Part]:
    for index, validation in enumerate(policy.validations):
        path: FieldPath = ("spec", "validations", index, "expression")
        wanted = (FALSE,) if validation.expression.text.strip() == "false" else (TRUE, FALSE)
        yield _part(policy, f"validations[{index}]", path, wanted, validation.expression)
        if (message := validation.message_expression) is not None:
            path = ("spec", "validations", index, "messageExpression")
            yield _part(policy, f"messageExpression of validations[{index}]", path, (RUN,), message)


def _part(
    policy: Policy, name: str, path: FieldPath, wanted: tuple[str, ...], expression: Expression | None
) -> Part:
    return Part(policy, name, path, wanted, policy.source.path, expression)


class Coverage:
    """What was seen of the policies of all suites."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[str, str, str], Part] = {}
        self._seen: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)

    def expect(self, policies: PolicySet, files: Iterable[str]) -> None:
        """These policies should be shown, those that stand in one of the files."""
        named = frozenset(files)
        for part in _parts(policies):
            if part.file in named:
                self._wanted.setdefault(_key(part), part)

    def watched(self, engine: Engine) -> Engine:
        """The same engine, which tells what its expressions give."""
        found: defaultdict[Expression, list[Part]] = defaultdict(list)
        for part in _parts(engine.policies):
            if part.expression is not None:
                found[part.expression].append(part)
        watched = {expression: self._watch(expression, shown) for expression, shown in found.items()}
        policies = engine.policies
        validating = PolicyIndex(_replaced(policy, watched) for policy in policies.validating)
        mutating = PolicyIndex(_replaced(policy, watched) for policy in policies.mutating)
        return Engine(replace(policies, validating=validating, mutating=mutating), engine.cluster)

    def _watch(self, expression: Expression, shown: Iterable[Part]) -> Expression:
        keys = [_key(part) for part in shown]

        def saw(outcome: str) -> None:
            for key in keys:
                self._seen[key].add(outcome)

        return replace(expression, program=_watched(expression.program, saw))

    def matched(self, engine: Engine, request: AdmissionRequest) -> None:
        """Take down which policies are about a request."""
        policies = engine.policies
        concerned: list[Policy] = [each.policy for each in policies.validating.concerning(request)]
        concerned += [each.policy for each in policies.mutating.concerning(request)]
        for policy in concerned:
            self._seen[_key(next(parts(policy)))].add(RUN)

    @property
    def percentage(self) -> float:
        """Of all that should be seen, how much was; 100 when there is nothing to see."""
        wanted = [(key, outcome) for key, part in self._wanted.items() for outcome in part.wanted]
        seen = sum(outcome in self._seen[key] for key, outcome in wanted)
        return 100.0 * seen / len(wanted) if wanted else 100.0

    def gaps(self) -> list[Problem]:
        """What no case shows, by place."""
        return sorted(
            part.missed(outcome)
            for key, part in self._wanted.items()
            for outcome in part.wanted
            if outcome not in self._seen[key]
        )


def _parts(policies: PolicySet) -> Iterator[Part]:
    every: tuple[Policy, ...] = (*policies.validating, *policies.mutating)
    return (part for policy in every for part in parts(policy))


def _key(part: Part) -> tuple[str, str, str]:
    return part.file, part.policy.name, part.name


def _watched(program: Program, saw: Callable[[str], None]) -> Program:
    """A copy of a program that tells what it gives: a bool, or that it has run to its end."""

    def watch(activation: Mapping[str, object], budget: Budget) -> Any:
        value = program.evaluate(activation, budget)
        saw(RUN)
        if isinstance(value, bool):
            saw(TRUE if value else FALSE)
        return value

    made = copy.copy(program)
    made.evaluate = watch
    return made


def _replaced(policy: P, watched: Mapping[Expression, Expression]) -> P:
    """A policy with the expressions that are watched in place of its own."""
    conditions = tuple(replace(each, expression=watched[each.expression]) for each in policy.match_conditions)
    if isinstance(policy, MutatingPolicy):
        mutations = tuple(replace(each, expression=watched[each.expression]) for each in policy.mutations)
        return replace(policy, match_conditions=conditions, mutations=mutations)
    validations = tuple(
        replace(
            each,
            expression=watched[each.expression],
            message_expression=each.message_expression and watched[each.message_expression],
        )
        for each in policy.validations
    )
    return replace(policy, match_conditions=conditions, validations=validations)
