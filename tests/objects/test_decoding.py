"""What is left of an object that the API server has read into its types and written again."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.objects.decoding import UnreadableObject, decode_builtin, decode_custom, fill_custom
from gatekeeper_py.objects.findings import WrongType, findings
from gatekeeper_py.objects.resource import GroupVersionKind
from gatekeeper_py.objects.schema import Schema, builtin_schema, custom_schema

Json = dict[str, Any]


def builtin(api_version: str, kind: str) -> Schema:
    schema = builtin_schema(GroupVersionKind.parse(api_version, kind))
    assert schema is not None
    return schema


POD, SECRET = builtin("v1", "Pod"), builtin("v1", "Secret")


def pod(**spec: Any) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def with_time(text: str) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"deletionTimestamp": text}}


UNREADABLE = {
    "spec.containers must be a list, not 'x'": pod(containers="x"),
    "spec.containers must be a list, not a map": pod(containers={"0": {}}),
    "spec.containers[1] must be a map, not 1": pod(containers=[{"name": "a"}, 1]),
    "spec must be a map, not a list": {**pod(), "spec": []},
    "metadata must be a map, not 'x'": {**pod(), "metadata": "x"},
    "metadata.labels.a must be text, not 1": {**pod(), "metadata": {"labels": {"a": 1}}},
    "metadata.labels.a must be text, not True": {**pod(), "metadata": {"labels": {"a": True}}},
    "spec.hostNetwork must be true or false, not 'true'": pod(hostNetwork="true"),
    "spec.hostNetwork must be true or false, not 1": pod(hostNetwork=1),
    "spec.priority must be a whole number, not 1.5": pod(priority=1.5),
    "spec.priority must be a whole number that fits int32, not 2147483648": pod(priority=2**31),
    "spec.terminationGracePeriodSeconds must be a whole number that fits int64, not 9223372036854775808": pod(
        terminationGracePeriodSeconds=2**63
    ),
    "spec.priority must be a whole number, not True": pod(priority=True),
    "spec.priority must be a whole number, not '1'": pod(priority="1"),
    "spec.containers[0].resources.limits.cpu must be a quantity, not '1x'": pod(
        containers=[{"resources": {"limits": {"cpu": "1x"}}}]
    ),
    "spec.containers[0].livenessProbe.httpGet.port must be a whole number or text, not 1.5": pod(
        containers=[{"livenessProbe": {"httpGet": {"port": 1.5}}}]
    ),
    "spec.containers[0].livenessProbe.httpGet.port must be a whole number that fits int32, or text, "
    "not 3000000000": pod(containers=[{"livenessProbe": {"httpGet": {"port": 3_000_000_000}}}]),
}


@pytest.mark.parametrize(("message", "value"), UNREADABLE.items(), ids=UNREADABLE)
def test_a_value_of_another_shape_is_unreadable_and_named(message: str, value: Json) -> None:
    with pytest.raises(UnreadableObject) as caught:
        decode_builtin(value, POD)
    assert str(caught.value) == message


def test_the_object_itself_may_be_unreadable() -> None:
    with pytest.raises(UnreadableObject, match=r"^the object must be a map, not a list$"):
        decode_builtin([], POD)  # type: ignore[arg-type] # what a tenant sends


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        ({"unknown": 1, "nodeName": "n"}, {"nodeName": "n"}),
        ({"nodeName": None, "hostNetwork": None}, {}),
        ({"nodeName": "", "hostNetwork": False, "volumes": []}, {}),
        ({"priority": 0, "automountServiceAccountToken": False, "securityContext": {}},
         {"priority": 0, "automountServiceAccountToken": False, "securityContext": {}}),
        ({"priority": 5.0}, {"priority": 5}),
        ({"nodeSelector": {"a": None}}, {"nodeSelector": {"a": ""}}),
        ({"overhead": {"cpu": 0.25, "memory": "1024Mi", "a": None}},
         {"overhead": {"cpu": "250m", "memory": "1Gi", "a": "0"}}),
        ({"imagePullSecrets": [None]}, {"imagePullSecrets": [{}]}),
    ],
)  # fmt: skip
def test_a_spec_is_what_go_writes(spec: Json, left: Json) -> None:
    made = decode_builtin(pod(containers=[], **spec), POD)["spec"]
    assert made == {"containers": [], **left}


def test_a_structure_go_always_writes_is_there() -> None:
    made = decode_builtin({"apiVersion": "v1", "kind": "Pod"}, POD)
    assert made == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {},
        "spec": {"containers": None},
        "status": {},
    }


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59-14:00"),
        ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
    ],
)
def test_times_are_in_utc_where_python_can_tell(text: str, written: str) -> None:
    assert decode_builtin(with_time(text), POD)["metadata"]["deletionTimestamp"] == written


@pytest.mark.parametrize(
    "text",
    ["", "now", "2024-01-02", "20240102T030405Z", "2024-01-02 03:04:05Z", "2024-W01-1T00:00:00Z",
     "2024-01-02T03:04:05", "2024-13-02T03:04:05Z", "2024-01-02T03:04:05z", "2024-01-02T03:04:05Z\n",
     "٢٠٢٤-01-02T03:04:05Z"],
)  # fmt: skip
def test_what_go_takes_for_no_time_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableObject, match=r"metadata\.deletionTimestamp must be a time such as 2006"):
        decode_builtin(with_time(text), POD)


def test_a_micro_time_has_six_digits_of_a_second() -> None:
    lease = builtin("coordination.k8s.io/v1", "Lease")
    with pytest.raises(
        UnreadableObject, match=r"renewTime must be a time such as 2006-01-02T15:04:05.000000Z"
    ):
        decode_builtin({"spec": {"renewTime": "2024-01-02T03:04:05Z"}}, lease)


@pytest.mark.parametrize(("text", "written"), [("aGk=", "aGk="), ("aG\nk=\r\n", "aGk="), ("", "")])
def test_bytes_lose_their_line_ends(text: str, written: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": text}}
    assert decode_builtin(secret, SECRET)["data"] == {"a": written}


@pytest.mark.parametrize("text", ["#", "aGk", "hunter2"])
def test_what_is_no_base64_is_unreadable_and_not_shown(text: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": text}}
    with pytest.raises(UnreadableObject) as refused:
        decode_builtin(secret, SECRET)
    assert str(refused.value) == "data.a must be base64, not this text"


CUSTOM = custom_schema(
    {
        "spec": {
            "group": "a.example",
            "names": {"kind": "A"},
            "versions": [
                {
                    "name": "v1",
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "size": {"type": "integer", "default": 3},
                                "mode": {"type": "string", "nullable": True, "default": "slow"},
                                "part": {
                                    "type": "object",
                                    "default": {},
                                    "properties": {"on": {"type": "boolean", "default": True}},
                                },
                                "note": {"type": "string"},
                                "maybe": {"type": "string", "nullable": True},
                                "names": {"type": "object", "additionalProperties": {"type": "string"}},
                                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                            },
                        }
                    },
                }
            ],
        }
    },
    "v1",
)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ({}, {"size": 3, "mode": "slow", "part": {"on": True}}),
        ({"size": None, "mode": None}, {"size": 3, "mode": None, "part": {"on": True}}),
        ({"note": None, "free": None, "names": {"a": None}, "maybe": None},
         {"size": 3, "mode": "slow", "part": {"on": True}, "names": {}, "maybe": None}),
        ({"strange": 1, "part": {"strange": 1, "on": False}},
         {"size": 3, "mode": "slow", "part": {"on": False}}),
        ({"free": {"strange": [{"x": None}]}, "size": 1, "mode": "", "part": {}},
         {"free": {"strange": [{"x": None}]}, "size": 1, "mode": "", "part": {"on": True}}),
    ],
)  # fmt: skip
def test_a_custom_object_is_pruned_and_gets_its_defaults(value: Json, left: Json) -> None:
    assert CUSTOM is not None
    head = {"apiVersion": "a.example/v1", "kind": "A", "metadata": {"name": "a"}}
    assert decode_custom({**head, **value}, CUSTOM) == {**head, **left}


def test_what_policies_changed_gets_defaults_and_stays_as_it_is_else() -> None:
    assert CUSTOM is not None
    value = {"metadata": {"labels": {"a": 1}}, "strange": 1, "note": None, "part": {"strange": 2}}
    filled = fill_custom(value, CUSTOM)
    assert filled == {**value, "size": 3, "mode": "slow", "part": {"strange": 2, "on": True}}
    assert value["part"] == {"strange": 2}


def test_metadata_of_a_custom_object_is_read_like_any_other() -> None:
    assert CUSTOM is not None
    head = {"apiVersion": "a.example/v1", "kind": "A"}
    made = decode_custom({**head, "metadata": {"name": "a", "strange": 1, "labels": None}}, CUSTOM)
    assert made["metadata"] == {"name": "a"}
    with pytest.raises(UnreadableObject, match=r"metadata\.labels must be a map, not 'x'"):
        decode_custom({**head, "metadata": {"labels": "x"}}, CUSTOM)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["containers", "volumes", "affinity", "tolerations", "nodeSelector", "overhead", "securityContext"]


@given(st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=3))
def test_anything_is_read_or_unreadable_and_stays_as_it_was(spec: Json) -> None:
    value = pod(**spec)
    before = copy.deepcopy(value)
    try:
        made = decode_builtin(value, POD)
    except UnreadableObject:
        made = {}
    assert value == before
    if made:
        assert decode_builtin(made, POD) == made


# --- plans and findings -------------------------------------------------------------------------------

SCALARS = st.sampled_from([None, "", "1Gi", "x", 0, 1, 1.0, 1.5, -1, 2**40, True, False])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abx"), inner, max_size=2),
    max_leaves=4,
)
CONTAINER: Json = {
    "name": "a",
    "image": "x",
    "env": [{"name": "A", "value": "b"}],
    "ports": [{"containerPort": 80}],
    "resources": {"limits": {"cpu": "1"}},
    "livenessProbe": {"httpGet": {"port": "http"}},
}
FULL: Json = pod(containers=[CONTAINER], hostNetwork=False, priority=1, nodeSelector={"a": "b"})


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [
        *([path] if path else []),
        *(each for name, part in parts for each in places(part, (*path, name))),
    ]


@given(st.sampled_from(places(FULL)), VALUES)
def test_what_is_decoded_is_what_nothing_is_found_wrong_with(path: tuple[Any, ...], put: Any) -> None:
    """Planned decoders check as they go, and `findings` says what is wrong: both must see the same."""
    value = copy.deepcopy(FULL)
    around = value
    for part in path[:-1]:
        around = around[part]
    around[path[-1]] = put
    wrong = any(isinstance(each, WrongType) for each in findings(value, POD))
    try:
        decode_builtin(value, POD)
    except UnreadableObject:
        assert wrong
    else:
        assert not wrong


def test_names_that_authors_made_up_are_not_remembered() -> None:
    for number in range(3):
        assert decode_builtin(pod(containers=[], **{f"unknown{number}": 1}), POD)["spec"] == {
            "containers": []
        }
