"""Keys and certificates in files."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from gatekeeper_py.pki.authority import CertificateError, make_authority
from gatekeeper_py.pki.files import read_pair, write_pair

PAIR = make_authority(datetime.now(UTC))
OTHER = make_authority(datetime.now(UTC))


def private_pem(key: Any, encryption: serialization.KeySerializationEncryption) -> bytes:
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return pem


LOCKED = private_pem(PAIR.key, serialization.BestAvailableEncryption(b"secret"))
EDWARDS = private_pem(ed25519.Ed25519PrivateKey.generate(), serialization.NoEncryption())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_pair(PAIR, tmp_path / "crt", tmp_path / "key")
    read = read_pair(tmp_path / "crt", tmp_path / "key")
    assert (read.certificate, read.key_pem) == (PAIR.certificate, PAIR.key_pem)


def test_only_the_owner_reads_a_key_whatever_the_file_was_before(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("old")
    (tmp_path / "key").chmod(0o666)
    write_pair(PAIR, tmp_path / "crt", tmp_path / "key")
    assert (mode(tmp_path / "key"), mode(tmp_path / "crt")) == (0o600, 0o644)


def test_a_link_at_the_key_s_place_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("old")
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    write_pair(PAIR, tmp_path / "crt", tmp_path / "key")
    assert ((tmp_path / "elsewhere").read_text(), (tmp_path / "key").is_symlink()) == ("old", False)


@pytest.mark.parametrize("failing", ["chmod", "replace"])
def test_a_write_that_fails_leaves_the_old_files_and_nothing_else(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk")

    write_pair(PAIR, tmp_path / "crt", tmp_path / "key")
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="disk"):
        write_pair(OTHER, tmp_path / "crt", tmp_path / "key")
    assert read_pair(tmp_path / "crt", tmp_path / "key").certificate == PAIR.certificate
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crt", "key"]


def test_the_key_is_there_before_its_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[str] = []
    replace = os.replace

    def note(source: str, target: Path) -> None:
        placed.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", note)
    write_pair(PAIR, tmp_path / "crt", tmp_path / "key")
    assert placed == ["key", "crt"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("crt", None, "crt: No such file or directory"),
        ("key", None, "key: No such file or directory"),
        ("crt", b"", "crt: is no PEM certificate"),
        ("crt", PAIR.key_pem, "crt: is no PEM certificate"),
        ("key", b"\xff", "key: is no unencrypted PEM private key"),
        ("key", PAIR.certificate_pem, "key: is no unencrypted PEM private key"),
        ("key", LOCKED, "key: is no unencrypted PEM private key"),
        ("key", EDWARDS, "key: is no elliptic curve key"),
        ("key", OTHER.key_pem, "key: is not the key of {folder}/crt"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, content: bytes | None, told: str, tmp_path: Path) -> None:
    write_pair(PAIR, tmp_path / "crt", tmp_path / "key")
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CertificateError) as raised:
        read_pair(tmp_path / "crt", tmp_path / "key")
    assert str(raised.value) == f"{tmp_path}/{told.format(folder=tmp_path)}"
