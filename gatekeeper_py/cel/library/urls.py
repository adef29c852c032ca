"""URLs: `url`, `isURL` and their parts (apiserver/pkg/cel/library/urls.go).

URLs are read as Go's net/url reads them, byte by byte. What is decoded to bytes that are no UTF-8 shows
U+FFFD, as it does where Kubernetes writes such a string out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import unquote_to_bytes

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import BOOL, STRING, Type, list_of, map_of, object_type
from gatekeeper_py.cel.errors import EvaluationError
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.library.ip import AddressError, parse_address
from gatekeeper_py.golang.quoting import quote

__all__ = ["LIBRARY", "URL", "URL_TYPE", "UrlError", "check_request_uri"]

URL_TYPE = object_type("kubernetes.URL", {})

_UNRESERVED = rb"A-Za-z0-9\-_.~"


class Part(Enum):
    """A part of a URL, by the bytes that need no escape in it."""

    PATH = _UNRESERVED + rb"$&+,/:;=@"
    USER = _UNRESERVED + rb"$&+,;="
    HOST = _UNRESERVED + rb"!$&'()*+,;=:\[\]<>\""
    QUERY = _UNRESERVED
    FRAGMENT = _UNRESERVED + rb"$&+,/:;=?@!()*"

    @property
    def outside(self) -> re.Pattern[bytes]:
        """Finds a byte that must be escaped."""
        return _OUTSIDE[self]


_OUTSIDE = {part: re.compile(rb"[^" + part.value + rb"]") for part in Part}
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(rb"([A-Za-z][A-Za-z0-9+.\-]*):")
_PORT = re.compile(rb"(?::[0-9]*)?")
_USERINFO = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_ENCODED_PATH = re.compile(rb"[" + Part.PATH.value + rb"!'()*\[\]%]*")
_ENCODED_FRAGMENT = re.compile(rb"[" + Part.FRAGMENT.value + rb"'\[\]%]*")
_SPECIAL = re.compile(rb"[%+;]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class UrlError(Exception):
    """A text is no URL; the message is net/url's."""


@dataclass(frozen=True)
class URL:
    """A URL, in the parts net/url keeps; equal to another that is written the same."""

    cel_type: ClassVar[Type] = URL_TYPE

    scheme: bytes = b""
    opaque: bytes = b""
    user: tuple[bytes, bytes | None] | None = None
    """Name and password, decoded."""
    host: bytes = b""
    """Host and port."""
    path: bytes = b""
    """Decoded."""
    raw_path: bytes = b""
    """The path as written, where that is not the usual way to escape it."""
    fragment: bytes = b""
    raw_fragment: bytes = b""
    query: bytes = b""
    force_query: bool = False
    omit_host: bool = False

    def __eq__(self, other: object) -> bool:
        return self.written == other.written if isinstance(other, URL) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.written)

    def __str__(self) -> str:
        return _text(self.written)

    @cached_property
    def written(self) -> bytes:
        """The whole URL, escaped as net/url does."""
        pieces = [self.scheme + b":" if self.scheme else b""]
        pieces.append(self.opaque or self._hierarchy(bool(self.scheme)))
        if self.force_query or self.query:
            pieces.append(b"?" + self.query)
        if self.fragment:
            pieces.append(b"#" + self._escaped_fragment())
        return b"".join(pieces)

    def _hierarchy(self, after_scheme: bool) -> bytes:
        written = b""
        authority = bool(self.host or self.user)
        if (after_scheme or authority) and (authority or not self.omit_host):
            written = b"//" if authority or self.path else b""
            written += _written_user(self.user) + escape(self.host, Part.HOST)
        path = self.escaped_path
        if path and not path.startswith(b"/") and self.host:
            written += b"/"
        if not after_scheme and not written and b":" in path.partition(b"/")[0]:
            written = b"./"
        return written + path

    @cached_property
    def escaped_path(self) -> bytes:
        """The path as it is sent."""
        if self.raw_path and _ENCODED_PATH.fullmatch(self.raw_path):
            return self.raw_path
        return b"*" if self.path == b"*" else escape(self.path, Part.PATH)

    def _escaped_fragment(self) -> bytes:
        if self.raw_fragment and _ENCODED_FRAGMENT.fullmatch(self.raw_fragment):
            return self.raw_fragment
        return escape(self.fragment, Part.FRAGMENT)

    @cached_property
    def host_and_port(self) -> tuple[bytes, bytes]:
        """Host, without the brackets of an IPv6 address, and port."""
        host, colon, port = self.host.rpartition(b":")
        if not (colon and _PORT.fullmatch(colon + port)):
            host, port = self.host, b""
        if host.startswith(b"[") and host.endswith(b"]"):
            host = host[1:-1]
        return host, port

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """The query: each key with its values; what is not well formed is left out."""
        if not _SPECIAL.search(self.query):
            return _plain_parameters(_text(self.query))
        found: dict[bytes, list[str]] = {}
        for pair in self.query.split(b"&"):
            if b";" in pair or not pair:
                continue
            key, _, value = pair.partition(b"=")
            try:
                name, content = unescape(key, Part.QUERY), unescape(value, Part.QUERY)
            except UrlError:
                continue
            found.setdefault(name, []).append(_text(content))
        return {_text(name): contents for name, contents in found.items()}


def _plain_parameters(query: str) -> dict[str, list[str]]:
    """The parameters of a query that escapes nothing."""
    found: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            found.setdefault(name, []).append(value)
    return found


def _text(data: bytes) -> str:
    """Bytes as text; each that belongs to no character is U+FFFD."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", data.decode("utf-8", "surrogateescape"))


def _bytes(text: str) -> bytes:
    if not text.isascii():
        text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text.encode()


def _written_user(user: tuple[bytes, bytes | None] | None) -> bytes:
    if user is None:
        return b""
    name, password = user
    written = escape(name, Part.USER)
    if password is not None:
        written += b":" + escape(password, Part.USER)
    return written + b"@"


def escape(data: bytes, part: Part) -> bytes:
    """`data` with every byte escaped that may not stand in this part."""
    return part.outside.sub(lambda match: b"%%%02X" % match.group()[0], data)


def unescape(data: bytes, part: Part, zone: bool = False) -> bytes:
    """`data` with its escapes resolved; raise `UrlError` for those this part cannot have.

    The zone of an IPv6 address in a host may escape more than the rest of it.
    """
    _check_escapes(data, part, zone)
    if part is Part.QUERY:
        data = data.replace(b"+", b" ")
    return unquote_to_bytes(data)


def _check_escapes(data: bytes, part: Part, zone: bool) -> None:
    problem = _BAD_ESCAPE.search(data)
    end = problem.start() if problem else len(data)
    if part is Part.HOST:
        _check_host_bytes(data, end, zone)
    if problem:
        raise _bad_escape(data[end : end + 3])


def _bad_escape(data: bytes) -> UrlError:
    return UrlError(f"invalid URL escape {quote(_text(data))}")


def _check_host_bytes(data: bytes, end: int, zone: bool) -> None:
    """Up to `end`: a host escapes only what is not ASCII, a zone only what could stand there as well."""
    position = 0
    while position < end:
        if data[position] == 0x25:
            sequence = data[position : position + 3]
            byte = int(sequence[1:], 16)
            if sequence != b"%25" and _forbidden_escape(byte, zone):
                raise _bad_escape(sequence)
            position += 3
            continue
        byte = data[position]
        if byte < 0x80 and Part.HOST.outside.match(data, position):
            raise UrlError(f"invalid character {quote(chr(byte))} in host name")
        position += 1


def _forbidden_escape(byte: int, zone: bool) -> bool:
    if not zone:
        return byte < 0x80
    return byte != 0x20 and Part.HOST.outside.match(bytes((byte,))) is not None


def _parse(data: bytes, request: bool) -> URL:
    """A URL; of a `request`, absolute or an absolute path and without a fragment."""
    if _CONTROL.search(data):
        raise UrlError("net/url: invalid control character in URL")
    if not data and request:
        raise UrlError("empty url")
    if data == b"*":
        return URL(path=b"*")
    scheme, rest = _split_scheme(data)
    force_query = rest.endswith(b"?") and rest.count(b"?") == 1
    rest, _, query = rest.partition(b"?")
    if scheme and not rest.startswith(b"/"):
        return URL(scheme=scheme, opaque=rest, query=query, force_query=force_query)
    if not rest.startswith(b"/"):
        _check_relative(rest, request)
    located = _parse_location(scheme, rest, request)
    return replace(located, query=query, force_query=force_query)


def _check_relative(path: bytes, request: bool) -> None:
    """Whether a path may begin without a slash."""
    if request:
        raise UrlError("invalid URI for request")
    if b":" in path.partition(b"/")[0]:
        raise UrlError("first path segment in URL cannot contain colon")


def _parse_location(scheme: bytes, rest: bytes, request: bool) -> URL:
    """A URL from what stands before its query."""
    user, host = None, b""
    authority = rest.startswith(b"//") and (scheme or not (request or rest.startswith(b"///")))
    if authority:
        head, slash, tail = rest[2:].partition(b"/")
        rest = slash + tail
        user, host = _parse_authority(scheme, head)
    path = unescape(rest, Part.PATH)
    return URL(
        scheme=scheme,
        user=user,
        host=host,
        path=path,
        raw_path=b"" if escape(path, Part.PATH) == rest else rest,
        omit_host=bool(scheme) and not authority and rest.startswith(b"/"),
    )


def _split_scheme(data: bytes) -> tuple[bytes, bytes]:
    if data.startswith(b":"):
        raise UrlError("missing protocol scheme")
    match = _SCHEME.match(data)
    return (match[1].lower(), data[match.end() :]) if match else (b"", data)


def _parse_authority(scheme: bytes, authority: bytes) -> tuple[tuple[bytes, bytes | None] | None, bytes]:
    userinfo, at, host = authority.rpartition(b"@")
    host = _parse_host(scheme, host)
    if not at:
        return None, host
    if not _USERINFO.fullmatch(userinfo):
        raise UrlError("net/url: invalid userinfo")
    name, colon, password = userinfo.partition(b":")
    user = unescape(name, Part.USER)
    return (user, unescape(password, Part.USER) if colon else None), host


def _parse_host(scheme: bytes, host: bytes) -> bytes:
    bracket = host.rfind(b"[")
    if bracket > 0:
        raise UrlError("invalid IP-literal")
    if bracket == 0:
        return _parse_literal(host)
    colon = host.find(b":")
    if colon >= 0:
        # A list of hosts with ports is taken as one host, but not in http and https.
        if scheme not in (b"http", b"https"):
            colon = host.rfind(b":")
        _check_port(host[colon:])
    return unescape(host, Part.HOST)


def _check_port(port: bytes) -> None:
    if not _PORT.fullmatch(port):
        raise UrlError(f"invalid port {quote(_text(port))} after host")


def _parse_literal(host: bytes) -> bytes:
    """`[address]`, perhaps with a port."""
    close = host.rfind(b"]")
    if close < 0:
        raise UrlError("missing ']' in host")
    _check_port(host[close + 1 :])
    port = unescape(host[close + 1 :], Part.HOST)
    name = host[1:close]
    zone = name.find(b"%25")
    if zone >= 0:
        name = unescape(name[:zone], Part.HOST) + unescape(name[zone:], Part.HOST, zone=True)
    else:
        name = unescape(name, Part.HOST)
    try:
        address, _ = parse_address(_text(name))
    except AddressError as error:
        raise UrlError(f"invalid host: {error}") from None
    if address.family == 4:
        raise UrlError("invalid IP-literal")
    return b"[" + name + b"]" + port


def check_request_uri(text: str) -> None:
    """Raise `UrlError`, worded as net/url's, unless `text` is an absolute URL or an absolute path."""
    try:
        _parse(_bytes(text), request=True)
    except UrlError as error:
        raise UrlError(f"parse {quote(text)}: {error}") from None


def parse_url(text: str) -> URL:
    """The URL `text` spells, with its fragment."""
    try:
        check_request_uri(text)
        return _parse_reference(text)
    except UrlError as error:
        raise EvaluationError(f"URL parse error during conversion from string: {error}") from None


def _parse_reference(text: str) -> URL:
    head, _, tail = _bytes(text).partition(b"#")
    try:
        parsed = _parse(head, request=False)
    except UrlError as error:
        raise UrlError(f"parse {quote(_text(head))}: {error}") from None
    if not tail:
        return parsed
    try:
        fragment = unescape(tail, Part.FRAGMENT)
    except UrlError as error:
        raise UrlError(f"parse {quote(text)}: {error}") from None
    raw = b"" if escape(fragment, Part.FRAGMENT) == tail else tail
    return replace(parsed, fragment=fragment, raw_fragment=raw)


def _is_url(text: str) -> bool:
    try:
        _parse(_bytes(text), request=True)
    except UrlError:
        return False
    return True


def _reading(name: str, identifier: str, read: Any, result: Type = STRING) -> Function:
    """A method without arguments; `read` gives its result."""
    return Function(name, (Overload(identifier, (URL_TYPE,), result, read, member=True),))


LIBRARY = Library(
    "kubernetes.urls",
    functions=(
        Function("url", (Overload("string_to_url", (STRING,), URL_TYPE, parse_url, cost=costs.traversal),)),
        Function(
            "isURL", (Overload("is_url_string", (STRING,), BOOL, _is_url, work=lambda text: len(text) // 4),)
        ),
        _reading("getScheme", "url_get_scheme", lambda url: _text(url.scheme)),
        _reading("getHost", "url_get_host", lambda url: _text(url.host)),
        _reading("getHostname", "url_get_hostname", lambda url: _text(url.host_and_port[0])),
        _reading("getPort", "url_get_port", lambda url: _text(url.host_and_port[1])),
        _reading("getEscapedPath", "url_get_escaped_path", lambda url: _text(url.escaped_path)),
        _reading("getQuery", "url_get_query", lambda url: url.parameters, map_of(STRING, list_of(STRING))),
    ),
)
