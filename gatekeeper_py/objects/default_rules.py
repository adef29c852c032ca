"""Defaults that depend on other fields, one function a type; the constants are in data/defaults.yaml.

Each is what `SetDefaults_<Type>` of kubernetes 1.36 pkg/apis/*/v1/defaults.go does, or what a conversion of
that group does (pkg/apis/*/v1/conversion.go). A function changes its argument, a fresh object, in place.
Parents come before their parts.
"""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TypeAlias

from gatekeeper_py.golang import quantities as quantity
from gatekeeper_py.objects.resource import Object

__all__ = ["AFTER", "BEFORE", "Rule", "containers"]

Rule: TypeAlias = Callable[[Object], None]

DOMAIN_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
IMAGE = re.compile(
    rf"(?:(?:{DOMAIN_LABEL}(?:\.{DOMAIN_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?{PATH_PART}(?:/{PATH_PART})*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
"""A container image reference: github.com/distribution/reference, regexp.go."""

MAX_INT32 = 2**31 - 1
INIT_ANNOTATIONS = tuple(
    f"pod.{stage}.kubernetes.io/init-container{suffix}"
    for stage in ("alpha", "beta")
    for suffix in ("s", "-statuses")
)
POD_LEVEL_RESOURCES = re.compile(r"cpu|memory|hugepages-.+")


def containers(spec: Object) -> Iterator[Object]:
    """Init containers and containers of a pod's spec."""
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


# --- core -------------------------------------------------------------------------------------------


def pod(made: Object) -> None:
    """Requests from limits, service links, host ports: for a Pod itself, not for a template."""
    spec = made["spec"]
    for container in containers(spec):
        _default_requests(container["resources"])
    _pod_level_resources(spec)
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        _host_ports(containers(spec))
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1
    _drop_init_annotations(made)


def _default_requests(resources: Object) -> None:
    limits = resources.get("limits")
    if limits:
        resources["requests"] = {**limits, **resources.get("requests", {})}


def _host_ports(containers: Iterable[Object]) -> None:
    for container in containers:
        for port in container.get("ports", ()):
            if not port.get("hostPort"):
                port["hostPort"] = port["containerPort"]


def _pod_level_resources(spec: Object) -> None:
    """KEP-2837: pod-level limits bring pod-level requests, containers' huge pages pod-level limits."""
    resources = spec.get("resources") or {}
    if resources.get("limits") or resources.get("requests"):
        _huge_page_limits(spec, resources)
    if not resources.get("limits"):
        return
    requests = dict(resources.get("requests") or {})
    for name, value in _sum(spec, "requests").items():
        if name in {"cpu", "memory"}:
            requests.setdefault(name, value)
    for name, value in resources["limits"].items():
        if POD_LEVEL_RESOURCES.fullmatch(name):
            requests.setdefault(name, value)
    if requests:
        resources["requests"] = requests


def _huge_page_limits(spec: Object, resources: Object) -> None:
    limits = dict(resources.get("limits") or {})
    for name, value in _sum(spec, "limits").items():
        if name.startswith("hugepages-") and name not in (resources.get("requests") or {}):
            limits.setdefault(name, value)
    if limits:
        resources["limits"] = limits


def _sum(spec: Object, kind: str) -> dict[str, str]:
    """What all containers together may use: the larger of the running ones' sum and any init container's.

    k8s.io/component-helpers/resource/helpers.go.
    """
    running: dict[str, tuple[Fraction, str]] = {}
    for container in spec.get("containers") or ():
        _add(running, _amounts(container, kind))
    starting: dict[str, tuple[Fraction, str]] = {}
    sidecars: dict[str, tuple[Fraction, str]] = {}
    for container in spec.get("initContainers") or ():
        need = _amounts(container, kind)
        if container.get("restartPolicy") == "Always":
            _add(running, need)
            _add(sidecars, need)
            need = dict(sidecars)
        else:
            _add(need, sidecars)
        for name, amount in need.items():
            starting[name] = max(starting.get(name, amount), amount, key=lambda pair: pair[0])
    for name, amount in starting.items():
        running[name] = max(running.get(name, amount), amount, key=lambda pair: pair[0])
    return {name: quantity.write(*amount) for name, amount in running.items()}


def _amounts(container: Object, kind: str) -> dict[str, tuple[Fraction, str]]:
    listed = (container.get("resources") or {}).get(kind) or {}
    parsed = ((name, quantity.parse(str(text))) for name, text in listed.items())
    return {name: amount for name, amount in parsed if amount is not None}


def _add(total: dict[str, tuple[Fraction, str]], more: Mapping[str, tuple[Fraction, str]]) -> None:
    for name, (value, notation) in more.items():
        have, first = total.get(name, (Fraction(0), notation))
        total[name] = (have + value, first)


def _drop_init_annotations(made: Object) -> None:
    annotations = made["metadata"].get("annotations")
    if annotations:
        for name in INIT_ANNOTATIONS:
            annotations.pop(name, None)
        if not annotations:
            del made["metadata"]["annotations"]


def pod_template(made: Object) -> None:
    """A template loses what very old kubelets read."""
    _drop_init_annotations(made)


def pod_spec(spec: Object) -> None:
    """`serviceAccount` is the old name of `serviceAccountName`; both are shown."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def container(made: Object) -> None:
    """Images that may change under their name are pulled each time."""
    if not made.get("imagePullPolicy"):
        made["imagePullPolicy"] = _pull_policy(made.get("image", ""))


def _pull_policy(image: str) -> str:
    match = IMAGE.fullmatch(image)
    latest = match is not None and (match["tag"] or ("" if match["digest"] else "latest")) == "latest"
    return "Always" if latest else "IfNotPresent"


def volume(made: Object) -> None:
    """A volume of no kind is an emptyDir."""
    if made.keys() <= {"name"}:
        made["emptyDir"] = {}
    if (image := made.get("image")) is not None and not image.get("pullPolicy"):
        image["pullPolicy"] = _pull_policy(image.get("reference", ""))


def resource_list(made: Object) -> None:
    """Nothing finer than a thousandth."""
    for name, value in made.items():
        if isinstance(value, str):
            made[name] = quantity.rounded_up(value)


def resources(made: Object) -> None:
    """Requests and limits hold resource lists."""
    for name in ("limits", "requests"):
        resource_list(made.get(name) or {})


def replication_controller(made: Object) -> None:
    """Selector and labels from the template."""
    labels = (made["spec"].get("template") or {}).get("metadata", {}).get("labels")
    if labels:
        made["spec"].setdefault("selector", dict(labels))
        made["metadata"].setdefault("labels", dict(labels))


def service(made: Object) -> None:
    """Session affinity, target ports, traffic policies."""
    spec = made["spec"]
    _session_affinity(spec)
    for port in spec.get("ports", ()):
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port["port"]
    kind = spec["type"]
    exposed = kind in {"NodePort", "LoadBalancer"} or (kind == "ClusterIP" and spec.get("externalIPs"))
    if exposed:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind in {"ClusterIP", "NodePort", "LoadBalancer"}:
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def _session_affinity(spec: Object) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = spec.get("sessionAffinityConfig") or {}
        if (config.get("clientIP") or {}).get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}


def secret(made: Object) -> None:
    """stringData is written into data."""
    texts = made.pop("stringData", None)
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        made["data"] = {**made.get("data", {}), **encoded}


def namespace(made: Object) -> None:
    """Each namespace carries its name as a label."""
    if name := made["metadata"].get("name"):
        made["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name


def node_status(made: Object) -> None:
    """What a node has it may give."""
    if made.get("capacity"):
        made.setdefault("allocatable", dict(made["capacity"]))
    for name in ("capacity", "allocatable"):
        resource_list(made.get(name) or {})


def node_spec(made: Object) -> None:
    """The old field for one range and the list show the same."""
    if made.get("podCIDR") and (made.get("podCIDRs") or [""])[0] != made["podCIDR"]:
        made["podCIDRs"] = [made["podCIDR"]]
    if made.get("podCIDRs"):
        made["podCIDR"] = made["podCIDRs"][0]


def limit_range_item(made: Object) -> None:
    """Container limits: default from max, default request from default, else from min."""
    if made.get("type") == "Container":
        default = {**made.get("max", {}), **made.get("default", {})}
        request = {**made.get("min", {}), **default, **made.get("defaultRequest", {})}
        made.update(
            {name: value for name, value in (("default", default), ("defaultRequest", request)) if value}
        )
    for name in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        resource_list(made.get(name) or {})


def resource_quota(made: Object) -> None:
    """Hard limits are a resource list."""
    resource_list(made["spec"].get("hard") or {})


def persistent_volume_spec(made: Object) -> None:
    """The capacity is a resource list."""
    resource_list(made.get("capacity") or {})


# --- apps, batch ------------------------------------------------------------------------------------


def rolling_update(**defaults: object) -> Rule:
    """Parameters of a rolling update, when that is the strategy."""

    def rule(strategy: Object) -> None:
        if strategy.get("type") == "RollingUpdate":
            parameters = strategy.setdefault("rollingUpdate", {})
            for name, value in defaults.items():
                parameters.setdefault(name, value)

    return rule


def stateful_set_strategy(strategy: Object) -> None:
    """Only a strategy that named no type is given parameters."""
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
        strategy["rollingUpdate"].setdefault("partition", 0)


def stateful_set(made: Object) -> None:
    """Claim templates say what they are."""
    for claim in made["spec"].get("volumeClaimTemplates", ()):
        claim.update(apiVersion="v1", kind="PersistentVolumeClaim")


def job(made: Object) -> None:
    """A Job takes its labels from its template; a CronJob's template does not."""
    labels = made["spec"]["template"]["metadata"].get("labels")
    if labels:
        made["metadata"].setdefault("labels", labels)  # one map: what creation adds shows in both
    spec = made["spec"]
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", MAX_INT32 if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    spec.setdefault("manualSelector", False)


# --- others -----------------------------------------------------------------------------------------

SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
SCALE_DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


def scaling_behavior(made: Object) -> None:
    """Both directions get all parameters."""
    for name, defaults in (("scaleUp", SCALE_UP), ("scaleDown", SCALE_DOWN)):
        made[name] = {**copy.deepcopy(defaults), **made.get(name, {})}


def network_policy_spec(made: Object) -> None:
    """The directions it speaks of."""
    if not made.get("policyTypes"):
        made["policyTypes"] = ["Ingress", "Egress"] if made.get("egress") else ["Ingress"]


def rbac_subject(made: Object) -> None:
    """Users and groups belong to RBAC's group, service accounts to the core group."""
    if made["kind"] in {"User", "Group"} and not made.get("apiGroup"):
        made["apiGroup"] = "rbac.authorization.k8s.io"


def device_request(made: Object) -> None:
    """One device."""
    if made["allocationMode"] == "ExactCount" and not made.get("count"):
        made["count"] = 1


def custom_resource_definition(made: Object) -> None:
    """Names derived from the kind, and the version that is stored."""
    names = made["spec"]["names"]
    if not names.get("singular"):
        names["singular"] = names["kind"].lower()
    if names["kind"] and not names.get("listKind"):
        names["listKind"] = f"{names['kind']}List"
    if not made["status"].get("storedVersions"):
        stored = (version["name"] for version in made["spec"].get("versions") or () if version.get("storage"))
        made["status"]["storedVersions"] = [*stored][:1] or None


BEFORE: Mapping[str, Rule] = {
    "core.v1.Pod": pod,
    "core.v1.ReplicationController": replication_controller,
    "core.v1.Volume": volume,
    "batch.v1.Job": job,
    "apps.v1.StatefulSetUpdateStrategy": stateful_set_strategy,
    "core.v1.LimitRangeItem": limit_range_item,
    "apiextensions.v1.CustomResourceDefinition": custom_resource_definition,
    "core.v1.NodeStatus": node_status,
}
"""Rules that run before a type's constants and before its parts."""

AFTER: Mapping[str, Rule] = {
    "core.v1.Container": container,
    "core.v1.EphemeralContainer": container,
    "core.v1.Namespace": namespace,
    "core.v1.NodeSpec": node_spec,
    "core.v1.PersistentVolumeSpec": persistent_volume_spec,
    "core.v1.PodSpec": pod_spec,
    "core.v1.PodTemplateSpec": pod_template,
    "core.v1.ResourceQuota": resource_quota,
    "core.v1.ResourceRequirements": resources,
    "core.v1.Secret": secret,
    "core.v1.Service": service,
    "core.v1.VolumeResourceRequirements": resources,
    "apps.v1.DaemonSetUpdateStrategy": rolling_update(maxUnavailable=1, maxSurge=0),
    "apps.v1.DeploymentStrategy": rolling_update(maxUnavailable="25%", maxSurge="25%"),
    "apps.v1.StatefulSet": stateful_set,
    "autoscaling.v2.HorizontalPodAutoscalerBehavior": scaling_behavior,
    "networking.v1.NetworkPolicySpec": network_policy_spec,
    "rbac.v1.Subject": rbac_subject,
    "resource.v1.DeviceSubRequest": device_request,
    "resource.v1.ExactDeviceRequest": device_request,
}
"""Rules that run after a type's constants and its parts."""
