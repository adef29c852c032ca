"""A folder of policies as ConfigMaps, and back."""

from __future__ import annotations

import string
from typing import Any

import jsonpatch
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper_py.installation.config_maps import (
    LARGEST,
    PART,
    BadFile,
    component,
    config_maps,
    key,
    volume,
)

NAMES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: f"{'/'.join(names)}.yaml")
TEXTS = st.text(max_size=40) | st.just("x" * (PART // 2 + 1))
FILES = st.dictionaries(PATHS, TEXTS, min_size=1, max_size=12).filter(
    lambda files: len({key(path) for path in files}) == len(files)
)


@given(FILES)
def test_every_file_is_in_the_volume_once_under_its_own_name(files: dict[str, str]) -> None:
    made = {each["metadata"]["name"]: each["data"] for each in config_maps(files)}
    sources = [source["configMap"]["name"] for source in volume(files)["projected"]["sources"]]
    assert sorted(sources) == sorted(made)
    mounted = [item for name in sources for item in made[name].items()]
    assert sorted(mounted) == sorted((key(path), text) for path, text in files.items())


@given(FILES)
def test_no_config_map_is_too_large_for_an_annotation_unless_one_file_is(files: dict[str, str]) -> None:
    for each in config_maps(files):
        size = sum(len(name) + len(text.encode()) for name, text in each["data"].items())
        assert size <= PART or len(each["data"]) == 1


def test_a_folder_has_a_config_map_of_its_name_and_a_large_one_several() -> None:
    half = "x" * (PART // 2 + 1)
    files = {
        "a.yaml": "",
        "host-access/x.yaml": half,
        "host-access/y.yaml": half,
        "host-access/deep/z.yml": "z",
    }
    assert [(each["metadata"]["name"], list(each["data"])) for each in config_maps(files)] == [
        ("gatekeeper-policies", ["a.yaml"]),
        ("gatekeeper-policies-host-access.deep", ["host-access.deep.z.yml"]),
        ("gatekeeper-policies-host-access", ["host-access.x.yaml"]),
        ("gatekeeper-policies-host-access--2", ["host-access.y.yaml"]),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a b.yaml": ""},
            "a b.yaml: a ConfigMap takes names of letters, digits, '-', '_' and '.', at most 253. Rename the file",
        ),
        (
            {"_/b.yaml": ""},
            "_/b.yaml: a ConfigMap takes names of letters, digits, '-', '_' and '.', at most 253. Rename the file",
        ),
        (
            {"a.yaml": "x" * LARGEST},
            "a.yaml: a ConfigMap holds at most 1048576 bytes. Split the file",
        ),
        (
            {"a/b.yaml": "", "a.b.yaml": ""},
            "a/b.yaml: is called a.b.yaml in a ConfigMap, like a.b.yaml. Rename one",
        ),
        (
            {"A/x.yaml": "", "a/y.yaml": ""},
            "a: its ConfigMap is called gatekeeper-policies-a, like that of A. Rename one",
        ),
    ],
)
def test_what_no_config_map_can_hold_is_refused(files: dict[str, str], message: str) -> None:
    with pytest.raises(BadFile) as refused:
        config_maps(files)
    assert str(refused.value) == message


def test_the_component_makes_the_same_of_the_files_where_they_lie() -> None:
    files = {"a/x.yaml": "x", "b/y.yaml": "y"}
    made = component(files)
    generated: list[dict[str, Any]] = made["configMapGenerator"]
    assert [(each["name"], each["files"], each["options"]["labels"]) for each in generated] == [
        (value["metadata"]["name"], [f"{key(p)}={p}" for p in files if key(p) in value["data"]], value["metadata"]["labels"])
        for value in config_maps(files)
    ]  # fmt: skip
    assert all(each["options"]["disableNameSuffixHash"] for each in generated)
    (patch,) = made["patches"]
    empty: dict[str, Any] = {
        "spec": {"template": {"spec": {"containers": [{"volumeMounts": []}], "volumes": []}}}
    }
    pod = jsonpatch.apply_patch(empty, yaml.safe_load(patch["patch"]))["spec"]["template"]["spec"]
    assert pod["volumes"] == [volume(files)]
    assert pod["containers"][0]["volumeMounts"] == [
        {"name": "policies", "mountPath": "/policies", "readOnly": True}
    ]
