"""Eighteen expressions as Kubernetes policies have them, and the pods they look at."""

from __future__ import annotations

from typing import Any

__all__ = ["EXPRESSIONS", "pod"]

EXPRESSIONS = (
    "object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged)"
    " || c.securityContext.privileged == false)",
    "object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))",
    "object.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && has(c.resources.limits.memory))",
    "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath))",
    "object.spec.containers.all(c, !c.image.endsWith(':latest'))",
    "has(object.metadata.labels) && 'app' in object.metadata.labels",
    "!has(object.spec.hostNetwork) || object.spec.hostNetwork == false",
    "object.metadata.name.matches('^[a-z][a-z0-9-]*$')",
    "object.spec.containers.map(c, c.name).size() == object.spec.containers.size()",
    "object.spec.containers.filter(c, has(c.securityContext)).size() > 0",
    "object.spec.containers.exists(c, has(c.livenessProbe))",
    "object.spec.containers.all(c, has(c.securityContext) && has(c.securityContext.runAsNonRoot)"
    " && c.securityContext.runAsNonRoot)",
    "size(object.spec.containers) <= 2000",
    "object.spec.containers.all(c, !has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))",
    "object.metadata.namespace != 'kube-system' || object.metadata.name.startsWith('system-')",
    "object.spec.containers.all(c, has(c.resources.limits.cpu) && c.resources.limits.cpu != '')",
    "object.spec.containers.all(c, !has(c.securityContext.capabilities.add)"
    " || c.securityContext.capabilities.add.all(a, a in ['NET_BIND_SERVICE']))",
    "object.spec.containers.exists_one(c, c.name == 'c0')",
)


def pod(containers: int) -> dict[str, Any]:
    """A pod that satisfies most of the expressions, so that every container is looked at."""
    return {
        "metadata": {"name": "web-1", "namespace": "team-a", "labels": {"app": "web"}},
        "spec": {
            "containers": [_container(number) for number in range(containers)],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    }


def _container(number: int) -> dict[str, Any]:
    return {
        "name": f"c{number}",
        "image": f"registry.example.com/team/app{number}:1.2",
        "securityContext": {
            "privileged": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        },
        "resources": {"limits": {"memory": "128Mi", "cpu": "1"}},
        "ports": [{"containerPort": 8080}],
    }
