"""Label selectors: matchLabels and matchExpressions, as apimachinery's labels package matches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["EVERYTHING", "Requirement", "Selector", "SelectorError", "labels_of"]


class SelectorError(ValueError):
    """A selector that selects nothing sensible: an unknown operator, values where none may be."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One demand on the label `key`: In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, Any]) -> bool:
        """Whether the labels meet the demand; an absent label meets NotIn and DoesNotExist."""
        if self.operator == "In":
            return labels.get(self.key) in self.values if self.key in labels else False
        if self.operator == "NotIn":
            return self.key not in labels or labels[self.key] not in self.values
        return (self.key in labels) == (self.operator == "Exists")


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements together; without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def of(cls, selector: Mapping[str, Any]) -> Selector:
        """From a metav1.LabelSelector; raise `SelectorError` when it makes no sense."""
        exact = [_exact(key, value) for key, value in sorted((selector.get("matchLabels") or {}).items())]
        return cls((*exact, *map(_expression, selector.get("matchExpressions") or ())))

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return not self.requirements

    def matches(self, labels: Mapping[str, Any]) -> bool:
        """Whether the labels meet every requirement."""
        return all(requirement.matches(labels) for requirement in self.requirements)


EVERYTHING = Selector()


def labels_of(holder: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The labels of an object; empty when it has none, or something else in their place."""
    metadata = (holder or {}).get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}


def _exact(key: str, value: str) -> Requirement:
    return Requirement(key, "In", frozenset((value,)))


def _expression(expression: Mapping[str, Any]) -> Requirement:
    key, operator = expression.get("key") or "", expression.get("operator")
    values = frozenset(expression.get("values") or ())
    if operator in ("In", "NotIn"):
        if not values:
            raise SelectorError("for 'in', 'notin' operators, values set can't be empty")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            raise SelectorError("values set must be empty for exists and does not exist")
    else:
        raise SelectorError(f'"{operator}" is not a valid label selector operator')
    return Requirement(key, operator, values)
