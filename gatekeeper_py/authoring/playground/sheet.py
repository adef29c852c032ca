"""What is on the page: the texts of its panes, and how the manifest is submitted."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson

from gatekeeper_py.policy.admission.request import OPERATIONS

__all__ = ["LONGEST", "PANES", "NotASheet", "Sheet"]

LONGEST = 256 * 1024
"""Characters of one pane: thrice the longest file that ships."""

PANES = ("policy", "manifest", "tenants", "cluster")


class NotASheet(ValueError):
    """What was sent is no sheet; the message says why."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """All of it; what a link holds."""

    policy: str = ""
    manifest: str = ""
    tenants: str = ""
    cluster: str = ""
    """What exists already."""
    operation: str = ""
    """Empty: CREATE, or what the subresource is asked by."""
    subresource: str = ""
    user: str = ""
    """Empty: a cluster administrator."""
    groups: str = ""
    """By comma."""
    namespace: str = ""
    """Where an object goes that names none."""

    @classmethod
    def read(cls, value: Any) -> Sheet:
        """A sheet of what a page sends; raises `NotASheet`."""
        if not isinstance(value, Mapping):
            raise NotASheet("a sheet is an object")
        names = {field.name for field in fields(cls)}
        if unknown := sorted(set(map(str, value)) - names):
            raise NotASheet(f"a sheet has no {unknown[0]}")
        for name, text in value.items():
            if not isinstance(text, str):
                raise NotASheet(f"{name} is no text")
            if len(text) > LONGEST:
                raise NotASheet(f"{name} is longer than {LONGEST} characters")
        sheet = cls(**value)
        if sheet.operation and sheet.operation not in OPERATIONS:
            raise NotASheet(f"operation is none of {', '.join(OPERATIONS)}")
        return sheet

    @property
    def fragment(self) -> str:
        """What a link holds behind its #: the sheet as JSON, deflated, in the alphabet of URLs."""
        squeeze = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
        squeezed = squeeze.compress(orjson.dumps(self.plain)) + squeeze.flush()
        return base64.urlsafe_b64encode(squeezed).decode().rstrip("=")

    @property
    def plain(self) -> dict[str, str]:
        """Its fields that say something."""
        return {name: text for name, text in asdict(self).items() if text}
