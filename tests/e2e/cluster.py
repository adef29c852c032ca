"""A real cluster whose tenancy documents are objects, guarded by the shipped policies."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from examples.demo import policies_in
from tests.e2e.conftest import CLASSES, IN_FORCE_SECONDS, PERMISSIONS, ROOT, admin_of, namespace
from tests.e2e.gatekeeper import Server
from tests.e2e.harness import GATEKEEPER, ControlPlane, Kubectl, wait_for

SECONDS = 15.0
CONFIGURATIONS = ("validatingwebhookconfiguration", "mutatingwebhookconfiguration")
DOCUMENTS = ("tenants", "waivers")


@dataclass
class Cluster:
    """An API server and the engine, both running."""

    plane: ControlPlane
    server: Server

    @property
    def admin(self) -> Kubectl:
        return self.plane.kubectl()

    def runs(self, where: str) -> bool:
        """Whether a tenant's pod is let into a namespace, and put into a virtual machine."""
        return '"runtimeClassName": "kata"' in self._run(where)[0]

    def said(self, where: str) -> str:
        """Why a tenant's pod is not let in."""
        return self._run(where)[1]

    def _run(self, where: str) -> tuple[str, str]:
        done = self.admin.run("run", "probe", "--image=probe", "--dry-run=server", "-o", "json", "-n", where)
        return done.stdout, done.stderr

    def ready(self) -> dict[str, Any]:
        """What `/readyz` says."""
        context = ssl.create_default_context(cafile=str(self.server.authority))
        with urllib.request.urlopen(f"{self.server.url}/readyz", context=context, timeout=5) as answer:
            found: dict[str, Any] = orjson.loads(answer.read())
            return found

    def row(self, name: str) -> tuple[str, ...]:
        """What `kubectl get tenants` prints of one: ready, reason, namespaces."""
        head, row = self.admin("get", "tenant", name).splitlines()[:2]
        starts = [head.index(column) for column in ("READY", "REASON", "NAMESPACES", "AGE")]
        return tuple(row[start:end].strip() for start, end in pairwise(starts))

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """For a while nobody asks the engine."""
        for kind in CONFIGURATIONS:
            self.admin("delete", kind, "gatekeeper")
        wait_for("the end of the webhooks", lambda: not self.runs("default"), SECONDS)
        try:
            yield
        finally:
            self.register()

    def register(self) -> None:
        self.server.register(self.admin)
        wait_for("the webhooks", lambda: "denied" in self._privileged(), IN_FORCE_SECONDS)

    def _privileged(self) -> str:
        return self.admin.run(
            "run", "probe", "--image=probe", "--privileged", "--dry-run=server", "-n", "default"
        ).stderr


@contextmanager
def guarded(plane: ControlPlane, folder: Path, namespaces: tuple[str, ...] = ()) -> Iterator[Cluster]:
    """The shipped policies with their tenants foo and bar, over a cluster that may hold more; and namespaces."""
    policies_in(folder)
    kubectl = plane.kubectl()
    for file in (*PERMISSIONS, "crds.yaml"):
        kubectl("apply", "-f", str(ROOT / "webhooks" / file))
    for plural in DOCUMENTS:
        kubectl("wait", "--for=condition=Established", f"crd/{plural}.tenancy.gatekeeper-py.dev")
    kubectl.apply(*CLASSES, *map(namespace, ("foo", "bar", *namespaces)))
    for name in ("foo", "bar"):
        kubectl.apply(*admin_of(name))
    server = Server(folder / "policies", folder, ["--kubeconfig", plane.kubeconfig(GATEKEEPER)])
    server.start()
    made = Cluster(plane, server)
    try:
        made.register()
        yield made
    finally:
        server.stop()
