"""Which params a binding gives: CollectParams of the API server, with params of the directory first."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.objects.selector import EVERYTHING, Selector
from gatekeeper_py.policy.matching.parameters import ParameterError, Parameters, collect, require_served
from gatekeeper_py.policy.model import ParamRef
from tests.objects.test_kinds import V1, definition

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
CLASS = GroupVersionKind("storage.k8s.io", "v1", "StorageClass")
WIDGET = GroupVersionKind("example.com", "v1", "Widget")


def param(kind: GroupVersionKind, name: str, namespace: str = "", value: int = 0, **labels: str) -> Object:
    metadata: dict[str, Any] = {"name": name, "labels": labels}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "value": value}


CLUSTER = Snapshot(
    [
        param(CONFIG_MAP, "a", "x", 1, tier="gold"),
        param(CONFIG_MAP, "b", "x", 2, tier="gold"),
        param(CONFIG_MAP, "c", "y", 3, tier="gold"),
        param(CLASS, "fast", value=4),
    ]
)
GOLD = Selector.of({"matchLabels": {"tier": "gold"}})
NONE = Parameters()


def values(
    kind: GroupVersionKind | None,
    reference: ParamRef | None,
    namespace: str = "x",
    directory: Parameters = NONE,
    cluster: Snapshot = CLUSTER,
) -> list[int | None]:
    found = collect(kind, reference, namespace, cluster, directory)
    return [None if obj is None else obj["value"] for obj in found]


@pytest.mark.parametrize(
    ("kind", "reference", "namespace", "expected"),
    [
        (None, None, "x", [None]),
        (None, ParamRef("a"), "x", [None]),
        (CONFIG_MAP, None, "x", [None]),
        (CONFIG_MAP, ParamRef("a"), "x", [1]),
        (CONFIG_MAP, ParamRef("c", namespace="y"), "x", [3]),
        (CONFIG_MAP, ParamRef("c", namespace="y"), "", [3]),
        (CONFIG_MAP, ParamRef("c", not_found="Allow"), "x", []),
        (CONFIG_MAP, ParamRef(selector=GOLD), "x", [1, 2]),
        (CONFIG_MAP, ParamRef(selector=GOLD, namespace="y"), "x", [3]),
        (CONFIG_MAP, ParamRef(selector=EVERYTHING), "x", [1, 2]),
        (CONFIG_MAP, ParamRef(selector=GOLD, not_found="Allow"), "z", []),
        (CLASS, ParamRef("fast"), "x", [4]),
        (CLASS, ParamRef("fast"), "", [4]),
        (CLASS, ParamRef(selector=EVERYTHING), "x", [4]),
    ],
)
def test_finds_params(
    kind: GroupVersionKind | None, reference: ParamRef | None, namespace: str, expected: list[int | None]
) -> None:
    assert values(kind, reference, namespace) == expected


@pytest.mark.parametrize(
    ("kind", "reference", "namespace", "message"),
    [
        (
            CONFIG_MAP,
            ParamRef("none"),
            "x",
            "no params found for policy binding with `Deny` parameterNotFoundAction",
        ),
        (
            CONFIG_MAP,
            ParamRef(selector=GOLD),
            "z",
            "no params found for policy binding with `Deny` parameterNotFoundAction",
        ),
        (
            CONFIG_MAP,
            ParamRef("a"),
            "",
            "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
        ),
        (
            CLASS,
            ParamRef("fast", namespace="x"),
            "x",
            "paramRef.namespace must not be provided for a cluster-scoped `paramKind`",
        ),
        (
            WIDGET,
            ParamRef("a"),
            "x",
            "failed to find resource referenced by paramKind: 'example.com/v1, Kind=Widget'",
        ),
    ],
)
def test_errors_are_the_api_servers(
    kind: GroupVersionKind, reference: ParamRef, namespace: str, message: str
) -> None:
    with pytest.raises(ParameterError) as error:
        values(kind, reference, namespace)
    assert str(error.value) == message


def test_the_directory_goes_before_the_cluster() -> None:
    directory = Parameters([param(CONFIG_MAP, "a", "x", 10, tier="gold"), param(CONFIG_MAP, "z", "x", 11)])
    assert values(CONFIG_MAP, ParamRef("a"), directory=directory) == [10]
    assert values(CONFIG_MAP, ParamRef("b"), directory=directory) == [2]
    assert values(CONFIG_MAP, ParamRef(selector=GOLD), directory=directory) == [10, 2]
    assert values(CONFIG_MAP, ParamRef(selector=EVERYTHING), directory=directory) == [10, 2, 11]


def test_a_param_of_the_directory_without_namespace_is_in_default() -> None:
    directory = Parameters([param(CONFIG_MAP, "a", value=10)])
    assert values(CONFIG_MAP, ParamRef("a", namespace="default"), directory=directory) == [10]


def test_a_kind_known_by_its_objects_alone() -> None:
    spread = Parameters([param(WIDGET, "w", "x", 5)])
    assert values(WIDGET, ParamRef("w"), directory=spread) == [5]
    assert values(WIDGET, ParamRef("w", not_found="Allow"), "y", spread) == []
    global_ = Parameters([param(WIDGET, "w", value=6)])
    assert values(WIDGET, ParamRef("w"), directory=global_) == [6]
    with pytest.raises(ParameterError, match="must not be provided"):
        values(WIDGET, ParamRef("w", namespace="x"), directory=global_)


def test_a_kind_defined_in_the_directory() -> None:
    directory = Parameters([param(WIDGET, "w", value=7)], [definition(V1, scope="Cluster")])
    assert values(WIDGET, ParamRef("w"), directory=directory) == [7]
    namespaced = Parameters([param(WIDGET, "w", value=7)], [definition(V1)])
    assert values(WIDGET, ParamRef("w", namespace="default"), directory=namespaced) == [7]


@pytest.mark.parametrize(
    ("kind", "directory", "known"),
    [
        (None, NONE, True),
        (CONFIG_MAP, NONE, True),
        (WIDGET, NONE, False),
        (WIDGET, Parameters([param(WIDGET, "w")]), True),
        (WIDGET, Parameters(definitions=[definition(V1)]), True),
    ],
)
def test_an_unknown_kind_makes_a_policy_unusable(
    kind: GroupVersionKind | None, directory: Parameters, known: bool
) -> None:
    if known:
        require_served(kind, CLUSTER, directory)
        return
    message = "failed to find resource referenced by paramKind: 'example.com/v1, Kind=Widget'"
    with pytest.raises(ParameterError, match=f"^{message}$"):
        require_served(kind, CLUSTER, directory)
