"""Runs the tests on a real node: `python -m tests.e2e.node [arguments of pytest]`, which is `make e2e-node`.

Where no node can run it says why and ends well: these tests are extra.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from image.__main__ import main as write_image
from image.debian import Impossible, cache
from tests.e2e.harness import Unavailable, assets
from tests.e2e.node import enclosure, virtual_kubelet
from tests.e2e.node.binaries import build, require_machine
from tests.e2e.node.images import ENGINE, ENGINE_ARCHIVE


def main(arguments: list[str]) -> int:
    tests = [argument for argument in arguments if argument.startswith("tests/")] or ["tests/e2e/node"]
    options = [argument for argument in arguments if argument not in tests]
    return enclosed([sys.executable, "-m", "pytest", *tests, *options], prepared)


def enclosed(command: Sequence[str], more: Callable[[], list[str]] = list) -> int:
    """Runs a command where a node can run; its exit code, or 0 where none can. `more` gives it further settings."""
    try:
        require_machine()
        control_plane = assets()
        build()
    except Unavailable as error:
        print(f"e2e-node: skipped, no node can run here: {error}", file=sys.stderr)
        return 0
    settings = [f"KUBEBUILDER_ASSETS={control_plane}", *more()]
    return enclosure.run(["env", *settings, *command])


def prepared() -> list[str]:
    """What takes longer to make than a test may take is made before; further settings."""
    with suppress(Unavailable):  # what needs it is skipped, and says so
        virtual_kubelet.build()
    return image_settings()


def image_settings() -> list[str]:
    """The engine's image; without one what needs it is skipped, and says so."""
    archive = cache() / "gatekeeper-py.tar"
    try:
        write_image(archive, ENGINE)
    except Impossible as error:
        print(f"e2e-node: no image of the engine: {error}", file=sys.stderr)
        return []
    return [f"{ENGINE_ARCHIVE}={archive}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
