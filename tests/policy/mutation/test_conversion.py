"""What the API server makes of a patched object, and what it leaves of it."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import builtin_schema
from gatekeeper_py.policy.mutation.conversion import DecodingError, conversion_problem, decode
from tests.policy.support import CONFIG_MAP, POD

CONFIG_MAPS = GroupVersionKind("", "v1", "ConfigMap")
EVENTS = GroupVersionKind("", "v1", "Event")
PODS = GroupVersionKind("", "v1", "Pod")
WIDGETS = GroupVersionKind("cases.example.com", "v1", "Widget")


def pod(**spec: Any) -> dict[str, Any]:
    return {**POD, "spec": {**POD["spec"], **spec}}


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "a", **fields}])


def test_a_custom_object_moved_to_a_version_of_the_same_shape_is_moved_back() -> None:
    live = {"apiVersion": "cases.example.com/v1", "kind": "Widget", "spec": {}}
    moved = {**live, "apiVersion": "cases.example.com/v2"}
    assert decode(moved, live, WIDGETS, lambda: {"cases.example.com/v2"}) == live


WIDGET = {"apiVersion": "cases.example.com/v1", "kind": "Widget", "spec": {}}
UNSUITABLE = 'is unstructured and is not suitable for converting to "cases.example.com/v1"'
NOT_TEXT = "couldn't get version/kind; json parse error: json: cannot unmarshal"
MOVED: list[tuple[dict[str, Any], str]] = [
    (
        {"apiVersion": "cases.example.com/v9"},
        "failed to convert object: request to convert CR from an invalid group/version: cases.example.com/v9",
    ),
    ({"apiVersion": "other/v1"}, f"failed to convert object: other/v1, Kind=Widget {UNSUITABLE}"),
    ({"apiVersion": "v1"}, f"failed to convert object: /v1, Kind=Widget {UNSUITABLE}"),
    ({"apiVersion": ""}, f"failed to convert object: /, Kind=Widget {UNSUITABLE}"),
    ({"apiVersion": None}, f"failed to convert object: /, Kind=Widget {UNSUITABLE}"),
    ({"apiVersion": 5}, f"{NOT_TEXT} number into Go struct field .apiVersion of type string"),
    ({"kind": {}}, f"{NOT_TEXT} object into Go struct field .kind of type string"),
    (
        {"kind": ""},
        'Object \'Kind\' is missing in \'{"apiVersion":"cases.example.com/v1","kind":"","spec":{}}\'',
    ),
]


@pytest.mark.parametrize(("moved", "message"), MOVED)
def test_a_custom_object_moved_elsewhere_is_refused_in_the_servers_words(
    moved: dict[str, Any], message: str
) -> None:
    with pytest.raises(DecodingError) as caught:
        decode({**WIDGET, **moved}, WIDGET, WIDGETS, lambda: {"cases.example.com/v2"})
    assert str(caught.value) == message


def test_a_custom_object_that_never_said_its_kind_need_not() -> None:
    assert decode({"spec": {"a": 1}}, {"spec": {}}, WIDGETS) == {"spec": {"a": 1}}


REFUSED = [
    ({**CONFIG_MAP, "dota": {}}, 'strict decoding error: unknown field "dota"'),
    (
        pod(bar=1, containers=[{"name": "a", "foo": 1}]),
        'strict decoding error: unknown field "spec.bar", unknown field "spec.containers[0].foo"',
    ),
    (
        {**CONFIG_MAP, "metadata": {"labels": 3}, "data": {"b": 3}},
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
    ),
    (
        pod(containers=[{"name": str(at), "x": 1} for at in range(11)]),
        "strict decoding error: " + ", ".join(f'unknown field "spec.containers[{at}].x"' for at in range(11)),
    ),
    (
        pod(hostNetwork=1, overhead={"cpu": "frog"}, tolerations=0),
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
    (
        {**CONFIG_MAP, "data": {"b": 3}},
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
    ),
    (
        container(image=3),
        "json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string",
    ),
    (
        pod(containers="x"),
        "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
    ),
    (
        pod(securityContext="x"),
        "json: cannot unmarshal string into Go struct field PodSpec.spec.securityContext "
        "of type v1.PodSecurityContext",
    ),
    (
        {**POD, "metadata": {"labels": ["x"]}},
        "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
    ),
    (
        pod(terminationGracePeriodSeconds="x"),
        "json: cannot unmarshal string into Go struct field PodSpec.spec.terminationGracePeriodSeconds "
        "of type int64",
    ),
    (
        pod(priority=2.5),
        "json: cannot unmarshal number 2.5 into Go struct field PodSpec.spec.priority of type int32",
    ),
    (
        container(resources={"limits": {"cpu": "frog"}}),
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
    (
        pod(priority=2**31),
        "json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32",
    ),
    (
        pod(volumes=[{"name": "v", "hostPath": "/"}]),
        "json: cannot unmarshal string into Go struct field Volume.spec.volumes.VolumeSource.hostPath "
        "of type v1.HostPathVolumeSource",
    ),
    (
        {**POD, "metadata": {"name": "x", "deletionTimestamp": "now"}},
        'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    ),
    (
        {**POD, "apiVersion": "v9"},
        'no kind "Pod" is registered for version "v9" in scheme "pkg/runtime/scheme.go:111"',
    ),
    (
        {**POD, "kind": "Service", "spec": {}},
        "failed to convert object: converting (v1.Service) to (core.Pod): unknown conversion",
    ),
]


@pytest.mark.parametrize(("patched", "message"), REFUSED, ids=range(len(REFUSED)))
def test_an_object_that_is_not_of_its_kind_is_refused(patched: dict[str, Any], message: str) -> None:
    live, kind = (CONFIG_MAP, CONFIG_MAPS) if patched["kind"] == "ConfigMap" else (POD, PODS)
    with pytest.raises(DecodingError) as caught:
        decode(patched, live, kind)
    assert str(caught.value) == message


SETTLED = [
    pytest.param({"labels": None}, {}, id="null is absent"),
    pytest.param({"labels": {}}, {}, id="empty is absent"),
    pytest.param({"labels": {"a": None}}, {"labels": {"a": ""}}, id="a null among strings is empty"),
    pytest.param({"labels": {"a": "b"}}, {"labels": {"a": "b"}}, id="the rest stays"),
]


@pytest.mark.parametrize(("added", "left"), SETTLED)
def test_what_go_does_not_write_is_gone(added: dict[str, Any], left: dict[str, Any]) -> None:
    metadata = CONFIG_MAP["metadata"]
    found = decode({**CONFIG_MAP, "metadata": {**metadata, **added}}, CONFIG_MAP, CONFIG_MAPS)
    assert found["metadata"] == {**metadata, **left}


@pytest.mark.parametrize("field", ["labels", "finalizers"])
def test_a_null_takes_away_what_was_there(field: str) -> None:
    metadata = {"name": "x", "labels": {"a": "b"}, "finalizers": ["x.io/a"]}
    live = {**CONFIG_MAP, "metadata": metadata}
    found = decode({**live, "metadata": {**metadata, field: None}}, live, CONFIG_MAPS)
    assert found["metadata"] == {name: value for name, value in metadata.items() if name != field}


def test_quantities_take_their_one_form() -> None:
    limits = {"cpu": "1000m", "memory": "1024Mi", "example.com/gpu": None}
    found = decode(container(resources={"limits": limits}), POD, PODS)
    taken = found["spec"]["containers"][0]["resources"]["limits"]
    assert taken == {"cpu": "1", "memory": "1Gi", "example.com/gpu": "0"}


def test_what_is_no_quantity_stays_as_it_is_but_for_the_point_of_a_whole_number() -> None:
    found = decode(pod(priority=5, terminationGracePeriodSeconds=30.0, hostname="1000m"), POD, PODS)
    assert found["spec"] == {
        **POD["spec"],
        "priority": 5,
        "terminationGracePeriodSeconds": 30,
        "hostname": "1000m",
    }
    assert type(found["spec"]["terminationGracePeriodSeconds"]) is int


def test_what_was_there_before_stays_as_it_was() -> None:
    live = container(resources={"limits": {"cpu": "1000m"}}, env=[])
    assert decode({**live, "metadata": {"name": "y"}}, live, PODS)["spec"] == live["spec"]


def test_a_null_that_was_there_before_stays() -> None:
    live = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "x"}, "eventTime": None}
    found = decode({**live, "metadata": {"name": "x", "labels": {"a": "b"}}}, live, EVENTS)
    assert found == {**live, "metadata": {"name": "x", "labels": {"a": "b"}}}


def test_nothing_is_filled_in() -> None:
    found = decode(pod(hostNetwork=True), POD, PODS)
    assert found["spec"] == {**POD["spec"], "hostNetwork": True}


def test_a_removed_kind_comes_back() -> None:
    assert decode({"metadata": {"name": "x"}}, CONFIG_MAP, CONFIG_MAPS)["kind"] == "ConfigMap"


@pytest.mark.parametrize("missing", ["kind", "apiVersion"])
def test_an_object_that_never_said_its_kind_is_of_the_request_s(missing: str) -> None:
    live = {name: value for name, value in CONFIG_MAP.items() if name != missing}
    assert decode({**live, "data": {"a": "b"}}, live, CONFIG_MAPS)["data"] == {"a": "b"}


def test_custom_objects_are_taken_as_they_are_but_for_their_kind() -> None:
    live = {"apiVersion": "cases.example.com/v1", "kind": "Widget", "spec": {}}
    assert decode({**live, "spec": {"any": None}}, live, WIDGETS)["spec"] == {"any": None}
    assert decode({**live, "kind": "Gadget"}, live, WIDGETS)["kind"] == "Gadget"  # refused when it is stored


CONVERTED = [
    pytest.param(pod(priority=1.5), "cannot convert float64 to int32", id="a fraction"),
    pytest.param(
        pod(terminationGracePeriodSeconds=1.5), "cannot convert float64 to int64", id="a fraction of 64 bits"
    ),
    pytest.param(pod(priority=2**31), None, id="bits that are cut"),
    pytest.param(
        container(resources={"limits": {"cpu": ""}}),
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        id="a quantity",
    ),
    pytest.param(
        container(livenessProbe={"httpGet": {"port": 1.5}}),
        "json: cannot unmarshal number 1.5 into Go value of type int32",
        id="a port",
    ),
    pytest.param(
        {**POD, "metadata": {"deletionTimestamp": "2026-13-01T00:00:00Z"}},
        'parsing time "2026-13-01T00:00:00Z": month out of range',
        id="a time",
    ),
    pytest.param(pod(hostNetwork=True), None, id="nothing"),
]


@pytest.mark.parametrize(("merged", "problem"), CONVERTED)
def test_a_merged_object_that_go_cannot_hold_is_told(merged: dict[str, Any], problem: str | None) -> None:
    schema = builtin_schema(PODS)
    assert schema is not None
    assert conversion_problem(merged, schema) == problem
