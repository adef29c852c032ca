"""Named formats and their validation messages (apiserver/pkg/cel/library/format.go).

The rules and their words are those of apimachinery/pkg/api/validate/content and of kube-openapi's strfmt.
Lengths are in bytes, as there.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import re2

from gatekeeper_py.cel.checking.declarations import Function, Library, Overload
from gatekeeper_py.cel.checking.types import STRING, Type, list_of, object_type, optional_of
from gatekeeper_py.cel.evaluation import costs
from gatekeeper_py.cel.evaluation.values import NONE, Optional
from gatekeeper_py.cel.library.urls import UrlError, check_request_uri

__all__ = ["FORMATS", "FORMAT_TYPE", "LIBRARY", "Format", "dns1123_label", "dns1123_subdomain"]

FORMAT_TYPE = object_type("kubernetes.NamedFormat", {})

LABEL_LENGTH = 63
SUBDOMAIN_LENGTH = 253

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_OLD_LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_NAME})?"
_UUID = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"
_BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"
_TIME = "^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$"
_DATE = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})")
_SURROGATES = re.compile("[\ud800-\udfff]")

_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_OLD_LABEL_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
_NAME_WORDS = (
    "must consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_EMPTY = "must be non-empty"


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    return re2.compile(pattern, options=options)


_LABEL_PATTERN, _SUBDOMAIN_PATTERN, _OLD_LABEL_PATTERN, _NAME_PATTERN, _VALUE_PATTERN = map(
    _compiled, (_LABEL, _SUBDOMAIN, _OLD_LABEL, _NAME, _VALUE)
)
_UUID_PATTERN, _BASE64_PATTERN, _TIME_PATTERN = map(_compiled, (_UUID, _BASE64, _TIME))


def _bytes(text: str) -> bytes:
    return (text if text.isascii() else _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)).encode()


def _too_long(length: int, unit: str) -> str:
    """Of names Kubernetes says characters, of the parts of labels bytes; it counts bytes."""
    return f"must be no more than {length} {unit}"


def _mismatch(words: str, pattern: str, *examples: str) -> str:
    """Kubernetes' words for a text that does not match a pattern; the stray comma is theirs."""
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{words} (e.g. {shown}regex used for validation is '{pattern}')"


def dns1123_label(text: str | bytes) -> list[str]:
    """What is wrong with a label of a DNS name (RFC 1123)."""
    data = text if isinstance(text, bytes) else _bytes(text)
    problems = [_too_long(LABEL_LENGTH, "characters")] if len(data) > LABEL_LENGTH else []
    if not _LABEL_PATTERN.fullmatch(data):
        if _SUBDOMAIN_PATTERN.fullmatch(data):
            problems.append("must not contain dots")
        else:
            problems.append(_mismatch(_LABEL_WORDS, _LABEL, "my-name", "123-abc"))
    return problems


def dns1123_subdomain(text: str | bytes, unit: str = "characters") -> list[str]:
    """What is wrong with a DNS name in lower case (RFC 1123)."""
    data = text if isinstance(text, bytes) else _bytes(text)
    problems = [_too_long(SUBDOMAIN_LENGTH, unit)] if len(data) > SUBDOMAIN_LENGTH else []
    if not _SUBDOMAIN_PATTERN.fullmatch(data):
        problems.append(_mismatch(_SUBDOMAIN_WORDS, _SUBDOMAIN, "example.com"))
    return problems


def _dns1035_label(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else _bytes(text)
    problems = [_too_long(LABEL_LENGTH, "characters")] if len(data) > LABEL_LENGTH else []
    if not _OLD_LABEL_PATTERN.fullmatch(data):
        problems.append(_mismatch(_OLD_LABEL_WORDS, _OLD_LABEL, "my-name", "abc-123"))
    return problems


def _prefix(check: Callable[[str | bytes], list[str]]) -> Callable[[str], list[str]]:
    """The check of a name to which something will be appended: it may end in a dash."""

    def check_prefix(text: str) -> list[str]:
        data = _bytes(text)
        return check(data[:-2] + b"a" if len(data) > 1 and data.endswith(b"-") else data)

    return check_prefix


def _qualified_name(text: str) -> list[str]:
    parts = text.split("/", 2)
    mismatch = _mismatch(_NAME_WORDS, _NAME, "MyName", "my.name", "123-abc")
    if len(parts) > 2:
        return [
            f"a valid label key {mismatch} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        ]
    problems = _name_prefix(parts[0]) if len(parts) == 2 else []
    name = _bytes(parts[-1])
    if not name:
        problems.append(f"name part {_EMPTY}")
    elif len(name) > LABEL_LENGTH:
        problems.append(f"name part {_too_long(LABEL_LENGTH, 'bytes')}")
    if not _NAME_PATTERN.fullmatch(name):
        problems.append(f"name part {mismatch}")
    return problems


def _name_prefix(prefix: str) -> list[str]:
    if not prefix:
        return [f"prefix part {_EMPTY}"]
    return [f"prefix part {problem}" for problem in dns1123_subdomain(prefix, "bytes")]


def _label_value(text: str) -> list[str]:
    data = _bytes(text)
    problems = [_too_long(LABEL_LENGTH, "bytes")] if len(data) > LABEL_LENGTH else []
    if not _VALUE_PATTERN.fullmatch(data):
        problems.append(_mismatch(_VALUE_WORDS, _VALUE, "MyValue", "my_value", "12345"))
    return problems


def _uri(text: str) -> list[str]:
    try:
        check_request_uri(text)
    except UrlError as error:
        return [str(error)]
    return []


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if not match:
        return False
    year, month, day = map(int, match.groups())
    return 1 <= month <= 12 and 1 <= day <= _days(year, month)


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if calendar.isleap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _is_datetime(text: str) -> bool:
    """What follows a second `t` counts for nothing; Kubernetes does not look at it either."""
    parts = text.lower().split("t", 2)
    if len(parts) < 2 or not _is_date(parts[0]) or not _TIME_PATTERN.fullmatch(_bytes(parts[1])):
        return False
    return parts[1][:2] <= "23" and parts[1][3:5] <= "59" and parts[1][6:8] <= "59"


def _accepted(accepts: Callable[[str], object], words: str) -> Callable[[str], list[str]]:
    """A check that has one thing to say."""
    return lambda text: [] if accepts(text) else [words]


@dataclass(frozen=True, slots=True)
class Format:
    """A format by name, and what it finds wrong with a text."""

    cel_type: ClassVar[Type] = FORMAT_TYPE

    name: str
    check: Callable[[str], list[str]] = field(compare=False)
    pattern_length: int = field(compare=False)
    """Characters of the regular expression, or of one that would do; the price goes by it."""

    def validate(self, text: str) -> Optional:
        """The problems, if there are any."""
        problems = self.check(text)
        return Optional(problems) if problems else NONE


_URL_PATTERN_LENGTH = 1103
_BASE64_PATTERN_LENGTH = 84
"""Of the patterns in govalidator, by which Kubernetes estimates the price."""

FORMATS = {
    "dns1123Label": Format("DNS1123Label", dns1123_label, 30),
    "dns1123Subdomain": Format("DNS1123Subdomain", dns1123_subdomain, 60),
    "dns1035Label": Format("DNS1035Label", _dns1035_label, 30),
    "qualifiedName": Format("QualifiedName", _qualified_name, 60),
    "dns1123LabelPrefix": Format("DNS1123LabelPrefix", _prefix(dns1123_label), 30),
    "dns1123SubdomainPrefix": Format("DNS1123SubdomainPrefix", _prefix(dns1123_subdomain), 60),
    "dns1035LabelPrefix": Format("DNS1035LabelPrefix", _prefix(_dns1035_label), 30),
    "labelValue": Format("LabelValue", _label_value, 40),
    "uri": Format("URI", _uri, _URL_PATTERN_LENGTH),
    "uuid": Format(
        "uuid",
        _accepted(lambda text: _UUID_PATTERN.fullmatch(_bytes(text)), "does not match the UUID format"),
        len(_UUID),
    ),
    "byte": Format(
        "byte",
        _accepted(lambda text: _BASE64_PATTERN.fullmatch(_bytes(text)), "invalid base64"),
        _BASE64_PATTERN_LENGTH,
    ),
    "date": Format("date", _accepted(_is_date, "invalid date"), len(_TIME)),
    "datetime": Format("datetime", _accepted(_is_datetime, "invalid datetime"), len(_TIME)),
}


def _named(name: str) -> Optional:
    return Optional(FORMATS[name]) if name in FORMATS else NONE


def _validate_cost(named: Format, text: str) -> int:
    return costs.regex(text, named.pattern_length)


def _constant(name: str, value: Format) -> Function:
    return Function(f"format.{name}", (Overload(f"format.{name}", (), FORMAT_TYPE, lambda: value),))


LIBRARY = Library(
    "kubernetes.format",
    functions=(
        Function("format.named", (Overload("format-named", (STRING,), optional_of(FORMAT_TYPE), _named),)),
        Function(
            "validate",
            (
                Overload(
                    "format-validate",
                    (FORMAT_TYPE, STRING),
                    optional_of(list_of(STRING)),
                    Format.validate,
                    member=True,
                    cost=_validate_cost,
                ),
            ),
        ),
        *(_constant(name, value) for name, value in FORMATS.items()),
    ),
)
