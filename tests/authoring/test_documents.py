"""What the documents say of the language and of tenants is true."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import click
import pytest
import yaml

from gatekeeper_py.authoring import suite
from gatekeeper_py.cli import COMMANDS, gatekeeper
from gatekeeper_py.cli.reference import APART, page
from gatekeeper_py.engine import load_with_tenancy
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.policy.evaluation.compilation import Compiler, Environments, ExpressionKind
from gatekeeper_py.policy.loading.load import read
from gatekeeper_py.tenancy.documents import API_VERSION, load_tenancy
from gatekeeper_py.tenancy.fields import CONTROL_PLANE_SPEC, TENANT_SPEC, WAIVER_SPEC
from gatekeeper_py.tenancy.library import LIBRARY, SETTINGS, VARIABLES, extension
from gatekeeper_py.tenancy.tenant import Tenancy
from gatekeeper_py.webhook.metrics import Metrics
from gatekeeper_py.webhook.plane_metrics import PlaneMetrics
from tests.audit.test_tally import counted
from tests.authoring import references

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
AUTHORS = (DOCS / "authors.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```cel\n(.*?)```", AUTHORS, re.DOTALL)


PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.glob("*.md")),
    ROOT / "certs" / "README.md",
    ROOT / "examples" / "README.md",
]
PLACES = (ROOT, ROOT / "gatekeeper_py", ROOT / "tests")
"""Where paths that a page names begin."""
SHOWN = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@SHOWN
def test_files_and_folders_that_are_named_exist(page: Path) -> None:
    places = (*PLACES, page.parent)
    for path in references.paths(page.read_text(encoding="utf-8")):
        top = path.partition("/")[0]
        meant = path.endswith("/") or Path(path).suffix or any((place / top).is_dir() for place in places)
        assert not meant or any((place / path).exists() for place in places), path


@SHOWN
def test_links_lead_somewhere(page: Path) -> None:
    for address, anchor in references.links(page.read_text(encoding="utf-8")):
        target = page.parent / address if address else page
        assert target.exists(), address
        assert not anchor or anchor in references.anchors(target.read_text(encoding="utf-8")), anchor


@SHOWN
def test_targets_of_make_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert references.make_targets(page.read_text(encoding="utf-8")) <= targets


@SHOWN
def test_commands_and_their_flags_that_are_named_exist(page: Path) -> None:
    for words, flags in references.commands(page.read_text(encoding="utf-8")):
        command = subcommand(words)
        assert set(flags) <= flags_of(command), (words, flags)


@SHOWN
def test_flags_that_are_named_alone_exist(page: Path) -> None:
    known = {flag for name in (*COMMANDS, *APART) for each in leaves(name) for flag in flags_of(each)}
    assert references.lone_flags(page.read_text(encoding="utf-8")) <= known


@pytest.mark.parametrize("name", [*COMMANDS, *APART])
def test_every_flag_is_documented(name: str) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*DOCS.glob("*.md"), ROOT / "README.md"))
    flags = {flag for each in leaves(name) for flag in flags_of(each) if flag.startswith("--")}
    assert {flag for flag in flags if not re.search(rf"{flag}(?![\w-])", text)} == set()


def test_the_page_of_commands_names_each_command() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    for section in page().split("\n## ")[1:]:
        heading = section.partition("\n")[0]
        assert f"\n## {heading}\n" in text, (
            f"python -m gatekeeper_py.cli.reference > docs/commands.md: {heading}"
        )


@SHOWN
def test_metrics_that_are_named_exist(page: Path) -> None:
    families = (*Metrics().registry.collect(), *PlaneMetrics(tuple).collect())
    metrics = {sample for metric in families for sample in (metric.name, f"{metric.name}_total")}
    named = {
        name
        for piece in references.code(page.read_text(encoding="utf-8"))
        for name in re.findall(r"\bgatekeeper_[a-z_]+\b(?![.*/])", piece)
        if not name.startswith("gatekeeper_py")
    }
    assert named <= metrics | counted().keys()


@pytest.mark.parametrize(
    ("contract", "heading", "prefix"),
    [("floors", "Floors", ""), ("language", "The language", "cel/"), ("policies", "Policies", "policy/")],
)
def test_the_architecture_lists_the_floors_that_imports_are_held_to(
    contract: str, heading: str, prefix: str
) -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    layers = re.findall(r"\w+", contracts[f"importlinter:contract:{contract}"]["layers"])
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    section = re.split(r"^##+ ", text.partition(f"# {heading}\n")[2], flags=re.MULTILINE)[0]
    cells = " ".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE))
    assert re.findall(rf"`{prefix}(\w+)(?:\.py)?`", cells) == layers


def subcommand(words: tuple[str, ...]) -> click.Command:
    """The command of the words that name one; the words after it are its arguments."""
    apart = APART.get(" ".join(words[:2]))
    if apart is not None:
        return apart
    command: click.Command = gatekeeper
    for word in words:
        if not isinstance(command, click.Group):
            break
        found = command.get_command(click.Context(command), word)
        assert found is not None, f"no command {word} of {words}"
        command = found
    return command


def leaves(name: str) -> list[click.Command]:
    """A command, or those of a group."""
    command = subcommand(tuple(name.split()))
    return list(command.commands.values()) if isinstance(command, click.Group) else [command]


def flags_of(command: click.Command) -> set[str]:
    options = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    return options | {"--help", "-h"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_compiles(example: str) -> None:
    compiler = Compiler(Environments([extension(Tenancy())]), params=False)
    kind = ExpressionKind.JSON_PATCH if "JSONPatch" in example else ExpressionKind.VALIDATION
    assert compiler.compile(kind, example.strip()).text


def test_every_word_is_explained() -> None:
    words = {*VARIABLES, *(function.name for function in LIBRARY.functions)}
    assert {word for word in words if word not in AUTHORS} == set()


def test_every_setting_is_explained() -> None:
    assert SETTINGS.fields is not None
    assert {name for name in SETTINGS.fields if f"settings.{name}" not in AUTHORS} == set()


def test_every_field_of_a_tenant_is_explained() -> None:
    text = (DOCS / "tenants.md").read_text(encoding="utf-8")
    assert {name for name in TENANT_SPEC["properties"] if f"`{name}`" not in text} == set()


def test_the_example_of_a_tenant_loads() -> None:
    text = (DOCS / "tenants.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert [tenant.name for tenant in load_tenancy(read_text(examples[0])).tenants] == ["platform", "foo"]


def test_every_field_of_a_waiver_is_explained_and_its_example_is_right() -> None:
    text = (DOCS / "waivers.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert set(yaml.safe_load(example)["spec"]) == set(WAIVER_SPEC["properties"])
    assert {name for name in WAIVER_SPEC["properties"] if f"| `{name}` |" not in text} == set()
    _, tenancy = load_with_tenancy((*read([ROOT / "policies"]), *read_text(example)))
    assert [waiver.name for waiver in tenancy.waivers] == ["foo-old-agent"]


def test_every_field_of_a_control_plane_is_explained_and_its_example_is_right() -> None:
    text = (DOCS / "control-planes.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    fields = CONTROL_PLANE_SPEC["properties"]
    assert set(yaml.safe_load(example)["spec"]) == set(fields)
    assert {name for name in fields if f"| `{name}` |" not in text} == set()
    tenants = (
        f"apiVersion: {API_VERSION}\nkind: Tenant\nmetadata: {{name: {name}}}\n"
        f"spec: {{namespaces: {{names: [{name}]}}}}\n"
        for name in ("foo", "bar")
    )
    tenancy = load_tenancy(read_text("\n---\n".join((*tenants, example))))
    assert [(plane.name, plane.tenant) for plane in tenancy.control_planes] == [("foo", "foo")]


def test_every_field_of_a_suite_is_explained() -> None:
    text = (DOCS / "testing.md").read_text(encoding="utf-8")
    example = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    assert set(example) == set(suite.SUITE.fields)
    assert {name for name in suite.CASE["properties"] if f"`{name}`" not in text} == set()
