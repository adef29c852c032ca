"""What ships, and the two tenants it is tried on: they are examples, and ship with nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["POLICIES", "SHIPPED", "TENANTS"]

ROOT = Path(__file__).parents[1]
POLICIES: Final = ROOT / "policies"
TENANTS: Final = ROOT / "examples" / "tenants"
"""foo and bar."""
SHIPPED: Final = (POLICIES, TENANTS)
