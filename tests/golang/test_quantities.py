"""Quantities in the API server's one form."""

from __future__ import annotations

import pytest

from gatekeeper_py.golang.quantities import canonical, rounded_up


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0", "0"),
        ("0Mi", "0"),
        ("1000m", "1"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("5.", "5."),
        ("+5", "+5"),
        ("005", "005"),
        ("1.500", "1.500"),
        ("1.000", "1"),
        ("1E3", "1E3"),
        ("1e+30", "1e+30"),
        ("1e03", "1e03"),
        ("1e4", "10e3"),
        ("1000e3", "1e6"),
        ("8Mi", "8Mi"),
        ("500u", "500u"),
        ("-5", "-5"),
        ("100000", "100k"),
        ("1500m", "1500m"),
        ("1024Ki", "1Mi"),
        ("1536Mi", "1536Mi"),
        ("1.5Gi", "1536Mi"),
        ("1000Ki", "1000Ki"),
        ("0.1Ki", "102400m"),
        ("512Ki", "512Ki"),
        ("1e3", "1e3"),
        ("12E6", "12E6"),
        ("1E", "1E"),
        ("0.0000000001", "1n"),
        ("", ""),
        ("abc", "abc"),
        ("1 Gi", "1 Gi"),
        (" 1", " 1"),
        ("Gi", "0"),
        ("10Ei", "9223372036854775807"),
        ("1e999999999", "1e999999999"),
    ],
)
def test_a_quantity_has_one_form(text: str, written: str) -> None:
    assert canonical(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0.0001", "1m"),
        ("1.2345", "1235m"),
        ("-0.0001", "-1m"),
        ("1Gi", "1Gi"),
        ("500u", "1m"),
        ("1e+30", "1e+30"),
        ("1.5e-3", "2e-3"),
    ],
)
def test_resource_lists_hold_thousandths(text: str, written: str) -> None:
    assert rounded_up(text) == written
