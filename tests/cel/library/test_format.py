"""Named formats give Kubernetes' own validation messages."""

from __future__ import annotations

import pytest

from gatekeeper_py.cel.library.format import FORMATS
from tests.cel.library.expressions import evaluate

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
ACCEPTED = {
    "dns1123Label": "my-label",
    "dns1123Subdomain": "apiextensions.k8s.io",
    "dns1035Label": "my-label",
    "qualifiedName": "k8s.io/My_name.1",
    "dns1123LabelPrefix": "prefix-",
    "dns1123SubdomainPrefix": "sub.prefix-",
    "dns1035LabelPrefix": "prefix-",
    "labelValue": "",
    "uri": "https://example.com/",
    "uuid": "123E4567-e89b-12d3-a456-426614174000",
    "byte": "aGVsbG8=",
    "date": "2020-02-29",
    "datetime": "2021-01-01T23:59:59.999+01:00",
}
REFUSED = {
    "dns1123Label": ("A.b", [LABEL]),
    "dns1123Subdomain": ("-", [SUBDOMAIN]),
    "uri": ("x", ['parse "x": invalid URI for request']),
    "uuid": ("x", ["does not match the UUID format"]),
    "byte": ("aGVsbG8", ["invalid base64"]),
    "date": ("2021-02-29", ["invalid date"]),
    "datetime": ("2021-01-01T24:00:00Z", ["invalid datetime"]),
}


def problems(name: str, text: str) -> object:
    return evaluate(f"format.{name}().validate(object).orValue([])", text)


def test_every_format_is_tried() -> None:
    assert ACCEPTED.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", ACCEPTED)
def test_good_texts_have_no_problems(name: str) -> None:
    assert problems(name, ACCEPTED[name]) == []
    assert evaluate(f"format.named('{name}').value() == format.{name}()") is True


@pytest.mark.parametrize("name", REFUSED)
def test_problems_are_worded_as_in_kubernetes(name: str) -> None:
    text, words = REFUSED[name]
    assert problems(name, text) == words


def test_lengths_are_in_bytes() -> None:
    assert problems("dns1123Label", "a" * 64) == ["must be no more than 63 characters"]
    assert "must be no more than 63 characters" in problems("dns1123Label", "\u00e9" * 32)  # type: ignore[operator]
    assert "must be no more than 63 bytes" in problems("labelValue", "\u00e9" * 32)  # type: ignore[operator]
    too_long = problems("qualifiedName", f"{'a' * 254}/b")
    assert too_long == ["prefix part must be no more than 253 bytes"]


def test_an_unknown_format_is_none() -> None:
    assert evaluate("format.named('email').hasValue()") is False


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("text", ["a\n", "a\0", "\ud800", "-" * 30_000, "a." * 15_000 + "!"])
def test_hostile_texts_are_refused_quickly(name: str, text: str) -> None:
    assert problems(name, text) != []
