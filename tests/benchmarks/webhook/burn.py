"""`python -m tests.benchmarks.webhook.burn SHARE`: takes of the processors what an attack takes, and asks nothing.

One process works for a share of the time, as the attackers do, and one all the time, as far behind as the
children of long reviews stand. What a tenant then waits for is the machine; what it waits beyond that is our doing.
"""

from __future__ import annotations

import os
import sys
import time

from gatekeeper_py.webhook.child import NICE

SLICE = 0.01
"""Seconds in which the share is kept."""


def main(share: float) -> None:
    """Burn until killed, or until whoever started it has ended."""
    if os.fork() == 0:
        os.nice(NICE)
        share = 1.0
    parent = os.getppid()
    while os.getppid() == parent:
        end = time.monotonic() + SLICE
        while time.monotonic() < end - (1 - share) * SLICE:
            pass
        time.sleep(max(0.0, end - time.monotonic()))


if __name__ == "__main__":
    main(min(1.0, float(sys.argv[1])))
