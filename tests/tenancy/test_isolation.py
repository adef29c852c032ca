"""How well a runtime handler isolates."""

from __future__ import annotations

import pytest

from gatekeeper_py.tenancy.isolation import DEFAULT_HANDLERS, LEVELS, Level, satisfies


@pytest.mark.parametrize(
    ("handler", "level"),
    [
        ("kata", "vm"),
        ("kata-qemu", "vm"),
        ("kata-fc", "vm"),
        ("kata-qemu-snp", "vm"),
        ("kata-mshv-vm-isolation", "vm"),
        ("runhcs-wcow-hypervisor", "vm"),
        ("runsc", "sandbox"),
        ("gvisor", "sandbox"),
    ],
)
def test_a_known_handler_isolates(handler: str, level: Level) -> None:
    assert DEFAULT_HANDLERS[handler] == level


@pytest.mark.parametrize(
    "handler",
    [
        "",
        "runc",
        "crun",
        "kata-qemu-debug",  # a console into the guest
        "kata-dev",
        "kata-",
        "kata-runc",
        "KATA",
        "kata ",
        "kata\n",
        "kаta",  # with a Cyrillic letter
        "runhcs-wcow-process",  # a process of the node
        "runsc-debug",
        "enclave-cc",  # guards the process from the node, not the node from the process
        "rune",
        "urunc",  # runs what is no unikernel with runc
    ],
)
def test_a_handler_that_only_looks_like_one_isolates_nothing(handler: str) -> None:
    assert handler not in DEFAULT_HANDLERS


def test_no_handler_for_debugging_is_listed() -> None:
    assert not [name for name in DEFAULT_HANDLERS if "debug" in name]


def test_handlers_have_levels_that_exist() -> None:
    assert set(DEFAULT_HANDLERS.values()) == {"vm", "sandbox"} <= set(LEVELS)


@pytest.mark.parametrize(
    ("level", "satisfied"),
    [("none", {"none"}), ("sandbox", {"none", "sandbox"}), ("vm", {"none", "sandbox", "vm"})],
)
def test_a_level_satisfies_itself_and_what_is_weaker(level: Level, satisfied: set[str]) -> None:
    assert {
        least for least in (*LEVELS, "virtual-node", "", "VM", "v") if satisfies(level, least)
    } == satisfied
