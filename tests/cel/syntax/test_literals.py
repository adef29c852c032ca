from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper_py.cel.errors import CompileError
from gatekeeper_py.cel.evaluation.values import UInt
from gatekeeper_py.cel.syntax.parser import parse
from gatekeeper_py.cel.syntax.tree import Literal


def value(text: str) -> object:
    node = parse(text)
    assert isinstance(node, Literal)
    return node.value


def issue(text: str) -> str:
    with pytest.raises(CompileError) as caught:
        parse(text)
    return caught.value.issues[0].message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("42", 42),
        ("-42", -42),
        ("- 42", -42),
        ("0x2A", 42),
        ("-0x2a", -42),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("0x7fffffffffffffff", 2**63 - 1),
        ("-0x8000000000000000", -(2**63)),
        ("0" * 5_000 + "1", 1),
        ("42u", UInt(42)),
        ("0x2AU", UInt(42)),
        ("18446744073709551615u", UInt(2**64 - 1)),
        ("1.5", 1.5),
        ("-1.5", -1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1.5e+3", 1500.0),
        ("1e-999", 0.0),
    ],
)
def test_constants_and_numbers(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9223372036854775808", "invalid int literal"),
        ("-9223372036854775809", "invalid int literal"),
        ("0x8000000000000000", "invalid int literal"),
        ("1" * 5_000, "invalid int literal"),
        ("18446744073709551616u", "invalid uint literal"),
        ("0x10000000000000000u", "invalid uint literal"),
        ("1e999", "invalid double literal"),
        ("-1e999", "invalid double literal"),
        (r"'\ud800'", "invalid unicode code point"),
        (r"'\U00110000'", "invalid unicode code point"),
        (r"b'\u00e9'", "unable to unescape string"),
        (r"b'\U000000e9'", "unable to unescape string"),
    ],
)
def test_literals_out_of_range_are_refused(text: str, expected: str) -> None:
    assert issue(text) == expected


@pytest.mark.parametrize("text", ["1.", "0x", "1u2", r"'\q'", r"'\x4'", r"'\400'", r"'\8'", "'a\nb'", "'a"])
def test_what_only_looks_like_a_literal_is_refused(text: str) -> None:
    with pytest.raises(CompileError):
        value(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("''", ""),
        ('""', ""),
        ("''''''", ""),
        ('"it\'s"', "it's"),
        ("'say \"hi\"'", 'say "hi"'),
        (r"'\a\b\f\n\r\t\v\\\'\"\`\?'", "\a\b\f\n\r\t\v\\'\"`?"),
        (r"'\x41\X42\101\u00e9\U0001F600'", "ABAé😀"),
        (r"'\303\xff'", "Ãÿ"),
        (r"'\000'", "\0"),
        (r"r'\n\x41'", r"\n\x41"),
        (r'R"\"', "\\"),
        ("'''a\n'b' ''c'''", "a\n'b' ''c"),
        ('"""a "b" ""c"""', 'a "b" ""c'),
        ("'''a\r\nb\rc'''", "a\nb\nc"),
        ("r'''a\\\r\nb'''", "a\\\nb"),
        ("'é😀'", "é😀"),
        (r"'\\n'", r"\n"),
    ],
)
def test_strings(text: str, expected: str) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b''", b""),
        ("B'abc'", b"abc"),
        (r"b'\xff\303\101'", b"\xff\xc3A"),
        (r"b'\n\?'", b"\n?"),
        ("b'é'", "é".encode()),
        (r"br'\n'", rb"\n"),
        (r"bR'\xff'", rb"\xff"),
        ("b'''a\n\"b'''", b'a\n"b'),
        ("b'''a\r\nb'''", b"a\nb"),
    ],
)
def test_bytes(text: str, expected: bytes) -> None:
    assert value(text) == expected


@pytest.mark.parametrize("text", ["rb'a'", "bb'a'"])
def test_prefixes_come_in_one_order_only(text: str) -> None:
    with pytest.raises(CompileError):
        value(text)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_an_escaped_string_is_read_back(text: str) -> None:
    escaped = "".join(f"\\U{ord(character):08x}" for character in text)
    assert value(f"'{escaped}'") == text


@settings(max_examples=60, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1))
def test_numbers_are_read_back(signed: int, unsigned: int) -> None:
    assert value(str(signed)) == signed
    assert value(f"{unsigned}u") == value(f"{unsigned:#x}u") == unsigned
