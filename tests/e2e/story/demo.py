"""`make demo-node`: the story for a person to watch, command by command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.e2e.harness import ADMIN, Kubectl, wait_for
from tests.e2e.node import enclosure
from tests.e2e.node.__main__ import enclosed
from tests.e2e.node.conftest import demo_pod, is_running
from tests.e2e.story.stage import Plane, Stage, stage
from tests.e2e.story.syncer import name_below
from tests.e2e.story.tenantplane import POD

Json = dict[str, Any]

SECONDS = 120
CONSOLE = Console(highlight=False)


def main() -> int:
    if not enclosure.inside():
        return enclosed([sys.executable, "-m", "tests.e2e.story.demo"])
    tell(
        "A super-user's API server, a node with gVisor, the engine; foo and bar get control planes of their own."
    )
    with stage(Path(tempfile.mkdtemp())) as played:  # it goes with the enclosure
        _play(played)
        if sys.stdin.isatty():
            _leave_to_look_around(played)
    return 0


def _play(played: Stage) -> None:
    super_user = played.host.kubectl()
    tell("Nobody asked for it: both control planes run in sandboxes, tagged with whose they are.")
    show(super_user, "get", "pods", "-A", "-l", f"app={POD}", "-L", "cost-center", "-o", "wide")
    for name in played.planes:
        CONSOLE.print(f"  kernel in {name}'s: {played.inside(name, POD, 'uname', '-r').strip()}")
    for plane in played.planes.values():
        _deploy(plane)
    tell("Below, the super-user sees what runs, whose it is, and in which class.")
    columns = "NAMESPACE:.metadata.namespace,NAME:.metadata.name,CLASS:.spec.runtimeClassName,TAG:.metadata.labels.cost-center"
    show(super_user, "get", "pods", "-A", "-o", f"custom-columns={columns}")
    _attack(played.planes["bar"])


def _deploy(plane: Plane) -> None:
    tell(f"{plane.owner.name} asks {plane.name}'s own API server for a pod.")
    plane.kubectl.apply(demo_pod("web"))
    wait_for("the pod", lambda: is_running(plane.kubectl.get("pod", "web")), SECONDS, 0.5)
    show(plane.kubectl, "get", "pods", "-o", "wide")


def _attack(bar: Plane) -> None:
    tell("bob is administrator of bar's API server, and asks there for the host's processes.")
    bar.kubectl.apply(demo_pod("hostile", hostPID=True))
    name = name_below("hostile", "default", "bar")
    wait_for("the answer", lambda: name in bar.syncer.refused, SECONDS, 0.5)
    show(bar.kubectl, "get", "pod", "hostile", "-o", "jsonpath={.status.conditions[*].message}{'\\n'}")


def tell(what: str) -> None:
    CONSOLE.print(f"\n[bold]{what}[/bold]")


def show(kubectl: Kubectl, *arguments: str) -> None:
    """A command, and what it says."""
    CONSOLE.print(f"  $ kubectl {' '.join(arguments)}", style="cyan", soft_wrap=True)
    for line in kubectl(*arguments).splitlines():
        CONSOLE.print(f"  {line}", markup=False, soft_wrap=True)


def _leave_to_look_around(played: Stage) -> None:
    """A shell where everything runs, with a kubeconfig for each of the three."""
    tell(
        'A shell to look around: kubectl --kubeconfig "$HOST", "$FOO" or "$BAR"; its end is the end of everything.'
    )
    configs = {"HOST": played.host.kubeconfig(ADMIN)}
    configs |= {name.upper(): plane.above.kubeconfig(plane.owner) for name, plane in played.planes.items()}
    path = f"{played.host.binaries}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **{name: str(config) for name, config in configs.items()}}
    subprocess.run([os.environ.get("SHELL", "/bin/sh")], env=environment, check=False)


if __name__ == "__main__":
    sys.exit(main())
