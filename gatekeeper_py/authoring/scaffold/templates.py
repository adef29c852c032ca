"""The templates by their names: what each makes of a blueprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gatekeeper_py.authoring.scaffold.blueprint import Blueprint, Template
from gatekeeper_py.authoring.scaffold.sketch import Sketch
from gatekeeper_py.authoring.scaffold.valued import mutating, naming_the_tenant, param, validating
from gatekeeper_py.authoring.scaffold.whole import counting, referring

__all__ = ["sketched"]

MAKERS: Final[Mapping[Template, Callable[[Blueprint], Sketch]]] = {
    "validating": validating,
    "mutating": mutating,
    "param": param,
    "tenant": naming_the_tenant,
    "reference": referring,
    "look-up": counting,
}


def sketched(blueprint: Blueprint) -> Sketch:
    """What a template makes of a blueprint. Raises `CannotDraft` when they do not fit together."""
    return MAKERS[blueprint.template](blueprint)
