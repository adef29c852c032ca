"""What a pod asks for, as the scheduler counts it.

k8s.io/component-helpers/resource/helpers.go, PodRequests, with the features that are on in 1.36. Containers
run side by side, and sidecars with them; init containers run one after another, beside the sidecars before
them. What is requested for the pod as a whole replaces the sum. While a resize is under way, the larger of
before and after counts. The overhead of the runtime class comes on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gatekeeper_py.golang import quantities

__all__ = ["GIB", "NOTHING", "Resources", "UnreadableQuantity", "overhead_of", "requests_of"]

GIB = 2**30
"""Bytes of a GiB, which price lists mean when they say GB."""


class UnreadableQuantity(ValueError):
    """An amount that is no quantity; says where it stands."""


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of processors and memory."""

    cpu: Fraction = Fraction(0)
    """Processors (vCPU)."""
    memory: Fraction = Fraction(0)
    """Bytes."""

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.cpu + other.cpu, self.memory + other.memory)

    def __sub__(self, other: Resources) -> Resources:
        return Resources(self.cpu - other.cpu, self.memory - other.memory)

    @property
    def gib(self) -> Fraction:
        """The memory in GiB."""
        return self.memory / GIB

    def fits(self, room: Resources) -> bool:
        """Whether there is room for it."""
        return self.cpu <= room.cpu and self.memory <= room.memory


NOTHING = Resources()


def requests_of(pod: Mapping[str, Any]) -> Resources:
    """What the scheduler counts for a Pod, overhead included; raises `UnreadableQuantity`."""
    spec, status = pod["spec"], pod.get("status") or {}
    asked = _of_containers(spec, status, _is_infeasible(status))
    return _of_the_whole(spec, status, asked) + overhead_of(pod)


def overhead_of(pod: Mapping[str, Any]) -> Resources:
    """What of a Pod's requests its runtime class takes."""
    return _read(pod["spec"].get("overhead"), "spec.overhead")


def _of_containers(spec: Mapping[str, Any], status: Mapping[str, Any], infeasible: bool) -> Resources:
    """AggregateContainerRequests: the larger of what runs in the end and of any moment before."""
    statuses = {
        each["name"]: each
        for key in ("containerStatuses", "initContainerStatuses")
        for each in status.get(key) or ()
    }
    running = NOTHING
    for container in spec["containers"]:
        running += _of_container(container, statuses.get(container["name"]), infeasible)
    sidecars, starting = NOTHING, NOTHING
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            asked = _of_container(container, statuses.get(container["name"]), infeasible)
            running, sidecars = running + asked, sidecars + asked
            starting = _larger(starting, sidecars)
        else:
            starting = _larger(starting, sidecars + _of_container(container, None, infeasible))
    return _larger(running, starting)


def _of_container(
    container: Mapping[str, Any], status: Mapping[str, Any] | None, infeasible: bool
) -> Resources:
    asked = _read(_requests(container), f"container {container['name']!r}")
    if status is None or status.get("resources") is None:
        return asked
    return _effective(asked, status, infeasible, f"status of container {container['name']!r}")


def _of_the_whole(spec: Mapping[str, Any], status: Mapping[str, Any], asked: Resources) -> Resources:
    """What is asked for the pod as a whole (KEP-2837) replaces what its containers ask for."""
    stated = _requests(spec)
    if not stated:
        return asked
    whole = _read(stated, "spec.resources")
    if status.get("resources") is not None:
        whole = _effective(whole, status, _is_infeasible(status), "status")
    return Resources(
        whole.cpu if "cpu" in stated else asked.cpu, whole.memory if "memory" in stated else asked.memory
    )


def _effective(asked: Resources, status: Mapping[str, Any], infeasible: bool, place: str) -> Resources:
    """determineEffectiveRequests: a resize takes at once what it takes, and frees when it is done."""
    actual = _larger(
        _read(_requests(status), f"{place}: resources"),
        _read(status.get("allocatedResources"), f"{place}: allocatedResources"),
    )
    return actual if infeasible else _larger(asked, actual)


def _is_infeasible(status: Mapping[str, Any]) -> bool:
    conditions = status.get("conditions") or ()
    return any(
        each.get("type") == "PodResizePending" and each.get("reason") == "Infeasible" for each in conditions
    )


def _requests(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is requested; the API server has filled in what only limits say (pkg/apis/core/v1/defaults.go)."""
    requests: Mapping[str, Any] = (holder.get("resources") or {}).get("requests") or {}
    return requests


def _larger(one: Resources, other: Resources) -> Resources:
    return Resources(max(one.cpu, other.cpu), max(one.memory, other.memory))


def _read(listed: Mapping[str, Any] | None, place: str) -> Resources:
    listed = listed or {}
    return Resources(_amount(listed, "cpu", place), _amount(listed, "memory", place))


def _amount(listed: Mapping[str, Any], name: str, place: str) -> Fraction:
    parsed = quantities.parse(str(listed.get(name, "0")))
    if parsed is None or parsed[0] < 0:
        raise UnreadableQuantity(f"{place}: {name} is {listed[name]!r}, which is no quantity")
    return parsed[0]
