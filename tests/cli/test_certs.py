"""`gatekeeper certs dev`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.support import run


def test_it_says_what_it_made_and_what_it_kept(tmp_path: Path) -> None:
    for did in ("made", "kept"):
        result = run("certs", "dev", tmp_path)
        names = ("ca.crt", "tls.crt", "client.crt")
        said = "".join(f"{did} {tmp_path}/{name}\n" for name in names)
        assert (result.exit_code, result.output) == (0, said)


def test_a_foreign_authority_is_exit_code_2_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("theirs")
    result = run("certs", "dev", tmp_path)
    assert result.exit_code == 2
    assert result.stderr == (
        f"{tmp_path}/ca.crt: is no PEM certificate; "
        f"choose another directory or move the .crt and .key files out of {tmp_path}\n"
    )
    assert (tmp_path / "ca.crt").read_text() == "theirs"
