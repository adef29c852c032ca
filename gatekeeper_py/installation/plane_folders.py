"""Folders of which tenants' API servers read their webhooks (KEP-5793), kept as the policies want them.

An API server follows its folder. What is written there is whole at every moment. No folder is begun:
`gatekeeper install --manifests DIR` does that, for it says where the API server finds it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gatekeeper_py.installation.plane_files import webhook_files
from gatekeeper_py.objects.resource import Object

__all__ = ["FolderError", "PlaneFolders"]


class FolderError(Exception):
    """A folder is not there, or cannot be written; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class PlaneFolders:
    """One for each control plane, called as it is."""

    root: Path

    def of(self, name: str) -> Path:
        """A control plane's."""
        return self.root / name

    def keep(self, name: str, configurations: Sequence[Object]) -> bool:
        """Have the files be so; whether they were otherwise. Raises `FolderError`."""
        folder = self.of(name)
        if not (folder / "admission.yaml").is_file():
            raise FolderError(f"{folder}: there are no files of gatekeeper install --manifests")
        changed = False
        for path, text in webhook_files(configurations).items():
            changed |= _keep(folder / path, text.encode())
        return changed


def _keep(file: Path, content: bytes) -> bool:
    try:
        with suppress(FileNotFoundError):
            if file.read_bytes() == content:
                return False
        _replace(file, content)
    except OSError as error:
        raise FolderError(f"{file}: {error.strerror}") from error
    return True


def _replace(file: Path, content: bytes) -> None:
    """By another that is whole: whoever reads meanwhile finds one of the two."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".gatekeeper-")
    try:
        with open(descriptor, "wb") as opened:
            opened.write(content)
        os.chmod(temporary, 0o600)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
