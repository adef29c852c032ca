"""External material beside the checkout: recorded corpora and research tables."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("GATEKEEPER_SHARED", Path(__file__).parents[2] / "shared"))

needs_shared = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not SHARED.is_dir(), reason=f"no external corpora at {SHARED} (set GATEKEEPER_SHARED)"
    ),
]
"""`pytestmark = needs_shared` in a module whose tests read the corpora."""


def corpus(name: str) -> list[dict[str, Any]]:
    """The documents of `corpora/<name>.jsonl`; none when the corpora are absent (the tests then skip)."""
    path = SHARED / "corpora" / f"{name}.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
