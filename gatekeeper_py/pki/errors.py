"""What can be wrong with certificates and keys in files."""

from __future__ import annotations

__all__ = ["CertificateError"]


class CertificateError(Exception):
    """A certificate or key that cannot be used or may not be replaced; says why and what to do."""
