"""Marks that a text holds: many custom kinds have whole objects, patches, templates or settings as text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper_py.tenancy.tenant import GROUP

__all__ = ["key_within", "written_marks"]

DOMAINS = (
    *(GROUP, "capsule.clastix.io", "projectcapsule.dev", "reflector.v1.k8s.emberstack.com"),
    *("replicator.v1.mittwald.de", "kubed.appscode.com", "config-syncer.appscode.com"),
)
"""Of keys by which the platform, and what copies objects for it, know an object."""
WORD = re.compile("|".join(sorted({domain.partition(".")[0] for domain in DOMAINS})))
"""What a text has that holds one, however its dots are written."""
DOTTED = "|".join(re.escape(domain).replace(r"\.", r"\\*[.]") for domain in DOMAINS)
"""The domains as flags of Helm have them, too: with a backslash before each dot."""
KEY = re.compile(rf"(?:{DOTTED})(?:/|~1)[A-Za-z0-9._-]+")
"""A key, as it is or as JSON Patch has it in a path (RFC 6901)."""
VALUE = re.compile(
    r"[\"'\\]*\s*(?:[:=]|,?\s*[\"'\\]*value[\"'\\]*\s*:)\s*[\"'\\]*(?P<value>[^\s\"'\\,;}\]]*)", re.IGNORECASE
)
"""What gives it a value behind it: `key: value`, `key=value`, `"key":"value"`, or `value:` of a patch."""
POINTED = "~1"


def written_marks(text: str) -> Iterator[tuple[str, str]]:
    """Keys and values that a text gives to something; a key that is only mentioned is none."""
    if WORD.search(text) is None:
        return
    for match in KEY.finditer(text):
        value = VALUE.match(text, match.end())
        if value is not None or POINTED in match[0] or match[0] == text:
            yield _plain(match[0]), value["value"] if value is not None else ""


def key_within(name: str) -> str:
    """The key that the name of a field ends with, as in `spark.kubernetes.driver.label.` and a key."""
    match = KEY.search(name) if WORD.search(name) is not None else None
    return _plain(match[0]) if match is not None else ""


def _plain(written: str) -> str:
    return written.replace("\\", "").replace(POINTED, "/")
