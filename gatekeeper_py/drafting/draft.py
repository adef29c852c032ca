"""A first folder of policies for a cluster that runs already: what ships, and drafts that observe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from gatekeeper_py.drafting import shipped
from gatekeeper_py.drafting.grants import Grants
from gatekeeper_py.drafting.groups import ADDONS, Group, groups
from gatekeeper_py.drafting.platform import administrators, is_reserved, signs
from gatekeeper_py.drafting.runtimes import Runtimes
from gatekeeper_py.drafting.sightings import by_kind, name_in
from gatekeeper_py.objects.resource import GroupVersionKind, Object
from gatekeeper_py.policy.admission.text import printable
from gatekeeper_py.tenancy.reading import API_VERSION

__all__ = ["Draft", "draft"]

WIDTH: Final = 120
"""Columns of a line of YAML."""

PLATFORM_HEAD: Final = """\
The platform: what runs the cluster. Nothing is forced on these namespaces, and their ServiceAccounts may
write what they will into every tenant's."""

ADDONS_HEAD: Final = """\
Add-ons that serve the whole cluster. Nothing is forced on these namespaces; what their ServiceAccounts write
into a tenant's is judged as if the tenant wrote it, unless `writesAs: platform` says otherwise.

Drafted by what was seen; none of it is proof. Before anything is enforced, read each line, and take out what
is a tenant's: it then is a tenant of its own."""

SETTINGS_HEAD: Final = """\
What holds for every tenant, and for namespaces that no Tenant claims.

`observe` changes and refuses nothing, and records what would have been done. Go on tenant by tenant, or here
for all of them, as docs/first-day.md says."""

PLATFORM_GROUPS: Final = ("system:masters",)


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be written."""

    files: Mapping[str, str]
    """Texts by path."""
    trusted: int
    """Namespaces of the platform."""
    tenants: int
    policies: int


def draft(objects: Iterable[Object], problems: Mapping[GroupVersionKind, str]) -> Draft:
    """A folder for the cluster that holds these objects; raises `NotShipped`.

    `problems` are kinds that could not be listed, and why: what they would have shown is not in the draft.
    """
    found = by_kind(objects)
    platform, runtimes = signs(found), Runtimes.of(found["RuntimeClass"])
    known = {*shipped.spec_of(shipped.PLATFORM)["namespaces"]["names"], *platform}
    rest = groups(value for value in found["Namespace"] if name_in(value) not in known)
    policies = dict(shipped.policies())
    files = {
        **policies,
        shipped.SETTINGS: _settings(found, runtimes, problems),
        **dict(_trusted(platform)),
        **dict(_tenants(rest, Grants(found, runtimes))),
    }
    return Draft(files, len(platform), len(rest), sum("Binding\n" in text for text in policies.values()))


def _settings(
    found: Mapping[str, list[Object]], runtimes: Runtimes, problems: Mapping[GroupVersionKind, str]
) -> str:
    spec = {"enforcement": "observe", **shipped.spec_of(shipped.SETTINGS)}
    users, people = administrators(found["ClusterRoleBinding"])
    if users or people:
        everybody = {"users": users} if users else {}
        spec["platform"] = {**everybody, "groups": [*PLATFORM_GROUPS, *people]}
    spec["defaults"] = {**spec["defaults"], "runtimeClasses": runtimes.spec()}
    head = [*SETTINGS_HEAD.splitlines(), "", *runtimes.comments()]
    if users or people:
        head.append("platform: who is bound to cluster-admin in the whole cluster.")
    head += [f"Not looked at: {kind.api_version} {kind.kind}: {why}" for kind, why in problems.items()]
    return _document("TenancySettings", "settings", spec, head)


def _trusted(platform: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    """The platform, by names that clusters keep for themselves, and its add-ons."""
    spec = shipped.spec_of(shipped.PLATFORM)
    own = dict.fromkeys((*spec["namespaces"]["names"], *filter(is_reserved, platform)))
    signs_of_own = {name: platform.get(name, []) for name in own}
    yield shipped.PLATFORM, _listed("platform", PLATFORM_HEAD, spec, signs_of_own)
    addons = {name: why for name, why in platform.items() if name not in own}
    if addons:
        yield f"tenants/{ADDONS}.yaml", _listed(ADDONS, ADDONS_HEAD, {"trusted": True}, addons)


def _listed(name: str, head: str, spec: Mapping[str, Any], namespaces: Mapping[str, list[str]]) -> str:
    """A trusted tenant, its namespaces one by one, each below what speaks for it."""
    rest = {key: value for key, value in spec.items() if key != "namespaces"}
    lines = [
        line
        for namespace, signs in namespaces.items()
        for line in (*(f"      {_comment(why)}" for why in signs), f"      - {namespace}")
    ]
    text = _document("Tenant", name, rest, head.splitlines())
    return "\n".join([text.rstrip(), "  namespaces:", "    names:", *lines]) + "\n"


def _tenants(rest: Iterable[Group], grants: Grants) -> Iterator[tuple[str, str]]:
    for group in rest:
        spec = {"namespaces": dict(group.claim), **grants.spec(group.namespaces)}
        head = [f"Drafted: {group.why}.", *_members(group), *grants.comments(group.namespaces)]
        yield f"tenants/{group.name}.yaml", _document("Tenant", group.name, spec, head)


def _members(group: Group) -> Iterator[str]:
    if "names" not in group.claim:
        yield f"Now: {', '.join(group.namespaces)}."


def _document(kind: str, name: str, spec: Mapping[str, Any], head: Iterable[str]) -> str:
    comments = "".join(f"{_comment(line)}\n" for line in head)
    metadata = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}}
    return comments + _yaml({**metadata, "spec": dict(spec)})


def _comment(text: str) -> str:
    """One line, whatever the cluster has told: names of roles may hold line breaks, too."""
    return f"# {printable(' '.join(text.split()))}".rstrip()


def _yaml(value: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, width=WIDTH, default_flow_style=False)
    return text
