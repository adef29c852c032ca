"""What may be wrong with one tenancy document."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from gatekeeper_py.manifests.conformity import Fault, faults, problem_of
from gatekeeper_py.manifests.manifest import Manifest
from gatekeeper_py.manifests.place import Problem
from gatekeeper_py.objects.fieldpath import FieldPath
from gatekeeper_py.objects.schema import ANYTHING, OpenAPI, Schema, openapi_schema
from gatekeeper_py.objects.selector import Selector, SelectorError
from gatekeeper_py.tenancy.addresses import address_of, canonical, is_numeric
from gatekeeper_py.tenancy.fields import (
    CONTROL_PLANE_SPEC,
    SETTINGS_SPEC,
    TENANT_NAME_LENGTH,
    TENANT_SPEC,
    WAIVER_SPEC,
)
from gatekeeper_py.tenancy.placement import profile_faults
from gatekeeper_py.tenancy.reading import API_VERSION, CHOICES, declares_tenancy, is_tenant
from gatekeeper_py.tenancy.tenant import GROUP

__all__ = ["asks_for_label", "mistakes", "problems_of", "unknown_policies"]

SETTINGS_NAME = "settings"


def problems_of(document: Manifest) -> list[Problem]:
    """Everything that is wrong with a document, with places and remedies."""
    return [problem_of(fault, document.source) for fault in mistakes(document.object)]


def unknown_policies(manifests: Iterable[Manifest], names: Collection[str]) -> Iterator[Problem]:
    """Names of policies in well-formed documents that are none of `names`."""
    for document in filter(declares_tenancy, manifests):
        path: FieldPath = ("spec",) if is_tenant(document) else ("spec", "defaults")
        usage: Mapping[str, Any] = document.object
        for key in path:
            usage = usage.get(str(key), {})
        for index, name in enumerate(usage.get("silencedWarnings", ())):
            if name not in names:
                message = f"is {name!r}, which is no policy; correct or remove it"
                yield problem_of(((*path, "silencedWarnings", index), message), document.source)


def mistakes(body: Mapping[str, Any]) -> list[Fault]:
    """Everything that is wrong with a document: with its shape, or else with what it says."""
    return list(_shape_faults(body)) or list(_meaning_faults(body))


def _shape_faults(body: Mapping[str, Any]) -> Iterator[Fault]:
    if body.get("apiVersion") != API_VERSION:
        yield ("apiVersion",), f"is {body.get('apiVersion')!r}; this version understands {API_VERSION}"
        return
    schema = _schemas().get(str(body.get("kind")))
    if schema is None:
        yield (
            ("kind",),
            f"is {body.get('kind')!r}; it must be Tenant, TenancySettings, Waiver or ControlPlane",
        )
        return
    yield from faults(dict(body), schema)


@cache
def _schemas() -> Mapping[str, Schema]:
    specs = {
        "Tenant": TENANT_SPEC,
        "TenancySettings": SETTINGS_SPEC,
        "Waiver": WAIVER_SPEC,
        "ControlPlane": CONTROL_PLANE_SPEC,
    }
    return {kind: openapi_schema(_document_schema(spec)) for kind, spec in specs.items()}


def _document_schema(spec: OpenAPI) -> OpenAPI:
    return {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    **dict.fromkeys(SERVER_METADATA, ANYTHING),
                },
            },
            "spec": spec,
            "status": ANYTHING,
        },
        "required": ["metadata", "spec"],
    }


SERVER_METADATA = (
    "annotations",
    "creationTimestamp",
    "finalizers",
    "generation",
    "labels",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "uid",
)
"""What an API server adds to a document that lives in it."""


def _meaning_faults(body: Mapping[str, Any]) -> Iterator[Fault]:
    spec = body["spec"]
    if body["kind"] == "Tenant":
        yield from _tenant_faults(body["metadata"]["name"], spec)
        yield from _usage_faults(spec, ("spec",))
    elif body["kind"] == "Waiver":
        yield from _waiver_faults(spec)
    elif body["kind"] == "ControlPlane":
        yield from _path_faults(body["metadata"]["name"])
        yield from _control_plane_faults(spec)
    else:
        if body["metadata"]["name"] != SETTINGS_NAME:
            yield ("metadata", "name"), f"must be {SETTINGS_NAME}: there is one set of settings"
        yield from _usage_faults(spec.get("defaults", {}), ("spec", "defaults"))
        yield from profile_faults(spec)
        yield from _cidr_faults(spec.get("protectedCIDRs", ()), ("spec", "protectedCIDRs"))


def _name_faults(name: str) -> Iterator[Fault]:
    if len(name) > TENANT_NAME_LENGTH or "." in name:
        yield (
            ("metadata", "name"),
            f"is {name!r}, which makes no label; give at most {TENANT_NAME_LENGTH} characters without dots",
        )


def _path_faults(name: str) -> Iterator[Fault]:
    """The name of a control plane is a part of paths: of its doors, and of the folder of its files."""
    if len(name) > TENANT_NAME_LENGTH or not LABEL.fullmatch(name):
        yield (
            ("metadata", "name"),
            f"is {name!r}, which makes no path; "
            f"give at most {TENANT_NAME_LENGTH} small letters, digits and hyphens",
        )


LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""RFC 1123, as Kubernetes has it (validation.IsDNS1123Label)."""


def _server_faults(server: str) -> Iterator[Fault]:
    """An address that no API server has: what a port of the machine, or of its cloud, would be asked at."""
    where = ("spec", "server")
    try:
        parts = urlsplit(server)
        host, port = canonical(parts.hostname or ""), parts.port
    except ValueError:
        yield where, f"is {server!r}, which is no address; give https://HOST:PORT"
        return
    address = address_of(host)
    if port == 0 or (address is None and (not NAMED.fullmatch(host) or is_numeric(host))):
        yield where, f"is {server!r}, which is no address; give https://HOST:PORT"
    elif host == HOST or host.startswith(f"{HOST}.svc"):
        yield where, f"is {server!r}, which is the host's own API server; a control plane has another"
    elif address is not None and (address.is_link_local or address.is_multicast or address.is_unspecified):
        yield where, f"is {server!r}, where no API server is: {address} is not an address of one machine"


HOST = "kubernetes.default"
NAMED = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*"
)


def _control_plane_faults(spec: Mapping[str, Any]) -> Iterator[Fault]:
    if "server" in spec:
        yield from _server_faults(spec["server"])
    if "secret" in spec["kubeconfig"] and "server" not in spec:
        yield ("spec", "server"), "is absent, and a Secret does not say where a control plane is; add it"
    for index, part in enumerate(spec.get("subTenants", ())):
        if "names" not in part and "patterns" not in part:
            yield ("spec", "subTenants", index), "says no namespace; give names, patterns or both"
    for index, pods in enumerate(spec.get("pods", ())):
        yield from _selector_faults(pods["selector"], ("spec", "pods", index, "selector"), "pods")


def _tenant_faults(name: str, spec: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _name_faults(name)
    namespaces = spec["namespaces"]
    if not spec.get("trusted"):
        for key in ("writesAs", "clusterWide", "copiesMarks"):
            if key in spec:
                yield ("spec", key), "is for trusted tenants; remove it"
    if spec.get("trusted"):
        for key in namespaces:
            if key != "names":
                yield (
                    ("spec", "namespaces", key),
                    "is not for a trusted tenant; list its namespaces by exact name",
                )
    if "selector" in namespaces:
        yield from _selector_faults(namespaces["selector"], ("spec", "namespaces", "selector"))
    for index, owner in enumerate(spec.get("owners", ())):
        if (owner["kind"] == "ServiceAccount") != ("namespace" in owner):
            yield ("spec", "owners", index), "gives namespace for ServiceAccounts only, and they need one"


def _waiver_faults(spec: Mapping[str, Any]) -> Iterator[Fault]:
    if "tenants" not in spec and "namespaces" not in spec:
        yield ("spec",), "waives for everybody; give tenants, namespaces or both"
    try:
        date.fromisoformat(spec["expires"])
    except ValueError:
        yield ("spec", "expires"), f"is {spec['expires']!r}, which is no day; write it as 2027-01-31"


def _selector_faults(
    selector: Mapping[str, Any], path: FieldPath, what: str = "namespaces"
) -> Iterator[Fault]:
    try:
        parsed = Selector.of(selector)
    except SelectorError as error:
        yield path, f"is no selector: {error}"
        return
    if not asks_for_label(parsed):
        yield path, f"would claim {what} that lack a label; ask for at least one label with In or Exists"


def asks_for_label(selector: Selector) -> bool:
    """Whether a selector leaves out what has no labels: else it would claim what nobody gave it."""
    return any(requirement.operator in ("In", "Exists") for requirement in selector.requirements)


def _usage_faults(spec: Mapping[str, Any], path: FieldPath) -> Iterator[Fault]:
    for key in ("runtimeClasses", *CHOICES, "schedulers"):
        choice = spec.get(key, {})
        allowed = choice.get("allowed")
        default = choice.get("default")
        if default is not None and allowed is not None and default not in allowed and "*" not in allowed:
            yield (
                (*path, key, "default"),
                f"is {default!r}, which is not among the allowed; add it to allowed",
            )
    if any(key.startswith(f"{GROUP}/") for key in spec.get("labels", {})):
        yield (*path, "labels"), f"uses the prefix {GROUP}/, which is reserved; choose another"
    for key in ("externalIPs", "nameservers"):
        yield from _cidr_faults(spec.get(key, ()), (*path, key))


def _cidr_faults(values: Sequence[str], path: FieldPath) -> Iterator[Fault]:
    for index, value in enumerate(values):
        try:
            ipaddress.ip_network(value)
        except ValueError:
            yield (*path, index), f"is {value!r}, which is no network; write it as 10.0.0.0/8"
