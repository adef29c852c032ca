"""What a message says may be granted or raised exists on a Tenant, and once it is given the request is admitted.

Each case of the shipped suites whose message ends so is asked again with its tenant's document changed as the message says.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gatekeeper_py.authoring.runner import documents_of, engine_for, request_of
from gatekeeper_py.authoring.suite import Case, Suite, find_suites, read_suite
from gatekeeper_py.engine import Engine
from gatekeeper_py.manifests.manifest import Manifest
from tests.shipped import POLICIES

GRANTED = re.compile(
    r"have (?:(?:it|one|them|the driver) granted(?: to tenant [\w-]+)? \(([\w.]+)\)|(?:it )?([\w.]+) raised)$"
)
TENANT = re.compile(r"tenant ([a-z0-9-]+)")
QUOTED = re.compile(r'"([^"]+)"')
HIGHEST = {"loadBalancers": 0, "namespaces": 0, "nodePorts": 0, "pods": 0, "replicas": 0, "snapshots": 0}
"""No limit, of what is counted; of what is measured that is "0"."""
EVERY_ADDRESS = ["0.0.0.0/0", "::/0"]

NAMED = "a tenant without any class is told that it has to be granted one"
"""The case in which a pod has to name what was granted before it is admitted."""


@dataclass(frozen=True)
class Asked:
    """One message of a suite that says what may be granted."""

    suite: Suite
    case: Case
    field: str
    message: str

    @property
    def tenant(self) -> str:
        found = TENANT.search(self.message)
        return found.group(1) if found else str(self.case.object["metadata"].get("namespace", ""))

    @property
    def documented(self) -> bool:
        """Whether the tenant has a document, where something may be granted."""
        return any(map(self._of_the_tenant, documents_of(self.suite, ())))

    @property
    def granting(self) -> tuple[Manifest, ...]:
        return tuple(self._granted(each) for each in documents_of(self.suite, ()))

    def _of_the_tenant(self, document: Manifest) -> bool:
        return (document.object["kind"], document.object["metadata"]["name"]) == ("Tenant", self.tenant)

    def _granted(self, document: Manifest) -> Manifest:
        if not self._of_the_tenant(document):
            return document
        changed = copy.deepcopy(document.object)
        grant(changed.setdefault("spec", {}), self.field, self)
        return replace(document, object=changed)


def _below(value: object, name: str) -> Iterator[Any]:
    """What stands under a name, however deep."""
    for key, each in value.items() if isinstance(value, dict) else ():
        yield from [each] if key == name else _below(each, name)
    for each in value if isinstance(value, list) else ():
        yield from _below(each, name)


def _tolerations(asked: Asked) -> list[Any]:
    return [each for found in _below(asked.case.object, "tolerations") for each in found]


def _issuer(asked: Asked) -> list[Any]:
    kinds = re.findall(r"(\w*Cluster\w*)[/ ]", asked.message) or ["Signer"]
    return [f"{kinds[0]}/*"]


def _quoted(asked: Asked) -> str:
    found = QUOTED.search(asked.message)
    assert found, asked.message
    return found.group(1)


VALUES: dict[str, Callable[[Asked], Any]] = {
    "annotations": lambda asked: [_quoted(asked)],
    "clusterIssuers": _issuer,
    "csiDrivers": lambda asked: list(_below(asked.case.object, "driver")),
    "externalIPs": lambda _: EVERY_ADDRESS,
    "manualSelectors": lambda _: True,
    "nameservers": lambda _: EVERY_ADDRESS,
    "openTraffic": lambda _: ["ingress", "egress"],
    "tolerations": _tolerations,
    "topologyKeys": lambda asked: [_quoted(asked), "kubernetes.io/hostname"],
}
"""What a list gets that does not take * for everything."""


def grant(spec: dict[str, Any], field: str, asked: Asked) -> None:
    """Give a tenant what a message says may be given. What is no field the engine refuses to load."""
    *above, name = field.split(".")
    for each in above:
        spec = spec.setdefault(each, {})
    if above and above[0] in ("limits", "ceiling"):
        spec[name] = HIGHEST.get(name, "0")
    elif name.endswith("Classes") or name == "schedulers":
        spec.setdefault(name, {})["allowed"] = ["*"]
    else:
        spec[name] = VALUES[name](asked) if name in VALUES else ["*"]


def asked_of(path: Path) -> Iterator[Asked]:
    """What the messages of a suite say may be granted, once for each field."""
    suite = read_suite(path)
    engine = engine_for(suite)
    seen: set[str] = set()
    for case in suite.cases:
        status = engine.review(request_of(case, engine.cluster)).status
        for cause in status.causes if status is not None else ():
            said = GRANTED.search(cause.message)
            asked = Asked(suite, case, (said.group(1) or said.group(2)) if said else "", cause.message)
            if asked.field and asked.documented and asked.field not in seen:
                seen.add(asked.field)
                yield asked


def test_what_a_message_asks_for_is_there_and_admits() -> None:
    fields: set[str] = set()
    refused = []
    for asked in (asked for path in find_suites([POLICIES]) for asked in asked_of(path)):
        fields.add(asked.field)
        engine = Engine.load(asked.granting, engine_for(asked.suite).cluster, whole=False)
        if not engine.review(request_of(asked.case, engine.cluster)).allowed:
            refused.append((asked.case.name, asked.message))
    assert [name for name, _ in refused] == [NAMED], refused
    assert len(fields) >= 36, sorted(fields)
