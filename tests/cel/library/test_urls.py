"""URLs are read as Go's net/url reads them, and bad ones refused in its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.library.urls import Part, escape, parse_url, unescape
from tests.cel.library.expressions import error, evaluate

PREFIX = "URL parse error during conversion from string: parse "
LONG = 1_000_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("url('https://user:pass@example.com:80/path?query=val#fragment').getHost()", "example.com:80"),
        ("url('https://[::1]:80/').getHostname()", "::1"),
        ("url('https://[::1]:80/').getPort()", "80"),
        ("url('https://example.com/with space/').getEscapedPath()", "/with%20space/"),
        ("url('/a%2fb').getEscapedPath()", "/a%2fb"),
        ("url('HTTPS://x').getScheme()", "https"),
        ("url('https://x/p?k1=a&k2=b&k2=c').getQuery()", {"k1": ["a"], "k2": ["b", "c"]}),
        ("url('https://x/p?a;b=1&c=%zz&d').getQuery()", {"d": [""]}),
        ("url('https://x/?a=%ff').getQuery()", {"a": ["\ufffd"]}),
        ("isURL('../relative')", False),
        ("url('https://x/%41') == url('https://x/A')", False),
        ("url('HTTPS://x/a') == url('https://x/a')", True),
    ],
)
def test_parts_are_those_of_net_url(text: str, value: object) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("not a url", '"not a url": invalid URI for request'),
        ("", '"": empty url'),
        ("https://a:b:c/", '"https://a:b:c/": invalid port ":b:c" after host'),
        ("https://a b/", '"https://a b/": invalid character " " in host name'),
        ("https://[1.2.3.4]/", '"https://[1.2.3.4]/": invalid IP-literal'),
        ("https://[::1/", "\"https://[::1/\": missing ']' in host"),
        ("/%zz", '"/%zz": invalid URL escape "%zz"'),
        ("/a\n", '"/a\\n": net/url: invalid control character in URL'),
        (":x", '":x": missing protocol scheme'),
        ("https://a^b@c/", '"https://a^b@c/": net/url: invalid userinfo'),
    ],
)
def test_bad_urls_are_refused_in_words(url: str, reason: str) -> None:
    assert error("url(object)", url) == PREFIX + reason
    assert evaluate("isURL(object)", url) is False


@pytest.mark.parametrize(
    "url",
    [
        "https://x/" + "%41" * LONG,
        "https://x/?" + "a=b&" * LONG,
        "https://" + "@" * LONG,
        "/" + "\ud800" * 10,
    ],
)
def test_hostile_urls_are_read_in_linear_time(url: str) -> None:
    assert evaluate("isURL(object) ? url(object).getQuery().size() + 1 : 0", url) in (0, 1, 2)


@given(st.binary(max_size=20), st.sampled_from([Part.PATH, Part.QUERY, Part.USER, Part.FRAGMENT]))
def test_unescaping_undoes_escaping(data: bytes, part: Part) -> None:
    assert unescape(escape(data, part), part) == data


@given(st.text(alphabet="ab:/?#[]@%20é&=.", max_size=15))
def test_one_text_gives_equal_urls(text: str) -> None:
    try:
        url = parse_url(text)
    except EvaluationError:
        return
    assert url == parse_url(text)
    assert hash(url) == hash(parse_url(text))


def test_a_text_that_is_a_url_to_the_server_may_be_none_to_the_language() -> None:
    """isURL reads a request's path (ParseRequestURI), url() then a host as well (Parse)."""
    assert evaluate("isURL(object)", "//%00") is True
    with pytest.raises(EvaluationError, match="invalid URL escape"):
        parse_url("//%00")
