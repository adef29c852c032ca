"""Runs the tests on a real node: `python -m tests.e2e.node [arguments of pytest]`, which is `make e2e-node`.

Where no node can run it says why and ends well: these tests are extra.
"""

from __future__ import annotations

import sys

from tests.e2e.harness import Unavailable, assets
from tests.e2e.node import enclosure
from tests.e2e.node.binaries import build, require_machine


def main(arguments: list[str]) -> int:
    try:
        require_machine()
        control_plane = assets()
        build()
    except Unavailable as error:
        print(f"e2e-node: skipped, no node can run here: {error}", file=sys.stderr)
        return 0
    tests = [argument for argument in arguments if argument.startswith("tests/")] or ["tests/e2e/node"]
    options = [argument for argument in arguments if argument not in tests]
    command = [sys.executable, "-m", "pytest", *tests, *options]
    return enclosure.run(["env", f"KUBEBUILDER_ASSETS={control_plane}", *command])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
