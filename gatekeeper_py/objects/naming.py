"""Which names Kubernetes accepts, and what it says of those it does not (apimachinery/pkg/util/validation).

Each function gives the API server's complaints; none when the name is good.
"""

from __future__ import annotations

import re

__all__ = [
    "CEL_RESERVED",
    "LABEL_LENGTH",
    "SUBDOMAIN_LENGTH",
    "cel_identifier",
    "dns_label_1035",
    "dns_subdomain",
    "label_value",
    "path_segment",
    "qualified_name",
]

SUBDOMAIN_LENGTH = 253
LABEL_LENGTH = 63

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_NAME})?"

_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character"
)
_LABEL_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character"
)

CEL_RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let"}
    | {"loop", "namespace", "null", "package", "return", "true", "var", "void", "while"}
)
"""As `cel/syntax/tokens.py` has them, and a test holds both together: to import the language takes 0.4 s."""


def dns_subdomain(value: str, unit: str = "characters") -> list[str]:
    """Names of most objects, and API groups."""
    return [
        *_longer(value, SUBDOMAIN_LENGTH, unit),
        *_unlike(value, _SUBDOMAIN, _SUBDOMAIN_RULE, "example.com"),
    ]


def dns_label_1035(value: str) -> list[str]:
    """API versions, and kinds in lower case."""
    return [
        *_longer(value, LABEL_LENGTH, "characters"),
        *_unlike(value, _LABEL_1035, _LABEL_1035_RULE, "my-name", "abc-123"),
    ]


def label_value(value: str) -> list[str]:
    """Values of labels."""
    return [
        *_longer(value, LABEL_LENGTH, "bytes"),
        *_unlike(value, _VALUE, _VALUE_RULE, "MyValue", "my_value", "12345"),
    ]


def qualified_name(value: str) -> list[str]:
    """Keys of labels and annotations, names of match conditions: a name, or `subdomain/name`."""
    if value.count("/") > 1:
        (complaint,) = _unlike("/", _NAME, _NAME_RULE, "MyName", "my.name", "123-abc")
        example = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {complaint} {example}"]
    prefix, slash, name = value.rpartition("/")
    complaints = (
        [f"prefix part {complaint}" for complaint in dns_subdomain(prefix, "bytes")] if prefix else []
    )
    if slash and not prefix:
        complaints.append("prefix part must be non-empty")
    named = [] if name else ["must be non-empty"]
    named += _longer(name, LABEL_LENGTH, "bytes")
    named += _unlike(name, _NAME, _NAME_RULE, "MyName", "my.name", "123-abc")
    return complaints + [f"name part {complaint}" for complaint in named]


def path_segment(value: str) -> list[str]:
    """Names of objects as they may stand in a URL."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in value]


def cel_identifier(value: str) -> bool:
    """Whether a variable may have this name."""
    return bool(re.fullmatch("[_a-zA-Z][_a-zA-Z0-9]*", value)) and value not in CEL_RESERVED


def _longer(value: str, length: int, unit: str) -> list[str]:
    return [f"must be no more than {length} {unit}"] if len(value.encode()) > length else []


def _unlike(value: str, pattern: str, rule: str, *examples: str) -> list[str]:
    if re.fullmatch(pattern, value):
        return []
    shown = " or ".join(f"'{example}', " for example in examples)
    return [f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"]
