"""`gatekeeper certs dev`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.support import run


def test_it_says_what_it_made_and_what_it_kept(tmp_path: Path) -> None:
    first = run("certs", "dev", tmp_path)
    assert (first.exit_code, first.output) == (0, f"made {tmp_path}/ca.crt\nmade {tmp_path}/tls.crt\n")
    second = run("certs", "dev", tmp_path)
    assert (second.exit_code, second.output) == (0, f"kept {tmp_path}/ca.crt\nkept {tmp_path}/tls.crt\n")


def test_a_foreign_authority_is_exit_code_2_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("theirs")
    result = run("certs", "dev", tmp_path)
    assert result.exit_code == 2
    assert result.stderr == (
        f"{tmp_path}/ca.crt: is no PEM certificate; "
        f"choose another directory or move ca.crt, ca.key, tls.crt and tls.key out of {tmp_path}\n"
    )
    assert (tmp_path / "ca.crt").read_text() == "theirs"
