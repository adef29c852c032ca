"""Writes gatekeeper_py/{objects,cluster}/data from a live API server: run after a change of Kubernetes version.

    python -m tests.e2e.derive_data

Discovery gives `kinds.json`; OpenAPI v3 gives `schema.json`; the Go program `controlplane/fields` adds
how Go writes absent and empty fields and what it calls their types, which OpenAPI does not tell. The roles
it makes at its start give `roles.json`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from tests.e2e.harness import ControlPlane, control_plane

PACKAGE = Path(__file__).parents[2] / "gatekeeper_py"
FILES = {
    "kinds": PACKAGE / "objects" / "data" / "kinds.json",
    "schema": PACKAGE / "objects" / "data" / "schema.json",
    "roles": PACKAGE / "cluster" / "data" / "roles.json",
}
"""Where each table stands."""
FIELDS = Path(__file__).parent / "controlplane"

STORED_TOGETHER = ((("", "v1", "events"), ("events.k8s.io", "v1", "events")),)
"""Resources of two groups with one store: kubernetes pkg/kubeapiserver/default_storage_factory_builder.go."""

Json = dict[str, Any]


def main() -> None:
    """Starts an API server, asks it everything and writes the tables."""
    with control_plane(controllers=False) as plane:
        for name, table in derive(plane).items():
            FILES[name].write_bytes(rendered(table))


def derive(plane: ControlPlane) -> dict[str, Json]:
    """The tables by name."""
    fields = subprocess.run(["go", "run", "./fields"], cwd=FIELDS, stdout=subprocess.PIPE, check=True)
    kinds = list(_kinds(plane))
    schema = SchemaTable(_definitions(plane), orjson.loads(fields.stdout)).table(kinds)
    return {
        "kinds": {"kinds": kinds, "equivalents": list(_equivalents(kinds))},
        "schema": schema,
        "roles": {"roles": list(default_roles(plane))},
    }


RBAC = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
}
BOOTSTRAPPING = "kubernetes.io/bootstrapping"
"""The label of what the API server makes at its start, and keeps as it is."""


def default_roles(plane: ControlPlane) -> Iterator[Json]:
    """The roles and bindings of every cluster, without what only a stored object has."""
    for kind, resource in RBAC.items():
        listed = orjson.loads(plane.get(f"/apis/rbac.authorization.k8s.io/v1/{resource}"))["items"]
        for found in listed:
            metadata = found["metadata"]
            labels = metadata.get("labels", {})
            if BOOTSTRAPPING not in labels:
                continue
            kept = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
            if other := {key: value for key, value in labels.items() if key != BOOTSTRAPPING}:
                kept["labels"] = other
            said = {
                name: found[name]
                for name in ("aggregationRule", "rules", "roleRef", "subjects")
                if found.get(name)
            }
            yield {"kind": kind, "metadata": kept, **said}


def rendered(table: Json) -> bytes:
    """One entry of a list a line, so that a difference can be read."""
    lines = []
    for name, value in table.items():
        if isinstance(value, list):
            items = b",\n".join(orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in value)
            lines.append(orjson.dumps(name) + b":[\n" + items + b"\n]")
        else:
            lines.append(orjson.dumps(name) + b":" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    return b"{\n" + b",\n".join(lines) + b"\n}\n"


def _group_versions(plane: ControlPlane) -> Iterator[tuple[str, str]]:
    """Served group versions, the preferred version of a group first."""
    yield "", "v1"
    for group in sorted(orjson.loads(plane.get("/apis"))["groups"], key=lambda group: str(group["name"])):
        for version in group["versions"]:
            yield group["name"], version["version"]


def _prefix(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _kinds(plane: ControlPlane) -> Iterator[Json]:
    for group, version in _group_versions(plane):
        served = orjson.loads(plane.get(f"/{_prefix(group, version)}"))["resources"]
        for resource in sorted(served, key=lambda resource: str(resource["name"])):
            name, _, subresource = resource["name"].partition("/")
            if subresource:
                continue
            yield {
                "group": group,
                "version": version,
                "kind": resource["kind"],
                "resource": name,
                "namespaced": resource["namespaced"],
                "singular": resource["singularName"],
                "shortNames": resource.get("shortNames", []),
                "verbs": resource["verbs"],
                "subresources": _subresources(served, name, group, version),
            }


def _subresources(served: list[Json], name: str, group: str, version: str) -> Json:
    return {
        resource["name"].partition("/")[2]: {
            "kind": [resource.get("group", group), resource.get("version", version), resource["kind"]],
            "verbs": resource["verbs"],
        }
        for resource in served
        if resource["name"].startswith(f"{name}/")
    }


def _equivalents(kinds: list[Json]) -> Iterator[list[list[str]]]:
    """Sets of resources that hold the same objects, for matchPolicy Equivalent."""
    versions: dict[tuple[str, str], list[list[str]]] = {}
    for kind in kinds:
        row = [kind["group"], kind["version"], kind["resource"]]
        versions.setdefault((kind["group"], kind["resource"]), []).append(row)
    yield from (rows for rows in versions.values() if len(rows) > 1)
    yield from ([list(row) for row in rows] for rows in STORED_TOGETHER)


def _definitions(plane: ControlPlane) -> Json:
    """All definitions of all group versions by name; one name means one thing everywhere."""
    found: Json = {}
    paths = orjson.loads(plane.get("/openapi/v3"))["paths"]
    for group, version in _group_versions(plane):
        url = paths[_prefix(group, version)]["serverRelativeURL"]
        for name, definition in orjson.loads(plane.get(url))["components"]["schemas"].items():
            known = found.setdefault(name, definition)
            assert known.get("properties") == definition.get("properties"), name
    return found


class SchemaTable:
    """OpenAPI definitions as numbered nodes; equal nodes are stored once. `objects/schema.py` reads them."""

    def __init__(self, definitions: Json, fields: Mapping[str, Json]) -> None:
        self.definitions = definitions
        self.fields = {_definition_name(name): value for name, value in fields.items()}
        self.nodes: list[Json] = []
        self.known: dict[bytes, int] = {}
        self.named: dict[str, int] = {}

    def table(self, kinds: list[Json]) -> Json:
        wanted = {(kind["group"], kind["version"], kind["kind"]) for kind in kinds}
        wanted |= {tuple(sub["kind"]) for kind in kinds for sub in kind["subresources"].values()}
        roots = {}
        for name, definition in sorted(self.definitions.items()):
            for gvk in definition.get("x-kubernetes-group-version-kind", []):
                key = (gvk["group"], gvk["version"], gvk["kind"])
                if key in wanted:
                    roots["/".join(key)] = self._named(name)
        return {"kinds": roots, "nodes": self.nodes}

    def _named(self, name: str) -> int:
        if name not in self.named:
            self.named[name] = len(self.nodes)
            self.nodes.append({})
            self.nodes[self.named[name]] = self._node(self.definitions[name], name)
        return self.named[name]

    def _reference(self, schema: Json, go: str = "") -> int:
        """The node of what stands in a field or list; `go` is its type in Go."""
        target = schema.get("$ref", "")
        if not target and len(schema.get("allOf", ())) == 1:
            target = schema["allOf"][0].get("$ref", "")
        if not target:
            return self._inline(self._node(schema, "", go.removeprefix("*")))
        index = self._named(target.rpartition("/")[2])
        if kind := schema.get("x-kubernetes-map-type"):
            return self._inline({**self.nodes[index], "atomic": kind == "atomic"})
        return index

    def _inline(self, node: Json) -> int:
        key = orjson.dumps(node, option=orjson.OPT_SORT_KEYS)
        if key not in self.known:
            self.known[key] = len(self.nodes)
            self.nodes.append(node)
        return self.known[key]

    def _node(self, schema: Json, name: str, go: str = "") -> Json:
        if name.endswith("api.resource.Quantity"):
            return {"scalar": "quantity"}
        if name.endswith("runtime.RawExtension"):
            return {"any": "atomic"}
        kind = schema.get("type", "")
        if kind == "array":
            return self._list(schema, go)
        if kind == "object":
            return self._map(schema, name, go)
        if kind:
            return _scalar(schema, name, go)
        if schema.get("format") == "int-or-string":
            return {"scalar": "int-or-string"}
        return {"any": "deduced"}

    def _list(self, schema: Json, go: str) -> Json:
        node: Json = {"items": self._reference(schema["items"], _item_type(go))}
        if go and not go.startswith("[]"):
            node["go"] = go
        strategy = schema.get("x-kubernetes-list-type") or _patch_list_type(schema)
        if strategy == "set":
            node["keys"] = []
        elif strategy == "map":
            merge_key = [schema.get("x-kubernetes-patch-merge-key")]
            node["keys"] = schema.get("x-kubernetes-list-map-keys", merge_key)
        return node

    def _map(self, schema: Json, name: str, go: str) -> Json:
        node: Json = {}
        properties, known = schema.get("properties", {}), self.fields.get(name, {})
        if properties:
            node["fields"] = {
                field: self._reference(value, known.get(field, {}).get("type", ""))
                for field, value in sorted(properties.items())
            }
        if promoted := {each: known[each]["embedded"] for each in sorted(known) if known[each]["embedded"]}:
            node["promoted"] = promoted
        if defaults := dict(_field_defaults(properties, known)):
            node["defaults"] = defaults
        if "additionalProperties" in schema:
            node["values"] = self._reference(schema["additionalProperties"], _value_type(go))
        elif not properties:
            node["values"] = self._inline({"any": "deduced"})
        if go and not go.startswith("map["):
            node["go"] = go
        if schema.get("x-kubernetes-map-type") == "atomic":
            node["atomic"] = True
        if name:
            node["type"] = ".".join(name.split(".")[-3:])
        return node | _presence(known, properties)


def _scalar(schema: Json, name: str, go: str) -> Json:
    kind = schema.get("format") if schema.get("format") in FORMATS else schema["type"]
    if name.endswith("meta.v1.MicroTime"):
        go = "v1.MicroTime"
    node = {"scalar": kind, "go": go} if go not in ("", PLAIN.get(str(kind))) else {"scalar": kind}
    return {**node, "choices": sorted(schema["enum"])} if "enum" in schema else node


PLAIN = {"boolean": "bool", "byte": "[]uint8", "number": "float64", "string": "string"}
"""Scalars whose type in Go goes without saying."""


def _item_type(go: str) -> str:
    """`[]v1.X` -> `v1.X`."""
    return go.removeprefix("[]") if go.startswith("[]") else ""


def _value_type(go: str) -> str:
    """`map[string]v1.X` -> `v1.X`."""
    return go.partition("]")[2] if go.startswith("map[") else ""


def _field_defaults(properties: Json, fields: Json) -> Iterator[tuple[str, Any]]:
    """Defaults that mean something: OpenAPI also names the zero value of what Go cannot leave out."""
    for name, value in properties.items():
        default, field = value.get("default"), fields.get(name, {})
        is_pointer = field.get("presence") == "pointer" or field.get("type", "").startswith("*")
        if default or (default is not None and is_pointer):
            yield name, default


FORMATS = frozenset({"byte", "date-time", "int-or-string"})


def _patch_list_type(schema: Json) -> str:
    """What an older patch strategy means: kube-openapi pkg/schemaconv/smd.go."""
    if schema.get("x-kubernetes-patch-strategy") in {"merge", "merge,retainKeys"}:
        return "map" if "x-kubernetes-patch-merge-key" in schema else "set"
    return "atomic"


def _presence(fields: Json, properties: Json) -> Json:
    """Go's JSON: fields kept when empty (pointers), and fields written although unset."""
    known = {name: field for name, field in sorted(fields.items()) if name in properties}
    found: Json = {
        "pointers": [name for name, field in known.items() if field["presence"] == "pointer"],
        "structs": [name for name, field in known.items() if field["presence"] == "struct"],
        "always": {name: field["zero"] for name, field in known.items() if field["presence"] == "always"},
    }
    return {name: value for name, value in found.items() if value}


def _definition_name(go_type: str) -> str:
    """`k8s.io/api/core/v1.Pod` -> `io.k8s.api.core.v1.Pod`."""
    host, _, rest = go_type.partition("/")
    return ".".join([*reversed(host.split(".")), *rest.split("/")])


if __name__ == "__main__":
    main()
