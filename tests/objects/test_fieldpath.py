"""Paths are written as the API server writes them."""

from __future__ import annotations

from gatekeeper_py.objects.fieldpath import field_text


def test_a_field_is_named_as_the_api_server_names_it() -> None:
    assert field_text(("spec", "validations", 0, "expression")) == "spec.validations[0].expression"
    assert field_text(()) == ""
