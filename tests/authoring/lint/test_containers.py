"""A policy about registries or privileges looks at every container, or is told which it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.lint.test_linting import POLICY, TRUE, found

MAIN = "object.spec.containers"
INIT = "object.spec.?initContainers.orValue([])"
EPHEMERAL = "object.spec.?ephemeralContainers.orValue([])"
OURS = "c.image.startsWith('ghcr.io/')"
SAFE = "!c.?securityContext.?privileged.orValue(false)"

MISTAKES = {
    "the others": (
        f"{MAIN}.all(c, {OURS})",
        "GK804 warning: nothing looks at initContainers and ephemeralContainers, which run images with "
        "privileges as well. Judge .?initContainers.orValue([]) as well",
    ),
    "ephemeral ones": (
        f"({MAIN} + {INIT}).all(c, {SAFE})",
        "GK804 warning: nothing looks at ephemeralContainers",
    ),
    "a resource that nothing asks about": (
        f"({MAIN} + {INIT} + {EPHEMERAL}).all(c, {SAFE})",
        "GK805 warning: ephemeral containers come by pods/ephemeralcontainers, which the rules do not name. "
        "Add pods/ephemeralcontainers to resources",
    ),
    "one is enough": (
        f"({INIT} + {EPHEMERAL}).size() == 0 && {MAIN}.exists(c, {OURS})",
        "GK804 warning: one container for which this holds is enough, whatever stands beside it. Ask all()",
    ),
    "the first": (
        f"({INIT} + {EPHEMERAL}).size() == 0 && {MAIN}[0].image.startsWith('ghcr.io/')",
        "GK804 warning: this looks at one container, and others may stand beside it: [0]. Ask all()",
    ),
}


def told(folder: Path, expression: str, resources: str = "[pods]") -> list[str]:
    text = POLICY.replace(TRUE, expression).replace("[pods]", resources)
    return [line.partition(": ")[2] for line in found(folder, {"p.yaml": text}) if "GK8" in line]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told(mistake: str, tmp_path: Path) -> None:
    expression, expected = MISTAKES[mistake]
    assert [line for line in told(tmp_path, expression) if line.startswith(expected)]


@pytest.mark.parametrize(
    ("expression", "resources"),
    [
        (f"({MAIN} + {INIT} + {EPHEMERAL}).all(c, {SAFE})", "[pods, pods/ephemeralcontainers]"),
        (f"!({MAIN} + {INIT} + {EPHEMERAL}).exists(c, !({SAFE}))", '["pods", "pods/*"]'),
        (f"{MAIN}.all(c, c.image.contains(':'))", "[pods]"),
        (f"{MAIN}.all(c, has(c.resources) || c.name != '')", "[pods]"),
        (f"{MAIN}.all(c, c.?livenessProbe.hasValue() || true)", "[pods]"),
    ],
)
def test_what_looks_at_all_or_at_something_harmless_is_not_told(
    expression: str, resources: str, tmp_path: Path
) -> None:
    assert told(tmp_path, expression, resources) == []


def test_templates_have_no_ephemeral_containers(tmp_path: Path) -> None:
    lists = [each.replace("object.spec", "object.spec.template.spec") for each in (MAIN, INIT)]
    text = POLICY.replace(TRUE, f"({' + '.join(lists)}).all(c, {SAFE})")
    text = text.replace('[""]', "[apps]").replace("[pods]", "[deployments]")
    assert not [line for line in found(tmp_path, {"p.yaml": text}) if "GK8" in line]
