"""What all our pods do without: what the restricted level of Pod Security forbids, and a writable root."""

from __future__ import annotations

from typing import Final

from gatekeeper_py.objects.resource import Object

__all__ = ["USER", "restricted_container", "restricted_pod"]

USER: Final = 65532
"""Nobody's, as the image has it; and the group."""


def restricted_pod(**more: object) -> Object:
    """The security context of a pod, with more fields."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        **more,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def restricted_container() -> Object:
    """The security context of a container."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
