"""Virtual nodes: how those of a kind are known, and what they cannot honour.

The kinds that ship, and where each fact comes from, stand in `virtual_nodes.yaml`; TenancySettings change
them and add others. How well such a node isolates is the operator's word: nothing in the cluster shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml

from gatekeeper_py.tenancy.patterns import glob_matches

__all__ = ["FEATURES", "VOLUMES", "Isolation", "NodeProfile", "known_profiles", "profiles_of"]

Isolation = Literal["none", "vm"]

FEATURES: Final[Mapping[str, str]] = {
    "argsWithoutCommand": "args of a container without its command",
    "attach": "kubectl attach",
    "daemonSets": "pods of DaemonSets",
    "ephemeralContainers": "ephemeral containers",
    "exec": "kubectl exec",
    "execArguments": "arguments of what kubectl exec runs",
    "hostAliases": "hostAliases",
    "hostNamespaces": "hostPID and hostIPC",
    "hostNetwork": "hostNetwork",
    "hostPorts": "hostPort",
    "initContainers": "init containers, sidecars among them",
    "lifecycleHooks": "postStart and preStop",
    "networkPolicies": "NetworkPolicies, which then hold nothing",
    "portForward": "kubectl port-forward",
    "portProbes": "probes by tcpSocket and grpc",
    "privileged": "privileged containers",
    "resize": "resizing a pod that runs",
    "resourceClaims": "devices by ResourceClaims",
    "runtimeClasses": "runtime classes",
    "startupProbes": "startup probes",
    "windows": "pods of Windows",
}
"""What a virtual node may lack, and what is meant by it."""

VOLUMES: Final = (
    *(
        "awsElasticBlockStore",
        "azureDisk",
        "azureFile",
        "cephfs",
        "cinder",
        "configMap",
        "csi",
        "downwardAPI",
    ),
    *("emptyDir", "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs"),
    *("hostPath", "image", "iscsi", "nfs", "persistentVolumeClaim", "photonPersistentDisk", "portworxVolume"),
    *("projected", "quobyte", "rbd", "scaleIO", "secret", "storageos", "vsphereVolume"),
)
"""The kinds of volumes there are (k8s.io/api/core/v1, VolumeSource, 1.36)."""


@dataclass(frozen=True, slots=True)
class NodeProfile:
    """What is known of virtual nodes of one kind."""

    name: str
    isolation: Isolation = "none"
    """How well they isolate: nothing, unless the settings say that each pod is a virtual machine."""
    selector: Mapping[str, str] = field(default_factory=dict)
    """Labels that all of them have, and no other node."""
    tolerations: tuple[Mapping[str, Any], ...] = ()
    """Of the taints that keep other pods off."""
    node_names: tuple[str, ...] = ()
    """Patterns of how they are called."""
    scheduler: str = ""
    """What sends pods there; empty for the cluster's own."""
    volumes: tuple[str, ...] = ()
    csi_drivers: tuple[str, ...] = ()
    extended_resources: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    """Of FEATURES, what they cannot honour."""

    @property
    def taints(self) -> frozenset[str]:
        """The keys of their taints."""
        return frozenset(str(toleration["key"]) for toleration in self.tolerations)

    def holds(self, name: str, labels: Mapping[str, Any]) -> bool:
        """Whether a node is one of them: by its labels, or by its name while nobody knows its labels."""
        if labels:
            return bool(self.selector) and self.selector.items() <= labels.items()
        return any(glob_matches(pattern, name) for pattern in self.node_names)

    def contradicts(self, selector: Mapping[str, str]) -> tuple[str, ...]:
        """The labels of which a selector asks for another value than these nodes have."""
        return tuple(key for key, value in selector.items() if self.selector.get(key, value) != value)


def profiles_of(stated: Iterable[Mapping[str, Any]]) -> Mapping[str, NodeProfile]:
    """All profiles by name: those that ship, with what settings state put in their place or beside them."""
    found = dict(known_profiles())
    for spec in stated:
        found[spec["name"]] = _changed(found.get(spec["name"], NodeProfile(spec["name"])), spec)
    return found


@cache
def known_profiles() -> Mapping[str, NodeProfile]:
    """The profiles that ship, by name."""
    text = files(__package__).joinpath("virtual_nodes.yaml").read_text(encoding="utf-8")
    data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {name: _changed(NodeProfile(name), spec) for name, spec in data.items()}


TUPLES: Final[Mapping[str, str]] = {
    "tolerations": "tolerations",
    "nodeNames": "node_names",
    "volumes": "volumes",
    "csiDrivers": "csi_drivers",
    "extendedResources": "extended_resources",
    "lacks": "lacks",
}


def _changed(profile: NodeProfile, spec: Mapping[str, Any]) -> NodeProfile:
    """A profile with what a spec says of it; `lacks` may say where it knows that from."""
    fields: dict[str, Any] = {TUPLES[key]: tuple(value) for key, value in spec.items() if key in TUPLES}
    fields |= {key: spec[key] for key in ("isolation", "selector", "scheduler") if key in spec}
    return replace(profile, **fields)
