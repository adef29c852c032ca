"""Every word of the language of policies is explained, and no word that is not one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from gatekeeper_py.authoring.editor.vocabulary import FIELDS, FUNCTIONS, MACROS, VARIABLES
from gatekeeper_py.cel import Environment, Type
from gatekeeper_py.policy.evaluation.compilation import Environments, ExpressionKind
from gatekeeper_py.tenancy.library import LIBRARY, extension
from gatekeeper_py.tenancy.tenant import Tenancy

ENVIRONMENTS = Environments([extension(Tenancy())])
ALL = [ENVIRONMENTS.of(kind, params=True) for kind in ExpressionKind]
KUBERNETES = frozenset({"kubernetes.AdmissionRequest", "kubernetes.UserInfo"})
"""Of Kubernetes' types, those whose fields are no fields of an object."""


def functions(environments: Iterable[Environment]) -> set[str]:
    return {name for each in environments for name in each.functions if name[0].isalpha()}


def types(found: Type) -> Iterator[Type]:
    yield found
    for inner in (*found.parameters, *(found.fields or {}).values()):
        yield from types(inner)


def structures() -> dict[str, Type]:
    """The types with fields that a variable has, or a function of ours gives."""
    begin = [each for environment in ALL for each in environment.variables.values()]
    begin += [overload.result for function in LIBRARY.functions for overload in function.overloads]
    return {each.name: each for first in begin for each in types(first) if each.fields}


def test_every_variable_is_explained() -> None:
    assert set(VARIABLES) == {name for each in ALL for name in each.variables} | {"variables"}


def test_every_function_is_explained() -> None:
    assert set(FUNCTIONS) == functions(ALL)


def test_every_macro_is_explained() -> None:
    assert set(MACROS) == {each.partition("/")[0] for environment in ALL for each in environment.macros}


@pytest.mark.parametrize(
    "name", sorted(KUBERNETES | {name for name in structures() if name.startswith("tenancy.")})
)
def test_every_field_is_explained(name: str) -> None:
    fields = structures()[name].fields
    assert fields is not None
    assert set(fields) <= set(FIELDS[name])


def test_no_other_type_is_explained() -> None:
    assert set(FIELDS) <= set(structures())


@pytest.mark.parametrize(
    "text",
    [
        *VARIABLES.values(),
        *MACROS.values(),
        *FUNCTIONS.values(),
        *(text for fields in FIELDS.values() for text in fields.values()),
    ],
)
def test_an_explanation_is_a_sentence(text: str) -> None:
    assert text.endswith((".", ")`.", "^ and $."))
