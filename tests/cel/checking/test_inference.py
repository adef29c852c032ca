"""Which type may stand where another is wanted, and what type parameters then are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper_py.cel.checking.inference import Substitution, is_dynamic, more_general, unwrap_optional
from gatekeeper_py.cel.checking.types import (
    ANY,
    BOOL,
    DURATION,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Kind,
    Type,
    list_of,
    map_of,
    object_type,
    opaque,
    optional_of,
    parameter,
    type_of,
    wrapper_of,
)

T, U, V = map(parameter, "TUV")
PLAIN = (
    ANY,
    BOOL,
    DURATION,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    wrapper_of(INT),
    object_type("o"),
)


def types(*parameters: Type) -> st.SearchStrategy[Type]:
    """Types of every kind, in which these parameters occur."""
    return st.recursive(
        st.sampled_from((*PLAIN, *parameters, *parameters)),
        lambda inner: st.one_of(
            inner.map(list_of),
            inner.map(optional_of),
            inner.map(type_of),
            inner.map(lambda of: opaque("box", of)),
            st.builds(map_of, inner, inner),
        ),
        max_leaves=5,
    )


GROUND, OPEN = types(), types(T, U, V)


def parts(of: Type) -> Iterator[Type]:
    yield of
    for part in of.parameters:
        yield from parts(part)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (INT, INT, True),
        (INT, UINT, False),
        (INT, DYN, True),
        (INT, ANY, True),
        (list_of(INT), ERROR, True),
        (NULL, NULL, True),
        (NULL, wrapper_of(INT), True),
        (NULL, optional_of(INT), True),
        (NULL, object_type("o"), True),
        (NULL, INT, False),
        (NULL, list_of(INT), False),
        (TIMESTAMP, NULL, True),
        (DURATION, NULL, True),
        (opaque("x"), opaque("y"), False),
        (opaque("x", INT), opaque("x", STRING), False),
        (opaque("x"), opaque("x", INT), False),
        (opaque("x"), NULL, True),
        (object_type("x"), object_type("y"), False),
        (object_type("x", {"a": INT}), object_type("x"), True),
        (wrapper_of(INT), INT, True),
        (wrapper_of(INT), wrapper_of(UINT), False),
        (type_of(INT), type_of(STRING), True),
        (type_of(INT), INT, False),
        (list_of(INT), list_of(DYN), True),
        (list_of(INT), list_of(STRING), False),
        (list_of(INT), map_of(INT, INT), False),
        (map_of(STRING, INT), map_of(STRING, STRING), False),
        (optional_of(INT), optional_of(T), True),
        (optional_of(INT), INT, False),
        (T, T, True),
        (T, list_of(T), False),
        (T, map_of(INT, optional_of(T)), False),
    ],
)
def test_one_type_may_stand_for_another_and_the_other_for_it(left: Type, right: Type, expected: bool) -> None:
    assert Substitution().assignable(left, right) is expected
    assert Substitution().assignable(right, left) is expected


@given(GROUND, GROUND)
def test_types_without_parameters_stand_for_each_other_or_not_at_all(left: Type, right: Type) -> None:
    assert Substitution().assignable(left, left)
    assert Substitution().assignable(left, DYN)
    assert Substitution().assignable(left, right) is Substitution().assignable(right, left)


@pytest.mark.parametrize(
    ("left", "right", "learned"),
    [
        ((T,), (INT,), {T: INT}),
        ((T,), (list_of(U),), {T: list_of(U)}),
        ((T, U), (list_of(U), INT), {T: list_of(INT), U: INT}),
        ((map_of(T, U),), (map_of(STRING, list_of(T)),), {T: STRING, U: list_of(STRING)}),
        ((T, T), (INT, wrapper_of(INT)), {T: wrapper_of(INT)}),
        ((T, T), (INT, DYN), {T: DYN}),
        ((T, T), (DYN, INT), {T: DYN}),
        ((T, T), (list_of(INT), list_of(DYN)), {T: list_of(DYN)}),
        ((T, T), (NULL, optional_of(INT)), {T: NULL}),
        ((T, U, T), (U, INT, INT), {T: INT, U: INT}),
    ],
)
def test_parameters_become_what_fits_all_that_is_said_of_them(
    left: tuple[Type, ...], right: tuple[Type, ...], learned: dict[Type, Type]
) -> None:
    known = Substitution()
    assert known.all_assignable(left, right)
    assert {each: known.resolve(each) for each in learned} == learned


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((T, T), (INT, STRING)),
        ((T, INT), (INT, STRING)),
        ((T, U), (list_of(U), list_of(T))),
        ((map_of(T, T),), (map_of(STRING, INT),)),
        ((T, U), (INT,)),
    ],
)
def test_what_does_not_fit_teaches_nothing(left: tuple[Type, ...], right: tuple[Type, ...]) -> None:
    known = Substitution()
    assert not known.all_assignable(left, right)
    assert [known.bound(each) for each in (T, U)] == [None, None]


def test_a_failure_takes_back_what_it_said_of_a_known_parameter() -> None:
    known = Substitution()
    assert known.assignable(T, INT)
    assert not known.all_assignable((T, INT), (DYN, STRING))
    assert known.resolve(T) == INT
    assert known.assignable(T, DYN)
    assert known.resolve(list_of(T)) == list_of(DYN)


@given(st.lists(st.tuples(OPEN, OPEN), max_size=6))
@example([(T, list_of(DYN)), (list_of(T), T)])
def test_whatever_is_learned_types_stay_finite_and_failures_change_nothing(
    pairs: list[tuple[Type, Type]],
) -> None:
    known = Substitution()
    for left, right in pairs:
        before = [known.resolve(each) for each in (T, U, V)]
        if known.assignable(left, right):
            assert Substitution().assignable(
                known.resolve(left, final=True), known.resolve(right, final=True)
            )
        else:
            assert [known.resolve(each) for each in (T, U, V)] == before
        for each in (T, U, V):
            resolved = known.resolve(each)
            assert known.resolve(resolved) == resolved
            assert each not in parts(resolved) or each == resolved


@given(OPEN)
def test_at_last_nothing_is_left_open(of: Type) -> None:
    closed = Substitution().resolve(of, final=True)
    assert all(part.kind is not Kind.PARAMETER for part in parts(closed))
    assert Substitution().resolve(of) == of
    assert Substitution().assignable(of, closed)


@given(st.lists(OPEN, min_size=1, max_size=4))
def test_every_use_of_a_signature_has_parameters_of_its_own(signature: list[Type]) -> None:
    known = Substitution()
    first, second = known.instantiate(signature), known.instantiate(signature)
    names = [
        {part.name for of in used for part in parts(of) if part.kind is Kind.PARAMETER}
        for used in (signature, first, second)
    ]
    assert len(names[0]) == len(names[1]) == len(names[2])
    assert not names[0] & names[1] | names[1] & names[2]
    # Put back what they stand for, and both are the signature.
    for used in (first, second):
        assert Substitution().all_assignable(used, signature)
        assert [len(list(parts(of))) for of in used] == [len(list(parts(of))) for of in signature]


def test_objects_keep_their_fields() -> None:
    known, held = Substitution(), object_type("o", {"a": INT})
    (instance,) = known.instantiate([map_of(T, held)])
    for of in (instance, known.resolve(instance)):
        assert of.parameters[1].fields == {"a": INT}


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (INT, DYN, DYN),
        (DYN, INT, DYN),
        (list_of(INT), list_of(DYN), list_of(DYN)),
        (map_of(STRING, DYN), map_of(STRING, INT), map_of(STRING, DYN)),
        (T, INT, T),
        (INT, wrapper_of(INT), INT),
        (wrapper_of(INT), INT, wrapper_of(INT)),
        (type_of(list_of(INT)), type_of(INT), type_of(list_of(INT))),
        (NULL, optional_of(INT), optional_of(INT)),
    ],
)
def test_the_more_general_of_two_types(left: Type, right: Type, expected: Type) -> None:
    assert more_general(left, right) == expected


@given(GROUND)
def test_dyn_is_more_general_than_any_type(of: Type) -> None:
    assert more_general(DYN, of) is DYN
    assert is_dynamic(more_general(of, DYN))
    assert more_general(of, of) == of


def test_a_fresh_parameter_is_like_no_other() -> None:
    known = Substitution()
    first, second = known.fresh(), known.fresh()
    assert first != second
    assert known.assignable(first, INT)
    assert known.bound(second) is None
    assert known.resolve(list_of(second), final=True) == list_of(DYN)


@given(GROUND, st.integers(0, 8))
def test_a_type_with_too_many_parts_is_told(of: Type, limit: int) -> None:
    assert Substitution().survey(of, limit) == (len(list(parts(of))) > limit, False)


def test_parts_count_as_often_as_they_occur() -> None:
    known = Substitution()
    doubled = T
    for _ in range(10):
        fresh = known.fresh()
        assert known.assignable(fresh, map_of(doubled, doubled))
        doubled = fresh
    assert known.survey(doubled, 1000)[0]
    assert known.survey(T, 1) == (False, True)
    assert known.assignable(T, INT)
    assert known.survey(list_of(T), 3) == (False, False)


@pytest.mark.parametrize(
    ("of", "inner", "was"), [(optional_of(INT), INT, True), (INT, INT, False), (DYN, DYN, False)]
)
def test_an_optional_is_unwrapped_once(of: Type, inner: Type, was: bool) -> None:
    assert unwrap_optional(of) == (inner, was)
    assert unwrap_optional(optional_of(of)) == (of, True)


@pytest.mark.parametrize("of", [DYN, ANY, ERROR])
def test_what_may_be_anything(of: Type) -> None:
    assert is_dynamic(of)
    assert not is_dynamic(list_of(of))
    assert not is_dynamic(T)
