from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper_py.cel.errors import CompileError
from gatekeeper_py.cel.syntax.macros import OPTIONALS, STANDARD, TWO_VARIABLES
from gatekeeper_py.cel.syntax.parser import parse
from gatekeeper_py.cel.syntax.tree import Call, Node, children, mentions, nodes, operands
from tests.cel.outline import outline

MACROS = frozenset((*STANDARD, *OPTIONALS, *TWO_VARIABLES))

START = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', "
    "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


def tree(text: str) -> str:
    return outline(parse(text, macros=MACROS, backticks=True))


def messages(text: str, *, backticks: bool = False) -> list[str]:
    """Line, column and message of every issue."""
    with pytest.raises(CompileError) as caught:
        parse(text, macros=MACROS, backticks=backticks)
    return [f"{issue.line}:{issue.column} {issue.message}" for issue in caught.value.issues]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b.c", "a.b.c"),
        (".a.b", ".a.b"),
        ("f(a, b)", "f(a, b)"),
        (".f()", ".f()"),
        ("a.f(b)", "f(a; b)"),
        ("a[0]['x']", "_[_](_[_](a, 0), 'x')"),
        ("a.?b.c", "a.?b.c"),
        ("a[?0]", "_[?_](a, 0)"),
        ("[a, ?b, c]", "[a, ?b, c]"),
        ("{?'a': b, 'c': d}", "{?'a': b, 'c': d}"),
        ("Object{?a: b, c: d}", "Object{?a: b, c: d}"),
        ("Object.spec.template{a: 1}", "Object.spec.template{a: 1}"),
        ("JSONPatch{op: 'add', path: '/a'}", "JSONPatch{op: 'add', path: '/a'}"),
        (".a.B{}", ".a.B{}"),
        ("[1, 2,]", "[1, 2]"),
        ("{1: 2,}", "{1: 2}"),
        ("A{a: 1,}", "A{a: 1}"),
        ("[,]", "[]"),
        ("{,}", "{}"),
        ("A{,}", "A{}"),
        ("a.`b-c/d.e f`", "a.b-c/d.e f"),
        ("A{`b-c`: 1}", "A{b-c: 1}"),
    ],
)
def test_members_and_aggregates(text: str, expected: str) -> None:
    assert tree(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c", "_+_(a, _*_(b, c))"),
        ("a - b - c", "_-_(_-_(a, b), c)"),
        ("a * b / c % d", "_%_(_/_(_*_(a, b), c), d)"),
        ("a < b == c", "_==_(_<_(a, b), c)"),
        ("a in b || c", "_||_(@in(a, b), c)"),
        ("a && b || c && d", "_||_(_&&_(a, b), _&&_(c, d))"),
        ("a || b || c", "_||_(_||_(a, b), c)"),
        ("a || b || c || d", "_||_(_||_(a, b), _||_(c, d))"),
        ("a ? b : c ? d : e", "_?_:_(a, b, _?_:_(c, d, e))"),
        ("a ? b || c : d", "_?_:_(a, _||_(b, c), d)"),
        ("a ?.b : c", "_?_:_(a, .b, c)"),
        ("a ?-.5 : c", "_?_:_(a, -0.5, c)"),
        ("!a && !!b && !!!c", "_&&_(_&&_(!_(a), b), !_(c))"),
        ("-a", "-_(a)"),
        ("--a", "a"),
        ("-1", "-1"),
        ("- 1", "-1"),
        ("a - 1", "_-_(a, 1)"),
        ("a -1", "_-_(a, 1)"),
        ("a - -1", "_-_(a, -1)"),
        ("-1.f()", "f(-1; )"),
        ("-(1)", "-_(1)"),
        ("(a || b) && c", "_&&_(_||_(a, b), c)"),
        ("a // a comment\n && b", "_&&_(a, b)"),
        ("\ta\r\n&&\fb ", "_&&_(a, b)"),
    ],
)
def test_operators(text: str, expected: str) -> None:
    assert tree(text) == expected


@pytest.mark.parametrize("word", ["as", "const", "for", "if", "import", "namespace", "package", "while"])
def test_reserved_words_are_fields_and_methods_but_no_names(word: str) -> None:
    assert tree(f"a.{word}") == f"a.{word}"
    assert tree(f"a.{word}()") == f"{word}(a; )"
    assert tree(f"A{{{word}: 1}}") == f"A{{{word}: 1}}"
    assert messages(f"1 + {word}") == [f"1:5 reserved identifier: {word}"]
    assert messages(f"{word}(1)") == [f"1:1 reserved identifier: {word}"]


@pytest.mark.parametrize("text", ["a.in", "a.true", "in", "a.null()"])
def test_keywords_are_no_names_at_all(text: str) -> None:
    assert messages(text)


def test_names_may_begin_like_keywords() -> None:
    assert tree("inner + trueish + nullable.falsehood") == "_+_(_+_(inner, trueish), nullable.falsehood)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [f"1:0 Syntax error: mismatched input '<EOF>' expecting {START}"]),
        ("a ==", [f"1:5 Syntax error: mismatched input '<EOF>' expecting {START}"]),
        ("a = b", ["1:3 Syntax error: token recognition error at: '= '"]),
        ("a &", ["1:3 Syntax error: token recognition error at: '&'"]),
        ("a b", ["1:3 Syntax error: extraneous input 'b' expecting <EOF>"]),
        ("a b c", ["1:3 Syntax error: mismatched input 'b' expecting <EOF>"]),
        ("(a", ["1:3 Syntax error: missing ')' at '<EOF>'"]),
        ("(a))", ["1:4 Syntax error: extraneous input ')' expecting <EOF>"]),
        ("[1, 2", ["1:6 Syntax error: mismatched input '<EOF>' expecting {']', ','}"]),
        ("a.", ["1:3 Syntax error: no viable alternative at input '.'"]),
        ("a.true", ["1:3 Syntax error: mismatched input 'true' expecting IDENTIFIER"]),
        ("a ? b", ["1:6 Syntax error: mismatched input '<EOF>' expecting ':'"]),
        ("{'a' 1}", ["1:6 Syntax error: missing ':' at '1'"]),
        ("a\n  && b == $", None),
        ("'abc", None),
        ("f(a){b: c}", None),
        ("(a){b: c}", None),
        ("a[0]{b: c}", None),
        ("a ! b", None),
        ("!-a", None),
    ],
)
def test_syntax_errors_have_the_words_and_the_place_of_cel_go(text: str, expected: list[str] | None) -> None:
    found = messages(text)
    assert expected is None or found[: len(expected)] == expected


def test_a_syntax_error_shows_its_line() -> None:
    with pytest.raises(CompileError) as caught:
        parse("object.x == 'y' &&\n\tfoo ==")
    assert str(caught.value) == (
        f"ERROR: <input>:2:8: Syntax error: mismatched input '<EOF>' expecting {START}\n"
        " |  foo ==\n"
        " | .......^"
    )


def test_wide_characters_get_wide_dots() -> None:
    with pytest.raises(CompileError) as caught:
        parse("'é' == #")
    assert str(caught.value).splitlines()[2] == " | .．.....^"


def test_all_issues_are_listed_in_order() -> None:
    assert messages("package + 9223372036854775808 + has(a)") == [
        "1:1 reserved identifier: package",
        "1:11 invalid int literal",
        "1:37 invalid argument to has() macro",
    ]


def test_backticks_are_an_option() -> None:
    assert messages("object.spec.`a-b` == 1") == ["1:13 unsupported syntax: '`'"]


def _positions(node: Node) -> dict[str, int]:
    found = {}
    pending = [node]
    while pending:
        each = pending.pop()
        found[outline(each)] = each.position
        pending += children(each)
    return found


def test_positions_are_those_of_messages() -> None:
    text = "a.b + f(c)[d] ? x.?y : Z{k: [1]}"
    assert _positions(parse(text)) == {
        outline(parse(text)): 14,
        "_+_(a.b, _[_](f(c), d))": 4,
        "a.b": 1,
        "a": 0,
        "_[_](f(c), d)": 10,
        "f(c)": 7,
        "c": 8,
        "d": 11,
        "x.?y": 17,
        "x": 16,
        "Z{k: [1]}": 24,
        "[1]": 28,
        "1": 29,
    }


def test_all_nodes_come_in_the_order_of_the_text_each_before_what_is_below_it() -> None:
    text = "a.b + f(c, d) == [e].map(x, x)"
    root = parse(text)
    stretches = [text[node.span.start : node.span.end] for node in nodes(root)]
    assert stretches[:7] == [text, "a.b + f(c, d)", "a.b", "a", "f(c, d)", "c", "d"]
    assert [name for name in "acdexz" if mentions(root, name)] == list("acdex")


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("a && b && (c && d)", ["a", "b", "c", "d"]),
        ("a && (b || c)", ["a", "b || c"]),
        ("a || b", ["a || b"]),
        ("a", ["a"]),
    ],
)
def test_operands_are_what_one_operator_joins(text: str, joined: list[str]) -> None:
    found = operands(parse(text), "_&&_")
    assert [text[node.span.start : node.span.end].strip("()") for node in found] == joined


def test_spans_are_stretches_of_the_text() -> None:
    text = "!(a.b || c) && d.all(x, x > 1)"
    root = parse(text, macros=MACROS)
    spans = set()
    pending: list[Node] = [root]
    while pending:
        each = pending.pop()
        spans.add(text[each.span.start : each.span.end])
        pending += children(each)
    assert spans == {
        text, "!(a.b || c)", "(a.b || c)", "a.b", "a", "c", "d.all(x, x > 1)", "d", "x > 1", "x", "1"
    }  # fmt: skip


@pytest.mark.parametrize("text", ["(" * 249 + "1" + ")" * 249, "[" * 249 + "]" * 249, "a" + "+a" * 249])
def test_deep_texts_are_read(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 250 + "1" + ")" * 250,
        "(" * 50_000,
        "[" * 251 + "]" * 251,
        "[" * 99_999,
        "a" + "+a" * 300,
        "a" + ".a" * 40_000,
        "f(" * 30_000 + ")" * 30_000,
        "a?a:" * 20_000 + "a",
        "!(" * 300 + "a" + ")" * 300,
    ],
)
def test_deeper_texts_are_refused(text: str) -> None:
    assert messages(text) == ["-1:0 expression recursion limit exceeded: 250"]


def test_long_chains_of_logic_are_not_deep() -> None:
    node = parse(" && ".join(["a"] * 20_000))
    depth = 0
    while isinstance(node, Call):
        node = node.arguments[0]
        depth += 1
    assert depth < 20


def test_long_texts_are_refused() -> None:
    assert messages("a" * 100_001) == [
        "-1:0 expression code point size exceeds limit: size: 100001, limit 100000"
    ]


def test_a_text_of_nonsense_gives_a_bounded_list_of_issues() -> None:
    assert len(messages("#" * 90_000)) == 100


def test_lone_surrogates_are_no_reason_to_crash() -> None:
    assert outline(parse("'\ud800' + b'\udfff'")) == "_+_('\ufffd', b'\\xef\\xbf\\xbd')"


def test_many_threads_share_the_parser() -> None:
    texts = [f"a{number}.b + {number} * c" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tree, texts)) == [f"_+_(a{n}.b, _*_({n}, c))" for n in range(200)]


def test_the_parser_is_not_built_at_import() -> None:
    code = "import sys, gatekeeper_py.cel.syntax.parser; sys.exit('lark' in sys.modules or 'celpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


PIECES = [*"()[]{}.,?:!-+*/%<>=&|'\"`#@\\\n ", "==", "&&", "||", ".?", "[?", "{?'k':", "has(", "x.all(y, "]
WORDS = ["a", "b.c", "in", "if", "true", "1", "2u", "1.5", "0x", "1e", "'s'", "b'x'", '"""', "\ud800", "é"]


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES + WORDS), max_size=15).map("".join)))
def test_any_text_is_a_tree_or_a_compile_error(text: str) -> None:
    with suppress(CompileError):
        parse(text, macros=MACROS)
