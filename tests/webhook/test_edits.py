"""What becomes of the policies in force when the files are edited well, badly, by halves, or taken away."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gatekeeper_py.policy.admission.request import AdmissionRequest
from gatekeeper_py.webhook import server as serving
from gatekeeper_py.webhook.origin import FromFiles
from gatekeeper_py.webhook.revision import BadPolicies, Policies
from tests.policy.support import CONFIG_MAP, request
from tests.webhook.support import Harness, pod_review, running

POLICY = """\
# Refuses everything whose name begins with %(name)s.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-%(name)s}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps, pods]}
  validations:
    - expression: "tenant == null || !object.metadata.name.startsWith('%(name)s')"
"""
BINDING = """\
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-%(name)s}
spec: {policyName: no-%(name)s, validationActions: [Deny]}
"""
SETTINGS = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: TenancySettings
metadata: {name: settings}
spec: {unclaimed: own-tenant}
"""


def rule(name: str) -> str:
    """A policy about things of a name, and its binding."""
    return (POLICY + BINDING) % {"name": name}


@dataclass
class Mounted:
    """A folder of policies, mounted as the kubelet mounts a ConfigMap, and what is in force of it."""

    folder: Path
    version: int = 0

    def __post_init__(self) -> None:
        self.mount({"bad.yaml": rule("bad"), "evil.yaml": rule("evil"), "settings.yaml": SETTINGS})
        self.policies = Policies(FromFiles(self.folder, None).load)
        self.policies.reload()

    def mount(self, files: dict[str, str]) -> None:
        """Swap all files at once."""
        self.version += 1
        data = self.folder / f"..{self.version}"
        data.mkdir(parents=True)
        for name, text in files.items():
            (data / name).write_text(text)
        (self.folder / "..new").symlink_to(data.name)
        os.replace(self.folder / "..new", self.folder / "..data")
        for link in [path for path in self.folder.iterdir() if not path.name.startswith(".")]:
            link.unlink()
        for name in files:
            (self.folder / name).symlink_to(f"..data/{name}")

    def refuses(self, name: str) -> bool:
        """Whether a ConfigMap of this name is refused just now."""
        assert self.policies.in_force is not None
        asked: AdmissionRequest = request({**CONFIG_MAP, "metadata": {"name": name, "namespace": "foo"}})
        return not self.policies.in_force.loaded.review(asked, "validate", time.monotonic() + 60).allowed

    def edit(self, name: str, text: str) -> None:
        """Put a plain file in the place of a link."""
        (self.folder / name).unlink(missing_ok=True)
        (self.folder / name).write_text(text)


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "policies")


def empty(mounted: Mounted) -> None:
    for path in mounted.folder.iterdir():
        if not path.name.startswith("."):
            path.unlink()


def take_away(mounted: Mounted) -> None:
    mounted.folder.rename(mounted.folder.with_name("away"))


def pipe(mounted: Mounted) -> None:
    (mounted.folder / "evil.yaml").unlink()
    os.mkfifo(mounted.folder / "evil.yaml")


def loop(mounted: Mounted) -> None:
    (mounted.folder / "evil.yaml").unlink()
    (mounted.folder / "evil.yaml").symlink_to("evil.yaml")


REFUSED: dict[str, tuple[Callable[[Mounted], object], str]] = {
    "a folder that is emptied": (empty, "holds no policy: it is empty"),
    "a folder that is gone": (take_away, "no such file or folder"),
    "a ConfigMap without a key": (lambda m: m.mount({}), "holds no policy: it is empty"),
    "a ConfigMap of other files": (lambda m: m.mount({"README.md": "# P"}), "no name in it ends with .json"),
    "a ConfigMap of all but what was in subfolders": (
        lambda m: m.mount({"settings.yaml": SETTINGS}),
        "holds no policy",
    ),
    "the tenants moved away": (
        lambda m: m.mount({"bad.yaml": rule("bad"), "evil.yaml": rule("evil")}),
        "there is no tenancy document",
    ),
    "a file without a byte": (lambda m: m.edit("evil.yaml", ""), "the file is empty"),
    "a file cut before the binding": (
        lambda m: m.edit("evil.yaml", POLICY % {"name": "evil"}),
        'ValidatingAdmissionPolicy "no-evil" has lost its binding',
    ),
    "a file cut after the mark": (
        lambda m: m.edit("evil.yaml", POLICY % {"name": "evil"} + "---\n"),
        'ValidatingAdmissionPolicy "no-evil" has lost its binding',
    ),
    "a file cut within the binding": (
        lambda m: m.edit("evil.yaml", rule("evil").rpartition(", valid")[0]),
        "evil.yaml:",
    ),
    "a named pipe": (pipe, "is a named pipe, which is never opened"),
    "a link to itself": (loop, "cannot be read: too many levels of symbolic links"),
    "a folder that leads back": (
        lambda m: (m.folder / "up").symlink_to(m.folder),
        "this link leads back to a folder it is in",
    ),
    "a file of bytes": (lambda m: (m.folder / "x.yaml").write_bytes(b"\xff\xfe\x00"), "not UTF-8 text"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_refused_and_the_last_good_set_stays(mounted: Mounted, case: str) -> None:
    edit, said = REFUSED[case]
    edit(mounted)
    with pytest.raises(BadPolicies) as refused:
        mounted.policies.reload(at_rest=True)
    assert said in "\n".join(refused.value.problems)
    assert mounted.policies.problems == refused.value.problems
    assert (mounted.refuses("bad"), mounted.refuses("evil")) == (True, True)


@pytest.mark.parametrize("at_rest", [False, True], ids=["while files change", "at rest"])
def test_a_rule_that_is_taken_out_is_in_force_until_the_files_are_at_rest(
    mounted: Mounted, at_rest: bool
) -> None:
    (mounted.folder / "evil.yaml").unlink()
    if at_rest:
        mounted.policies.reload(at_rest=True)
    else:
        with pytest.raises(BadPolicies):
            mounted.policies.reload()
    assert (mounted.refuses("bad"), mounted.refuses("evil")) == (True, not at_rest)


def test_a_file_that_becomes_the_beginning_of_what_it_was_is_not_believed_at_once(mounted: Mounted) -> None:
    both = f"{rule('one')}---\n{rule('two')}"
    mounted.edit("all.yaml", both)
    mounted.policies.reload()
    for cut in ("# Refuses", rule("one"), both.rpartition("  validations")[0]):
        mounted.edit("all.yaml", cut)
        with pytest.raises(BadPolicies):
            mounted.policies.reload()
        assert mounted.refuses("two")
    mounted.edit("all.yaml", both)
    mounted.policies.reload()
    assert mounted.policies.problems == ()


def test_good_edits_are_in_force_at_once(mounted: Mounted) -> None:
    mounted.edit("more.yaml", rule("worse"))
    mounted.edit("evil.yaml", rule("evil").replace("startsWith('evil')", "endsWith('evil')"))
    mounted.policies.reload()
    assert [mounted.refuses(name) for name in ("worse", "evil-1", "an-evil")] == [True, False, True]
    mounted.mount(
        {"bad.yaml": rule("bad"), "evil.yaml": rule("evil"), "more.yaml": rule("worse"), "s.yaml": SETTINGS}
    )
    mounted.policies.reload()
    assert mounted.refuses("evil-1")


# --- the whole way, through a running server


@pytest.fixture
def served(mounted: Mounted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """The rules over HTTPS; files are believed to be at rest after a moment."""
    monkeypatch.setattr(serving, "REST", 0.6)
    harness = Harness(load=FromFiles(mounted.folder, None).load)
    with (
        running(harness, tmp_path / "certs", [mounted.folder]) as server,
        httpx.Client(base_url=server.url, verify=server.trust(), timeout=20) as http,
    ):
        yield http


def refused(http: httpx.Client, name: str) -> bool:
    review = pod_review(name=name, object={"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}})
    return not http.post("/validate", json=review).json()["response"]["allowed"]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.05)


def test_a_slow_writer_opens_nothing(mounted: Mounted, served: httpx.Client) -> None:
    lines = f"{rule('evil')}---\n{rule('worse')}".splitlines(keepends=True)
    (mounted.folder / "evil.yaml").unlink()
    with (mounted.folder / "evil.yaml").open("w", buffering=1) as file:
        for number, line in enumerate(lines):
            file.write(line)
            time.sleep(0.5 if number == len(lines) // 2 else 0.02)
            assert refused(served, "evil-1")
    until(lambda: refused(served, "worse-1"))
    assert refused(served, "evil-1")
    assert served.get("/readyz").json()["problems"] == []


def test_a_rule_that_is_taken_out_goes_when_the_files_are_at_rest(
    mounted: Mounted, served: httpx.Client
) -> None:
    (mounted.folder / "evil.yaml").unlink()
    until(lambda: not refused(served, "evil-1"))
    assert refused(served, "bad-1")


def test_an_emptied_folder_is_told_where_operators_look(mounted: Mounted, served: httpx.Client) -> None:
    mounted.mount({})
    until(lambda: served.get("/readyz").json()["problems"] != [])
    ready = served.get("/readyz").json()
    (problem,) = ready["problems"]
    assert problem.startswith(f"{mounted.folder}: holds no policy: it is empty. ")
    assert (ready["ready"], ready["policies"], ready["warnings"]) == (True, 2, [])
    assert "gatekeeper_policies_stale 1.0" in served.get("/metrics").text
    assert refused(served, "evil-1")
