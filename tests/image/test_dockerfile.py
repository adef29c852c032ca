from __future__ import annotations

from pathlib import Path

import pytest

from image.dockerfile import Copy, UnknownInstruction, recipe

ROOT = Path(__file__).parents[2]


def test_the_image_is_what_the_dockerfile_says() -> None:
    found = recipe(ROOT / "Dockerfile")
    assert found.packages == "/opt/gatekeeper"
    assert Copy("gatekeeper_py", "/opt/app/gatekeeper_py") in found.copies
    assert Copy("policies", "/policies") in found.copies
    assert found.environment["PATH"].startswith("/opt/gatekeeper/bin:/usr/local/sbin:")
    assert found.environment["PYTHONPATH"] == "/opt/app"
    assert (found.user, found.ports) == ("65532:65532", ("8443",))
    assert found.entrypoint == ("python", "-m", "gatekeeper_py")
    assert found.command[:3] == ("serve", "--policies", "/policies")


def test_an_instruction_that_is_not_known_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM a AS b\nRUN x\nFROM c\nCOPY --from=b /x /y\nHEALTHCHECK none\n", encoding="utf-8")
    with pytest.raises(UnknownInstruction, match=r"HEALTHCHECK is not known to image/dockerfile\.py"):
        recipe(file)
