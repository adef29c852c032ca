from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from image.archive import layer_of_files, layer_of_folder, write_archive


def names(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return tar.getnames()


def test_a_layer_has_folders_files_and_links_and_is_always_the_same() -> None:
    files = {"bin/busybox": b"1", "opt/app/a.py": b"2"}
    layer = layer_of_files(files, {"bin/sh": "busybox"})
    assert names(layer) == ["bin", "opt", "opt/app", "bin/busybox", "opt/app/a.py", "bin/sh"]
    assert layer == layer_of_files(dict(reversed(files.items())), {"bin/sh": "busybox"})


def test_a_layer_of_a_folder_leaves_out_what_it_is_told(tmp_path: Path) -> None:
    for name in ("usr/bin/python", "usr/share/doc/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "bin").symlink_to("usr/bin")
    found = names(layer_of_folder(tmp_path, lambda name: name.startswith("usr/share/doc/")))
    assert found == ["bin", "usr", "usr/bin", "usr/bin/python", "usr/share", "usr/share/doc"]


def test_an_archive_names_config_and_layers_by_their_digests(tmp_path: Path) -> None:
    path = tmp_path / "made" / "image.tar"
    layers = [layer_of_files({"a": b"1"}), layer_of_files({"b": b"2"})]
    write_archive(path, "example.test/a:1", layers, {"User": "65532:65532"})
    with tarfile.open(path) as tar:
        contents = {name: (tar.extractfile(name) or io.BytesIO()).read() for name in tar.getnames()}
    (manifest,) = json.loads(contents["manifest.json"])
    assert manifest["RepoTags"] == ["example.test/a:1"]
    assert [contents[name] for name in manifest["Layers"]] == layers
    config = json.loads(contents[manifest["Config"]])
    assert config["config"] == {"User": "65532:65532"}
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
