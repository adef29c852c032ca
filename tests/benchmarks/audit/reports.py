"""`python -m tests.benchmarks.audit.reports`: the memory of each form of report about 100,000 objects that violate.

The bar is 300 MiB. What a process has before, engine and policies, is about 50 MiB more.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator

from gatekeeper_py.audit.outcome import Outcome
from gatekeeper_py.audit.scan import Audited
from gatekeeper_py.audit.target import Target
from gatekeeper_py.cli.reporting import REPORTS
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.resource import GroupVersionKind, GroupVersionResource
from gatekeeper_py.policy.admission.decision import Finding

OBJECTS, UNREAD = 100_000, 10_000

KIND, RESOURCE = GroupVersionKind("", "v1", "Pod"), GroupVersionResource("", "v1", "pods")

FINDINGS = (
    Finding(
        "privileged", "b", "containers[0] is privileged; remove it", ("Deny",), metadata={"severity": "high"}
    ),
    Finding("restricted", "b", "for the restricted level set runAsNonRoot and seccompProfile", ("Warn",)),
)


def outcome() -> Outcome:
    """Of pods that a policy denies and another warns of, and of files that could not be read."""
    unread = tuple(Problem(f"apps/{number}.yaml", 1, 1, "not valid YAML") for number in range(UNREAD))
    return Outcome(tuple(_pods()), unread)


def _pods() -> Iterator[Audited]:
    for number in range(OBJECTS):
        tenant = ("foo", "bar")[number % 2]
        place = ("<stdin>", 70 * number + 1, 1)
        target = Target(
            KIND, RESOURCE, tenant, f"web-{number}", *place, asked_as="alice", runtime_class="kata"
        )
        yield Audited(target, tenant, FINDINGS, ())


def measure(form: str) -> None:
    """Make a report in a process of its own, and print what that took."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    length = sum(map(len, REPORTS[form](outcome())))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{form:13} {most >> 10:5} MiB for {length >> 20:4} MiB of report", flush=True)
    os._exit(0)


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(REPORTS):
        measure(name)
