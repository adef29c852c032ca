"""Complaints about fields, word for word as the API server's."""

from __future__ import annotations

import pytest

from gatekeeper_py.policy.loading.faults import (
    Fault,
    duplicate,
    forbidden,
    internal,
    invalid,
    invalid_object,
    moved,
    required,
    too_long,
    too_many,
    unsupported,
)

FIELD = ("spec", "variables", 0, "name")
AT = "spec.variables[0].name"


@pytest.mark.parametrize(
    ("fault", "text", "remedy"),
    [
        (required(FIELD), "Required value", f"Set {AT}"),
        (required(FIELD, "not specified"), "Required value: not specified", f"Set {AT}"),
        (invalid(FIELD, "a b", "no spaces"), 'Invalid value: "a b": no spaces', ""),
        (invalid(FIELD, "", ""), 'Invalid value: ""', ""),
        (invalid(FIELD, None, "x"), "Invalid value: null: x", ""),
        (invalid(FIELD, ["*", "a"], "x"), 'Invalid value: ["*","a"]: x', ""),
        (invalid(FIELD, {"a": True}, "x", remedy="y"), 'Invalid value: {"a":true}: x', "y"),
        (internal(FIELD, "broken"), "Internal error: broken", ""),
        (
            unsupported(FIELD, "Fial", ["Fail", "Ignore"]),
            'Unsupported value: "Fial": supported values: "Fail", "Ignore"',
            "Did you mean Fail?",
        ),
        (
            unsupported(FIELD, "", iter(["Fail", "Ignore"])),
            'Unsupported value: "": supported values: "Fail", "Ignore"',
            "Write one of these",
        ),
        (forbidden(FIELD, "not beside x"), "Forbidden: not beside x", "Remove it, or what forbids it"),
        (duplicate(FIELD, "a"), 'Duplicate value: "a"', "Keep one of them"),
        (too_many(FIELD, 65, 64), "Too many: 65: must have at most 64 items", "Split the policy"),
        (too_long(FIELD, 10), "Too long: may not be more than 10 bytes", ""),
    ],
)
def test_a_fault_reads_as_the_api_server_says_it(fault: Fault, text: str, remedy: str) -> None:
    assert (fault.text, fault.remedy) == (text, remedy)
    assert str(fault) == f"{AT}: {text}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('a"b\\', r'"a\"b\\"'),
        ("a\nb\tc", r'"a\nb\tc"'),
        ("\x1b[2J", r'"\x1b[2J"'),
        ("\u2028", r'"\u2028"'),
    ],
)
def test_a_value_cannot_break_out_of_its_quotes(value: str, shown: str) -> None:
    assert invalid(FIELD, value, "").text == f"Invalid value: {shown}"


def test_a_moved_fault_keeps_the_field_the_api_server_names() -> None:
    fault = moved(required(FIELD, "x"), ("spec", "expression"))
    assert (str(fault), fault.value_at) == (f"{AT}: Required value: x", ("spec", "expression"))


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([required(FIELD)], f"{AT}: Required value"),
        ([required(FIELD), too_long(("spec",), 1)],
         f"[{AT}: Required value, spec: Too long: may not be more than 1 bytes]"),
        ([required(FIELD), required(FIELD)], f"{AT}: Required value"),
    ],
)  # fmt: skip
def test_an_object_is_refused_with_all_its_faults_each_once(faults: list[Fault], said: str) -> None:
    refused = invalid_object("ValidatingAdmissionPolicy", "admissionregistration.k8s.io", 'a"b', faults)
    assert refused == f'ValidatingAdmissionPolicy.admissionregistration.k8s.io "a\\"b" is invalid: {said}'
