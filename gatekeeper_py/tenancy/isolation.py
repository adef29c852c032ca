"""How well a runtime handler isolates: by an exact list, for names and prefixes lie.

A class called `kata` may point at runc, and `kata-qemu-debug` opens a console into the guest; only a
handler listed here, or in the tenancy settings, isolates anything.

Left out on purpose: `enclave-cc` and `rune` guard a process of the node from the node, not the node from the
process; `urunc` runs an image that holds no unikernel with runc, so the tenant's image decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

__all__ = ["DEFAULT_HANDLERS", "LEVELS", "Level", "satisfies"]

Level = Literal["none", "sandbox", "vm"]
LEVELS: tuple[Level, ...] = ("none", "sandbox", "vm")
"""From weakest to strongest."""

_VM_HANDLERS = (
    # Kata Containers: the shims its deployment installs, without the debug and development ones.
    "kata",
    "kata-clh",
    "kata-cloud-hypervisor",
    "kata-dragonball",
    "kata-fc",
    "kata-qemu",
    "kata-qemu-runtime-rs",
    "kata-remote",
    "kata-stratovirt",
    # Kata with confidential guests.
    "kata-cc",
    "kata-qemu-cca",
    "kata-qemu-coco-dev",
    "kata-qemu-coco-dev-runtime-rs",
    "kata-qemu-nvidia-gpu",
    "kata-qemu-nvidia-gpu-snp",
    "kata-qemu-nvidia-gpu-tdx",
    "kata-qemu-se",
    "kata-qemu-se-runtime-rs",
    "kata-qemu-sev",
    "kata-qemu-snp",
    "kata-qemu-snp-runtime-rs",
    "kata-qemu-tdx",
    "kata-qemu-tdx-runtime-rs",
    "kata-clh-snp",
    "kata-clh-tdx",
    # Managed clusters: Azure's Kata pools.
    "kata-mshv-vm-isolation",
    "kata-vm-isolation",
    # Firecracker without Kata, and others that boot a guest for each pod.
    "aws.firecracker",
    "firecracker",
    "krun",
    "quark",
    # Hyper-V isolated Windows and Linux containers.
    "runhcs-wcow-hypervisor",
    "runhcs-wcow-hypervisor-17763",
    "runhcs-wcow-hypervisor-18362",
    "runhcs-wcow-hypervisor-19041",
    "runhcs-wcow-hypervisor-20348",
    "runhcs-lcow",
)
# gVisor: a kernel of its own as a process of the node.
_SANDBOX_HANDLERS = ("gvisor", "runsc", "runsc-kvm", "runsc-systrap")

DEFAULT_HANDLERS: Mapping[str, Level] = {
    **dict.fromkeys(_VM_HANDLERS, "vm"),
    **dict.fromkeys(_SANDBOX_HANDLERS, "sandbox"),
}


def satisfies(level: Level, least: str) -> bool:
    """Whether `level` isolates at least as well as `least`; no handler gives `virtual-node`."""
    return least in LEVELS and LEVELS.index(level) >= LEVELS.index(least)
