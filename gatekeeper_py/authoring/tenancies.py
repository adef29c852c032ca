"""The tenants that suites are tried on: a tenancy that comes with us by its name, or a file by its path."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from gatekeeper_py.manifests.manifest import Manifest, read, read_text

__all__ = ["TENANCIES", "named_tenancy"]

TENANCIES = ("example", "open", "closed", "unknown-kinds-refuse", "unknown-kinds-warn", "virtual-nodes")
"""`example` is the tenancy that ships in `policies/tenants`; `open` leaves alone what no Tenant claims, and
`closed` refuses it; the next two refuse kinds that nobody knows, or warn of them; the last has tenants on
virtual nodes of several kinds."""


def named_tenancy(name: str, folder: Path) -> tuple[Manifest, ...]:
    """The documents of a tenancy, or of a file or folder; raise `ManifestError` when there is none.

    A suite that names one of ours is tried on the same tenants wherever it is copied.
    """
    return _ours(name) if name in TENANCIES else read([folder / name])


@cache
def _ours(name: str) -> tuple[Manifest, ...]:
    text = files("gatekeeper_py.authoring").joinpath(f"data/{name}.yaml").read_bytes()
    return read_text(text, f"<{name}>")
